"""Which request holds which KV blocks: block tables, free list, reference counts, and an LRU of blocks kept for their
prefix.

Bookkeeping only, no tensors, so that the scheduler, the simulator and the real cache share it.
"""

from __future__ import annotations

import heapq
import itertools
from array import array
from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b

from playground.engine.request import Request
from playground.protocol.options import blocks_for

_roots = itertools.count()


class OutOfBlocks(Exception):
    """No block is free and none can be evicted."""


class BlockManager:
    """`count` blocks of `size` tokens. Only sealed blocks are shared and nothing writes into them: no copy-on-write."""

    def __init__(self, count: int, size: int, seed: str = "", prefix_cache: bool = True) -> None:
        self.count, self.size, self.prefix_cache = count, size, prefix_cache
        self._references = [0] * count
        self._free = list(range(count))
        self._idle: OrderedDict[int, None] = OrderedDict()
        self._hash_of: dict[int, bytes] = {}
        self._block_of: dict[bytes, int] = {}
        self._root = _root(seed)

    @property
    def free(self) -> int:
        """Blocks that hold nothing."""
        return len(self._free)

    @property
    def cached(self) -> int:
        """Blocks that no request uses but that still hold a known prefix."""
        return len(self._idle)

    @property
    def used(self) -> int:
        """Blocks in some request's table."""
        return self.count - self.free - self.cached

    @property
    def available(self) -> int:
        """Blocks that can be taken now, evicting cached ones if needed."""
        return self.free + self.cached

    @property
    def kept(self) -> list[int]:
        """Blocks kept only for their prefix, in no order."""
        return list(self._idle)

    def references(self, block: int) -> int:
        """Number of tables that hold the block; 0 if it is free or only cached."""
        return self._references[block]

    def needed(self, request: Request, tokens: int) -> int:
        """Blocks to add so that `tokens` more tokens of the request can be stored."""
        return max(0, blocks_for(request.computed + tokens, self.size) - len(request.table))

    def grow(self, request: Request, tokens: int) -> None:
        """Extend the request's table for `tokens` more tokens; raises `OutOfBlocks`."""
        if not request.table:
            request.root = self._root
        for _ in range(self.needed(request, tokens)):
            request.table.append(self._take())

    def trim(self, request: Request) -> None:
        """Free blocks past the computed tokens: they were taken for drafts that were rejected."""
        for _ in range(len(request.table) - blocks_for(request.computed, self.size)):
            block = request.table.pop()
            self._references[block] = 0
            heapq.heappush(self._free, block)

    def _take(self) -> int:
        if self._free:
            # The lowest first: a lone request stays contiguous and is read without a copy.
            block = heapq.heappop(self._free)
        elif self._idle:
            block, _ = self._idle.popitem(last=False)
            self._forget(block)
        else:
            raise OutOfBlocks
        self._references[block] = 1
        return block

    def match(self, token_ids: list[int]) -> list[int]:
        """Blocks that hold the longest known prefix of `token_ids`; at least one token is left to compute."""
        found: list[int] = []
        if not self.prefix_cache:
            return found
        chain = self._root
        for start in range(0, len(token_ids) - self.size, self.size):
            chain = _link(chain, token_ids[start : start + self.size])
            block = self._block_of.get(chain)
            if block is None:
                break
            found.append(block)
        return found

    def adopt(self, request: Request) -> int:
        """Give a new request the blocks of its known prefix; returns the tokens that need no computing."""
        for block in self.match(request.token_ids(0, request.length)):
            self._idle.pop(block, None)
            self._references[block] += 1
            request.table.append(block)
            request.hashes.append(self._hash_of[block])
        request.computed = len(request.table) * self.size
        return request.computed

    def seal(self, request: Request) -> None:
        """Hash the blocks that became full. Call when every computed token is accepted."""
        for index in range(len(request.hashes), request.computed // self.size):
            # The request's own root, not the current one: its first block may have started under other options.
            chain = request.hashes[-1] if request.hashes else request.root
            chain = _link(chain, request.token_ids(index * self.size, (index + 1) * self.size))
            request.hashes.append(chain)
            block = request.table[index]
            if self.prefix_cache and chain not in self._block_of:
                self._block_of[chain], self._hash_of[block] = block, chain

    def release(self, request: Request) -> None:
        """Take the request's blocks back; those with a known prefix stay cached until their room is needed."""
        for block in reversed(request.table):
            self._references[block] -= 1
            if self._references[block] == 0:
                if block in self._hash_of:
                    self._idle[block] = None
                else:
                    heapq.heappush(self._free, block)
        request.table.clear()
        request.hashes.clear()
        request.computed = 0

    def take_over(self, requests: Sequence[Request]) -> dict[str, list[int]]:
        """Block tables in this manager for requests that hold blocks of another one; raises `OutOfBlocks`."""
        targets: dict[int, int] = {}
        for block in (block for request in requests for block in request.table):
            if block in targets:
                self._references[targets[block]] += 1
            else:
                targets[block] = self._take()
        return {request.request_id: [targets[block] for block in request.table] for request in requests}

    def reseed(self, seed: str) -> None:
        """Forget every prefix: blocks written under other options are never served to a new request."""
        self._root = _root(seed)
        self._free = sorted([*self._free, *self._idle])
        self._idle.clear()
        self._hash_of.clear()
        self._block_of.clear()

    def _forget(self, block: int) -> None:
        chain = self._hash_of.pop(block)
        self._block_of.pop(chain, None)


def _root(seed: str) -> bytes:
    # Unique per call: a running request whose blocks mix two option sets keeps its old chain, and no new request may
    # match it.
    return f"{next(_roots)} {seed}".encode()


def _link(chain: bytes, token_ids: list[int]) -> bytes:
    # A cryptographic digest: a collision would serve one request another's prefix.
    return blake2b(chain + array("q", token_ids).tobytes(), digest_size=16).digest()
