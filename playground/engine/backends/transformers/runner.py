"""Run planned work through the model: rows into forwards, logits into tokens."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from itertools import zip_longest

import numpy as np
import torch
from torch import Tensor

from playground.engine.backends.transformers.attention.attention import AttentionSwitch
from playground.engine.backends.transformers.attention.varlen import Ragged, ragged
from playground.engine.backends.transformers.forward.decoder import Decode, find_decoder
from playground.engine.backends.transformers.forward.lean_decoder import LeanDecoder
from playground.engine.backends.transformers.forward.parts import Part
from playground.engine.backends.transformers.forward.row_groups import Group, grouped, split, together
from playground.engine.backends.transformers.kv.cache import PagedCache
from playground.engine.backends.transformers.kv.copies import most_bytes, split_by_memory
from playground.engine.backends.transformers.kv.row import BatchRow, uneven
from playground.engine.backends.transformers.kv.store import KVStore
from playground.engine.backends.transformers.kv.stored_view import LONG_TOKENS, crosses, stored_mask
from playground.engine.backends.transformers.model import LoadedModel
from playground.engine.backends.transformers.sampling import sample
from playground.engine.blocks import BlockManager
from playground.engine.detokenizer import Piece
from playground.engine.device import wait
from playground.engine.request import Request
from playground.engine.scheduler import Work
from playground.protocol.commands import GenerationRequest


class TransformersRunner:
    """See `engine.runner.Runner`. One forward for all decoding rows, and one per group of prefills of similar length;
    where the model's decoder supports it, these share every matrix product and only their attention is separate."""

    def __init__(self, loaded: LoadedModel, attention: AttentionSwitch, blocks: BlockManager, store: KVStore) -> None:
        self._loaded, self._attention = loaded, attention
        self.blocks, self.cache = blocks, PagedCache(store)
        self.context = loaded.context
        self._parameters = set(inspect.signature(loaded.model.forward).parameters)
        self.rebuild_decoder()

    def rebuild_decoder(self) -> None:
        """Rebuild the decoder after modules of the model were replaced, the output head included."""
        self.plain_decoder = find_decoder(self._loaded.model)
        self.decoder: Decode | None = self.plain_decoder
        dtype, device = self._loaded.model.dtype, self._loaded.device
        self._seen = torch.tensor(0.0, dtype=dtype, device=device)
        self._hidden = torch.tensor(-torch.inf, dtype=dtype, device=device)

    def refresh_layers(self) -> None:
        """Refresh the decoder after linear layers were replaced by equivalent ones."""
        if isinstance(self.plain_decoder, LeanDecoder):
            self.plain_decoder.refresh_layers()

    @property
    def packed_bytes(self) -> int:
        """Bytes of joined weights held in addition to the model's own."""
        return sum(layer.packed_bytes for layer in self.plain_decoder.joint) if self.plain_decoder else 0

    @property
    def splits_at_blocks(self) -> bool:
        """See `KVStore`."""
        return self.cache.store.splits_at_blocks

    def encode(self, request: GenerationRequest) -> list[int]:
        """See `Tokenizer.encode`."""
        return self._loaded.tokenizer.encode(request)

    def detokenizer(self, prompt_ids: list[int]) -> Piece:
        """See `Tokenizer.piece`."""
        return self._loaded.tokenizer.piece(prompt_ids)

    def is_end(self, token_id: int) -> bool:
        """See `Tokenizer.is_end`."""
        return self._loaded.tokenizer.is_end(token_id)

    def run(self, works: Sequence[Work], held: Sequence[Request]) -> list[list[int]]:
        """See `engine.runner.Runner`."""
        decode = [_row(work) for work in works if work.decode]
        decode += [BatchRow(request, request.computed - 1, 1, held=True, decodes=True) for request in held]
        prefill = [_row(work) for work in works if not work.decode]
        tokens: dict[str, list[int]] = {}
        with torch.inference_mode(), self._attention.context():
            for groups in self._planned(decode, prefill):
                for group, logits in zip(groups, self._logits(groups), strict=True):
                    tokens |= self._take(group.rows, logits)
        # If nothing was sampled, nothing has waited for the GPU yet, and the step would be timed without it.
        wait(self._loaded.device)
        return [tokens.get(work.request.request_id, []) for work in works]

    def use_store(self, blocks: BlockManager, store: KVStore) -> None:
        """Continue with other blocks, into which everything was moved."""
        self.blocks, self.cache = blocks, PagedCache(store)

    def forget(self, request: Request) -> None:
        """See `engine.runner.Runner`."""
        self.cache.store.forget(request)

    def kv_bytes(self, running: Sequence[Request]) -> int:
        """Bytes of the blocks that requests use."""
        return self.cache.store.bytes(running)

    def _planned(self, decode: Sequence[BatchRow], prefill: Sequence[BatchRow]) -> Iterator[list[Group]]:
        """What runs one after the other, each as groups that share a forward."""
        # Attention over codes copies nothing, so all rows may share a forward.
        whole = [decode] if decode and self._attention.over_codes else self._split(decode)
        first = [Group("decode", rows) for rows in whole]
        for groups in self._rounds(prefill):
            yield from together([*first, *(Group("prefill", rows) for rows in groups)], self._joins)
            first = []
        yield from together(first, self._joins)

    def _rounds(self, rows: Sequence[BatchRow]) -> Iterator[list[list[BatchRow]]]:
        """Prefills, cut where the store needs it, in rounds: groups of one round are independent, later rounds need
        earlier ones."""
        if not self.splits_at_blocks:
            if rows:
                yield list(self._grouped(rows))
            return
        for parts in zip_longest(*(split(row, self._reach) for row in rows)):
            long = [part for part in parts if part and crosses(part, self.blocks.size)]
            others = [part for part in parts if part and part not in long]
            yield [*([part] for part in long), *self._grouped(others)]

    def _grouped(self, rows: Sequence[BatchRow]) -> Iterator[list[BatchRow]]:
        for group in grouped(rows):
            yield from self._split(group)

    def _split(self, rows: Sequence[BatchRow]) -> Iterator[list[BatchRow]]:
        return split_by_memory(rows, self.cache.store.copied, most_bytes(self._loaded.device))

    def _joins(self, group: Group) -> bool:
        """Whether the group may share matrix products with others; not while its attention is watched."""
        able = self.decoder is not None and self.decoder.joins and self._attention.takes_ready_masks
        return able and not self._attention.watches(group.phase, self._masked(group.rows))

    def _masked(self, rows: Sequence[BatchRow]) -> bool:
        """Whether it needs an explicit mask: no kernel's causal mask fits, or a row sees part of its own tokens
        quantized."""
        return uneven(rows) or (self.splits_at_blocks and crosses(rows[0], self.blocks.size))

    def _logits(self, groups: Sequence[Group]) -> list[Tensor]:
        """Logits of each group, as `forward` returns them."""
        if len(groups) == 1:
            with self._attention.watched(groups[0].phase, self.cache, self._masked(groups[0].rows)):
                return [self.forward(groups[0].rows, self.cache, groups[0].keep)]
        assert self.decoder
        caches = [PagedCache(self.cache.store) for _ in groups]
        parts = [self._part(group.rows, cache, group.keep) for group, cache in zip(groups, caches, strict=True)]
        return self.decoder.together([self._ready(part) for part in parts])

    def _take(self, rows: Sequence[BatchRow], logits: Tensor) -> dict[str, list[int]]:
        """Sample the rows that are complete, and seal the blocks of accepted tokens."""
        due = [index for index, row in enumerate(rows) if not row.held and row.completes]
        if len(due) < len(rows):
            logits = logits[due]
        requests, drafts = [rows[index].request for index in due], [rows[index].drafts for index in due]
        sampled = sample(logits, requests, drafts) if requests else []
        tokens = {request.request_id: token_ids for request, token_ids in zip(requests, sampled, strict=True)}
        for row in rows:
            if not row.held:
                # Rejected drafts are never sealed: the next tokens overwrite them.
                accepted = row.start + len(tokens[row.request.request_id]) if row.drafts else row.length
                self.cache.store.seal(row.request, accepted)
        return tokens

    def teacher_force(self, request: Request, tokens: int, cache: PagedCache) -> Tensor:
        """Teacher-force the next known tokens of a request through `cache`; returns logits [tokens, V]."""
        row = BatchRow(request, request.computed, tokens)
        parts = split(row, self._reach) if cache.store.splits_at_blocks else [row]
        logits = []
        with torch.inference_mode(), self._attention.context():
            for part in parts:
                logits.append(self.forward([part], cache, part.count)[0])
                cache.store.seal(request, part.length)
        return torch.cat(logits)

    def forward(self, rows: Sequence[BatchRow], cache: PagedCache, keep: int) -> Tensor:
        """Logits [B, keep, V] at the newest tokens of each row; their keys and values are stored in `cache`."""
        part = self._part(rows, cache, keep)
        queries, mask = part.ids.shape[1], part.mask
        decoder = self._decoder_for(rows, watched=cache.watch is not None)
        lean = queries == 1 or self._attention.takes_ready_masks
        if decoder and lean and not (isinstance(mask, Tensor) and mask.ndim == 2):
            return decoder(*self._ready(part))
        inputs = {
            "input_ids": part.ids,
            "position_ids": part.positions,
            "attention_mask": mask,
            "past_key_values": cache,
            "use_cache": True,
            "logits_to_keep": keep,
        }
        inputs = {name: value for name, value in inputs.items() if name in self._parameters}
        logits: Tensor = self._loaded.model(**inputs).logits
        return logits[:, -keep:]

    def _decoder_for(self, rows: Sequence[BatchRow], watched: bool) -> Decode | None:
        """The decoder for these rows: a compiled graph cannot be watched, and may only take rows that decode one
        token."""
        one = all(row.decodes and row.count == 1 for row in rows)
        takes = self.decoder is not None and (one or self.decoder.takes_prompts)
        return self.decoder if takes and not watched else self.plain_decoder

    def _part(self, rows: Sequence[BatchRow], cache: PagedCache, keep: int) -> Part:
        device, queries = self._loaded.device, max(row.count for row in rows)
        codes = self._attention.over_codes and all(row.decodes for row in rows)
        columns = cache.lay_out(rows, device, codes)
        mask: Tensor | Ragged | None
        if cache.attend_codes:
            mask = None
        elif cache.store.splits_at_blocks and crosses(rows[0], self.blocks.size):
            mask = self._attention.ready(stored_mask(rows[0], self.blocks.size, device))
        else:
            mask = self._mask(rows, columns, queries)
        ids = [[0] * (queries - row.count) + row.ids for row in rows]
        positions = [[max(0, at) for at in range(row.length - queries, row.length)] for row in rows]
        return Part(torch.tensor(ids, device=device), torch.tensor(positions, device=device), mask, cache, keep)

    @property
    def _reach(self) -> int:
        """Where a quantized store cuts its rows: each ends at or before a multiple of this many tokens."""
        return LONG_TOKENS if self._attention.takes_any_mask else self.blocks.size

    def _mask(self, rows: Sequence[BatchRow], columns: int, queries: int) -> Tensor | Ragged | None:
        """None without padding where each query sees all keys up to itself, so that fused kernels may run; a `Ragged`
        if attention runs over packed rows; a boolean mask [B, 1, q, columns] if attention takes ready masks; else 1 for
        tokens and 0 for padding on the left, [B, columns]."""
        pads = np.array([columns - row.length for row in rows])
        ready = self._attention.takes_ready_masks and (queries == 1 or self.plain_decoder is not None)
        if not pads.any() and (queries in (1, columns) or not ready):
            return None
        if self.plain_decoder and (kernel := self._attention.varlen):
            return ragged(rows, self._loaded.device, kernel)
        at = np.arange(columns)
        mask = at >= pads[:, None]
        if ready and queries == 1:
            mask = mask[:, None, None]
        elif ready:
            own = at[columns - queries :, None]
            # Queries that are padding see everything: one that sees nothing would give NaN.
            mask = (mask[:, None, None] & (at <= own)) | (own < pads[:, None, None, None])
        return torch.from_numpy(mask).to(self._loaded.device)

    def _ready(self, part: Part) -> Part:
        """The part with its boolean mask as the numbers added to scores, made once per step instead of in every
        layer."""
        if not isinstance(part.mask, Tensor):
            return part
        return part._replace(mask=torch.where(part.mask, self._seen, self._hidden))


def _row(work: Work) -> BatchRow:
    return BatchRow(work.request, work.request.computed, work.tokens, drafts=work.drafts, decodes=work.decode)
