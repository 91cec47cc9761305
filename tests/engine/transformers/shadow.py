"""A dense, unpaged replay beside the engine: every token again, from the options that were in force when it was
computed.

Each request has its keys and values in one plain cache, batch of one. Paging, batching, chunks, drafts, sharing and
preemption do not exist here. Sums in another order differ in their last bits, and rounding to codes makes whole steps
of that: a key half way between two codes of int2 goes either way, a third of its channel's range apart, and every later
logit with it. So what a step stored is compared when it is stored, where a tie between two codes can be told from an
error, and then taken over bit by bit: differences never add up, and later changes are noticed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor
from transformers import DynamicCache

from playground.engine.backends.transformers.kv.quantization import CHANNELS, TOKENS, dequantize, quantize
from playground.engine.backends.transformers.live import LiveEngine
from playground.engine.request import Request
from playground.protocol.dtypes import CODE_BITS
from tests.engine.transformers.measure.outlier_columns import OutlierColumns

AXES = (TOKENS, CHANNELS)
# After a switch of these no block of before may be served to another request.
ANEW = ("weights", "int8_threshold", "adapter", "prefix_cache", "kv_cache", "kv_blocks", "block_size")
# What sums in another order come to: of the largest key or value, and in logits, which spread over tens. LLM.int8()
# rounds activations to float16 and to 127 steps, and one that lies half way goes either way: float16's own last digit,
# changed at random in a replay, put the best of these models' tokens up to 0.2 behind, of logits that spread by 1.9.
NOISE = {"model": 1e-4, "nf4": 1e-4, "int8": 3e-2}
NEAR = {"model": 1e-3, "nf4": 1e-3, "int8": 3e-1}
# A group's step and its smallest value are float16: where both are rounded the other way, it moves by so much of the
# largest at most (1.44 * 2**-10 was the most in 4000 random blocks, each with noise of 1e-6).
SCALE_NOISE = 2**-9


@dataclass
class Dense:
    """One request's keys and values, [1, H, tokens, D] per layer, as its next query would see them. `era`: the options
    under which it began."""

    preemptions: int
    era: int
    layers: list[list[Tensor]] = field(default_factory=list)

    @property
    def tokens(self) -> int:
        return self.layers[0][0].shape[2] if self.layers else 0


class Shadow:
    """Follows one engine. `checked` counts tokens, `near` those that were a near tie, `ties` keys or values of a block
    that were stored with another code or scale. `worst`, by kind of weights: by how many logits a token was behind."""

    def __init__(self, live: LiveEngine) -> None:
        self.live, self.options, self.size = live, live.options, live.core.runner.blocks.size
        self.dense: dict[str, Dense] = {}
        self.era = 0
        self.prefixes: dict[tuple[int, ...], list[list[Tensor]]] = {}
        self.checked = self.near = self.ties = 0
        self.worst, self.worst_kv = dict.fromkeys(NEAR, 0.0), dict.fromkeys(NOISE, 0.0)
        self.columns = OutlierColumns(live.core.runner)
        self.live_run = live.core.runner.run
        live.core.runner.run = self._run  # type: ignore[method-assign]

    @torch.inference_mode()
    def switched(self) -> None:
        """After a switch: what runs has what it had, its full blocks as the KV cache of now stores what they showed."""
        before, self.options = self.options, self.live.options
        if any(getattr(before, name) != getattr(self.options, name) for name in ANEW):
            self.era, self.prefixes = self.era + 1, {}
        kind = self.options.kv_cache
        for request in self.live.core.running:
            dense = self.dense.get(request.request_id)
            if dense is None or dense.preemptions != request.preemptions or request.finished:
                continue
            full = dense.tokens // self.size * self.size
            for start in range(0, full if kind != before.kv_cache else 0, self.size):
                for states in (states for layer in dense.layers for states in zip(layer, AXES, strict=True)):
                    block = states[0][0, :, start : start + self.size].transpose(0, 1)
                    block.copy_(stored_as(block, kind, states[1]))
            self._same(request, dense)

    def _same(self, request: Request, dense: Dense) -> None:
        for end in range(self.size, dense.tokens + self.size, self.size):
            end = min(end, dense.tokens)
            for layer, ours in enumerate(dense.layers):
                for states, theirs in zip(ours, self._stored(layer, request, end), strict=True):
                    mine = states[0, :, end - len(theirs) : end].transpose(0, 1)
                    assert torch.equal(mine, theirs), (request.request_id, end, self.live.options)

    def _run(self, works, held):
        self.size = self.live.core.runner.blocks.size
        starts = [work.request.computed for work in works]
        self.columns.begin()
        for request in self.live.core.running:
            self._begin(request)
        outputs = self.live_run(works, held)
        for work, start, tokens in zip(works, starts, outputs, strict=True):
            self._follow(work.request, start, start + work.tokens - len(work.drafts), tokens)
        return outputs

    def _begin(self, request: Request) -> None:
        """One that was let in just now, with what it found in the prefix cache; its turn may come after a switch."""
        dense = self.dense.get(request.request_id)
        if dense is None or dense.preemptions != request.preemptions:
            dense = self.dense[request.request_id] = Dense(request.preemptions, self.era)
            self._adopt(dense, request)

    def _follow(self, request: Request, start: int, stop: int, tokens: list[int]) -> None:
        dense, ids = self.dense[request.request_id], [*request.token_ids(0, request.length), *tokens]
        assert dense.tokens == start, (request.request_id, dense.tokens, start)
        for at, token in enumerate(tokens or [None]):
            logits = self._advance(dense, request, ids, stop + at)
            if token is None:
                return
            behind, weights = float(logits.max() - logits[token]), self.options.weights
            assert behind <= NEAR[weights], (request.request_id, stop + at, token, behind, self.options)
            self.checked, self.near = self.checked + 1, self.near + (behind > 0)
            self.worst[weights] = max(self.worst[weights], behind)

    @torch.inference_mode()
    def _advance(self, dense: Dense, request: Request, ids: list[int], stop: int) -> Tensor:
        logits = torch.empty(0)
        while dense.tokens < stop:
            start = dense.tokens
            end = min(stop, (start // self.size + 1) * self.size)
            cache = DynamicCache()
            for layer, (keys, values) in enumerate(dense.layers):
                cache.update(keys, values, layer)
            device = self.live.loaded.device
            inputs, positions = torch.tensor([ids[start:end]], device=device), torch.arange(start, end)[None].to(device)
            with self.columns.again(request, start):
                output = self.live.loaded.model(
                    input_ids=inputs, position_ids=positions, past_key_values=cache, use_cache=True
                )
            logits = output.logits[0, -1]
            dense.layers = [[layer.keys, layer.values] for layer in cache.layers]
            self._take(dense, request, end)
            if end % self.size == 0 and dense.era == self.era:
                found = [states for layer in range(len(dense.layers)) for states in self._stored(layer, request, end)]
                self.prefixes.setdefault(tuple(ids[:end]), []).append(found)
        return logits

    @torch.inference_mode()
    def _adopt(self, dense: Dense, request: Request) -> None:
        """Blocks from the prefix cache: each is one that was seen when it was stored, under the options of now."""
        layers, ids = range(self.live.kv_shape.layers), request.token_ids(0, request.computed)
        for end in range(self.size, request.computed + 1, self.size):
            found = [self._stored(layer, request, end) for layer in layers]
            served = [states for layer in found for states in layer]
            known = self.prefixes.get(tuple(ids[:end]), [])
            assert any(all(map(torch.equal, served, each)) for each in known), (request.request_id, end)
            blocks = [[states.transpose(0, 1)[None] for states in layer] for layer in found]
            whole = zip(dense.layers, blocks, strict=True) if dense.layers else ()
            dense.layers = [
                [torch.cat(parts, 2) for parts in zip(mine, block, strict=True)] for mine, block in whole
            ] or blocks

    def _take(self, dense: Dense, request: Request, end: int) -> None:
        """What the engine stored of the block that `end` lies in, if it is right but for ties."""
        kind, weights = self.options.kv_cache, self.options.weights
        sealed = end % self.size == 0 and kind in CODE_BITS
        for layer, ours in enumerate(dense.layers):
            for states, theirs, axis in zip(ours, self._stored(layer, request, end), AXES, strict=True):
                exact = states[0, :, end - len(theirs) : end].transpose(0, 1)
                expected = stored_as(exact, kind, axis) if sealed else exact
                # Of two codes that are equally near either will do; one that is farther off is wrong.
                off = float(((theirs - exact).abs() - (expected - exact).abs()).max() / exact.abs().max())
                assert off <= NOISE[weights] + sealed * SCALE_NOISE, (request.request_id, end, layer, off, self.options)
                if not sealed:
                    self.worst_kv[weights] = max(self.worst_kv[weights], off)
                elif not torch.equal(theirs, expected):
                    self.ties += 1
                exact.copy_(theirs)

    def _stored(self, layer: int, request: Request, end: int) -> tuple[Tensor, Tensor]:
        """Keys and values [tokens, H, D] of the block in which the first `end` tokens end."""
        store, block = self.live.core.runner.cache.store, request.table[(end - 1) // self.size]
        if end % self.size:
            return store.read_tail(layer, replace(request, computed=end), block)
        keys, values = store.read_blocks(layer, [block])
        return keys[0], values[0]


def stored_as(block: Tensor, kind: str, axis: int) -> Tensor:
    """One full block [size, H, D] as `kind` shows it."""
    if kind not in CODE_BITS:
        return block
    seen = torch.empty_like(block[None], memory_format=torch.contiguous_format)
    dequantize(quantize(block[None], kind, axis), kind, seen)
    return seen[0]
