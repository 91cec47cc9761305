"""A dense, unpaged replay beside the engine: every token again, from what was in force when it was computed.

Each request has its keys and values in one plain cache, batch of one. Full blocks are quantized and dequantized there,
at the moment at which the engine seals or converts them; all else (paging, batching, chunks, drafts, sharing,
preemption) does not exist here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor
from transformers import DynamicCache

from playground.engine.backends.transformers.live import LiveEngine
from playground.engine.backends.transformers.quantization import BITS, CHANNELS, TOKENS, dequantize, quantize
from playground.engine.request import Request

# Logits here spread over tens. Sums in another order flip the last bit of a key, and that now and then a code of it.
NEAR = 0.5


@dataclass
class Dense:
    """One request's keys and values, [1, H, tokens, D] a layer, as its next query would see them."""

    preemptions: int
    layers: list[list[Tensor]] = field(default_factory=list)

    @property
    def tokens(self) -> int:
        return self.layers[0][0].shape[2] if self.layers else 0


class Shadow:
    """Follows one engine; `checked` counts tokens, `near` those that were a near tie."""

    def __init__(self, live: LiveEngine) -> None:
        self.live, self.kind, self.size = live, "model", live.core.runner.blocks.size
        self.dense: dict[str, Dense] = {}
        self.checked = self.near = 0
        self.live_run = live.core.runner.run
        live.core.runner.run = self._run  # type: ignore[method-assign]

    def convert(self, kind: str) -> None:
        """Full blocks as another kind stores what this one shows."""
        if kind != self.kind:
            for dense in self.dense.values():
                for start in range(0, dense.tokens // self.size * self.size, self.size):
                    store(dense, start, self.size, kind)
        self.kind = kind

    def _run(self, works, held):
        self.size = self.live.core.runner.blocks.size
        starts = [work.request.computed for work in works]
        outputs = self.live_run(works, held)
        for work, start, tokens in zip(works, starts, outputs, strict=True):
            self._follow(work.request, start, start + work.tokens - len(work.drafts), tokens)
        return outputs

    def _follow(self, request: Request, start: int, stop: int, tokens: list[int]) -> None:
        dense = self.dense.get(request.request_id)
        if dense is None or dense.preemptions != request.preemptions:
            dense = self.dense[request.request_id] = Dense(request.preemptions)
        assert dense.tokens in (0, start), (request.request_id, dense.tokens, start)
        ids = [*request.token_ids(0, request.length), *tokens]
        for at, token in enumerate(tokens or [None]):
            logits = self._advance(dense, ids, stop + at)
            if token is None:
                return
            behind = float(logits.max() - logits[token])
            assert behind <= NEAR, (request.request_id, stop + at, token, behind, self.live.options)
            self.checked, self.near = self.checked + 1, self.near + (behind > 0)

    @torch.inference_mode()
    def _advance(self, dense: Dense, ids: list[int], stop: int) -> Tensor:
        logits = torch.empty(0)
        while dense.tokens < stop:
            start = dense.tokens
            end = min(stop, (start // self.size + 1) * self.size)
            cache = DynamicCache()
            for layer, (keys, values) in enumerate(dense.layers):
                cache.update(keys, values, layer)
            positions = torch.arange(start, end)[None]
            output = self.live.loaded.model(
                input_ids=torch.tensor([ids[start:end]]), position_ids=positions, past_key_values=cache, use_cache=True
            )
            logits = output.logits[0, -1]
            dense.layers = [[layer.keys, layer.values] for layer in cache.layers]
            if end % self.size == 0:
                store(dense, end - self.size, self.size, self.kind)
        return logits


def store(dense: Dense, start: int, size: int, kind: str) -> None:
    """One block as `kind` shows it."""
    if kind not in BITS:
        return
    for layer in dense.layers:
        for index, axis in ((0, TOKENS), (1, CHANNELS)):
            block = layer[index][:, :, start : start + size].transpose(1, 2)
            seen = torch.empty_like(block, memory_format=torch.contiguous_format)
            dequantize(quantize(block, kind, axis), kind, seen)
            layer[index] = layer[index].clone()
            layer[index][:, :, start : start + size] = seen.transpose(1, 2)
