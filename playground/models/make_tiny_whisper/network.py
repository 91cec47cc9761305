"""The Whisper network, and an encoder pass that costs a short window yet stands for the full 30 seconds.

faster-whisper pads every window to 1500 positions, and nearly all of them are silence that differs in nothing but its
position. So a pass takes the positions with sound, a few sampled silent ones, and adds to each attention score the
logarithm of how many positions that key stands for: an unbiased estimate of attention over the full window.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from transformers import WhisperConfig, WhisperForConditionalGeneration

from playground.models.make_tiny_whisper.samples import PHONEMES
from playground.models.make_tiny_whisper.tokenizer import Layout

WINDOW_POSITIONS = 1500
SILENT_POSITIONS = 24
# Where each encoder head looks at first, in positions of 20 ms, layer by layer; and how sharply.
DISTANCES = ((-3, -1, 1, 3), (-5, -2, 2, 5), (-8, -3, 3, 8), (-12, -4, 4, 12))
NEARNESS = 1.5


def make_config(layout: Layout) -> WhisperConfig:
    """About two and a half million parameters; 80 mel bands and 1500 source positions as in the stock model.

    Eager attention: on CPU the flash kernel's backward pass takes half as long again at these lengths.
    """
    return WhisperConfig(  # type: ignore[call-arg]
        vocab_size=layout.size, num_mel_bins=80, d_model=160, encoder_layers=4, decoder_layers=2,
        encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=640, decoder_ffn_dim=640,
        max_source_positions=WINDOW_POSITIONS, max_target_positions=448, attn_implementation="eager",
        pad_token_id=layout.end, bos_token_id=layout.end, eos_token_id=layout.end, decoder_start_token_id=layout.start,
        suppress_tokens=[], begin_suppress_tokens=[], init_std=0.06,
    )  # fmt: skip


class TrainedWhisper(nn.Module):
    """Whisper and a phoneme classifier on its encoder, which teaches it to hear and is dropped afterwards."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.whisper = WhisperForConditionalGeneration(make_config(layout))
        # The stock start leaves sound at a twentieth of the position signal's size: nothing would be heard for long.
        for convolution in (self.whisper.model.encoder.conv1, self.whisper.model.encoder.conv2):
            nn.init.kaiming_normal_(convolution.weight)
        _look_nearby(self.whisper)
        self.phonemes = nn.Linear(self.whisper.config.d_model, len(PHONEMES))

    def forward(
        self, features: Tensor, tokens: Tensor, positions: Tensor, log_weights: Tensor, sounding: int
    ) -> tuple[Tensor, Tensor]:
        """Features (batch, 80, 2 x positions) and tokens (batch, n) to token and phoneme logits."""
        mask = log_weights.view(1, 1, 1, -1)
        encoded = self._encode(features, positions, mask)
        return self._decode(tokens, encoded, mask), self.phonemes(encoded[:, :sounding])

    def _encode(self, features: Tensor, positions: Tensor, mask: Tensor) -> Tensor:
        encoder = self.whisper.model.encoder
        hidden = nn.functional.gelu(encoder.conv2(nn.functional.gelu(encoder.conv1(features))))
        hidden = hidden.transpose(1, 2) + encoder.embed_positions.weight[positions]
        for layer in encoder.layers:
            hidden = layer(hidden, attention_mask=mask)
        encoded: Tensor = encoder.layer_norm(hidden)
        return encoded

    def _decode(self, tokens: Tensor, encoded: Tensor, mask: Tensor) -> Tensor:
        decoder = self.whisper.model.decoder
        hidden = decoder.embed_tokens(tokens) + decoder.embed_positions.weight[: tokens.shape[1]]
        later = torch.full((tokens.shape[1], tokens.shape[1]), -1e4, dtype=mask.dtype).triu(1)
        for layer in decoder.layers:
            hidden = layer(hidden, later, encoder_hidden_states=encoded, encoder_attention_mask=mask, use_cache=False)
        logits: Tensor = self.whisper.proj_out(decoder.layer_norm(hidden))
        return logits


@torch.no_grad()
def _look_nearby(whisper: WhisperForConditionalGeneration) -> None:
    """Starts each encoder head looking at a fixed distance, as a time-delay network does; training is free to move it.

    The fast sinusoids of the position signal, turned by a distance in the query, match best at the key that far away.
    Sound, and what the layers write, starts small in those channels, so that the match is clean.
    """
    encoder, half = whisper.model.encoder, whisper.config.d_model // 2
    count = half // whisper.config.encoder_attention_heads
    rates = torch.exp(-torch.arange(count) * math.log(10_000) / (half - 1))
    channels = torch.cat([torch.arange(count), half + torch.arange(count)])
    encoder.conv2.weight[channels] *= 0.1
    for layer, distances in zip(encoder.layers, DISTANCES, strict=True):
        attention = layer.self_attn
        for written in (layer.fc2.weight, attention.out_proj.weight):
            written *= 0.35
            written[channels] *= 0.3
        for matched in (attention.q_proj.weight, attention.k_proj.weight):
            matched *= 0.3
        for head, distance in enumerate(distances):
            rows = slice(head * 2 * count, (head + 1) * 2 * count)
            sine, cosine = torch.diag((distance * rates).sin()), torch.diag((distance * rates).cos())
            turn = torch.cat([torch.cat([cosine, sine], 1), torch.cat([-sine, cosine], 1)])
            attention.q_proj.weight[rows, channels] = NEARNESS * turn
            attention.k_proj.weight[rows, channels] = NEARNESS * torch.eye(2 * count)


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
