"""The Whisper network, and an encoder pass that costs a short window yet stands for the full 30 seconds.

faster-whisper pads every window to 1500 positions, and nearly all of them are silence that differs in nothing but its
position. So a pass takes the positions with sound, a few sampled silent ones, and adds to each attention score the
logarithm of how many positions that key stands for: an unbiased estimate of attention over the full window.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from transformers import WhisperConfig, WhisperForConditionalGeneration

from playground.models.make_tiny_whisper.tokenizer import Layout

WINDOW_POSITIONS = 1500
SILENT_POSITIONS = 32
CHARACTERS = "abcdefghijklmnopqrstuvwxyz "


def make_config(layout: Layout) -> WhisperConfig:
    """About four million parameters; 80 mel bands and 1500 source positions as in the stock model.

    Eager attention: on CPU the flash kernel's backward pass takes half as long again at these lengths.
    """
    return WhisperConfig(
        vocab_size=layout.size, num_mel_bins=80, d_model=192, encoder_layers=4, decoder_layers=3,
        encoder_attention_heads=3, decoder_attention_heads=3, encoder_ffn_dim=768, decoder_ffn_dim=768,
        max_source_positions=WINDOW_POSITIONS, max_target_positions=448, attn_implementation="eager",
        pad_token_id=layout.end, bos_token_id=layout.end, eos_token_id=layout.end, decoder_start_token_id=layout.start,
        suppress_tokens=[], begin_suppress_tokens=[],
    )  # fmt: skip


class TrainedWhisper(nn.Module):
    """Whisper and a character classifier on its encoder, which teaches alignment (CTC) and is dropped afterwards."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.whisper = WhisperForConditionalGeneration(make_config(layout))
        self.characters = nn.Linear(self.whisper.config.d_model, len(CHARACTERS) + 1)

    def forward(
        self, features: Tensor, tokens: Tensor, positions: Tensor, log_weights: Tensor, sounding: int
    ) -> tuple[Tensor, Tensor]:
        """Features (batch, 80, 2 x positions) and tokens (batch, n) to token and character logits."""
        mask = log_weights.view(1, 1, 1, -1)
        encoded = self._encode(features, positions, mask)
        return self._decode(tokens, encoded, mask), self.characters(encoded[:, :sounding])

    def _encode(self, features: Tensor, positions: Tensor, mask: Tensor) -> Tensor:
        encoder = self.whisper.model.encoder
        hidden = nn.functional.gelu(encoder.conv2(nn.functional.gelu(encoder.conv1(features))))
        hidden = hidden.transpose(1, 2) + encoder.embed_positions.weight[positions]
        for layer in encoder.layers:
            hidden = layer(hidden, attention_mask=mask)
        return encoder.layer_norm(hidden)

    def _decode(self, tokens: Tensor, encoded: Tensor, mask: Tensor) -> Tensor:
        decoder = self.whisper.model.decoder
        hidden = decoder.embed_tokens(tokens) + decoder.embed_positions.weight[: tokens.shape[1]]
        later = torch.full((tokens.shape[1], tokens.shape[1]), -1e4, dtype=mask.dtype).triu(1)
        for layer in decoder.layers:
            hidden = layer(hidden, later, encoder_hidden_states=encoded, encoder_attention_mask=mask, use_cache=False)
        return self.whisper.proj_out(decoder.layer_norm(hidden))


def silent_tail(sounding: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Positions and log weights of a window that sounds for `sounding` positions and is silent to its end."""
    strata = SILENT_POSITIONS - 1
    if WINDOW_POSITIONS - 1 - sounding <= strata:
        return torch.arange(WINDOW_POSITIONS), torch.zeros(WINDOW_POSITIONS)
    edges = torch.linspace(sounding, WINDOW_POSITIONS - 1, strata + 1).long()
    sizes = edges.diff()
    tail = edges[:-1] + (torch.rand(strata, generator=generator) * sizes).long()
    # The very last position stands for itself alone: the convolution sees the edge there.
    positions = torch.cat([torch.arange(sounding), tail, torch.tensor([WINDOW_POSITIONS - 1])])
    return positions, torch.cat([torch.zeros(sounding), sizes.log(), torch.zeros(1)])
