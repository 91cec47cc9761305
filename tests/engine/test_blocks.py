"""Block bookkeeping: a model of what each block holds, kept beside the manager under random use."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from playground.engine.blocks import BlockManager, OutOfBlocks
from playground.engine.request import Request
from playground.protocol.commands import SamplingParams
from playground.protocol.timing import RequestTimer
from tests.engine.harness import check_partition

SIZE = 2


def make_request(prompt: list[int]) -> Request:
    return Request("r", list(prompt), SamplingParams(), RequestTimer(0.0))


def compute(blocks: BlockManager, request: Request, tokens: int) -> None:
    blocks.grow(request, tokens)
    request.computed += tokens
    blocks.seal(request)


def filled(blocks: BlockManager, prompt: list[int]) -> Request:
    """A request whose whole prompt is computed, from what was cached onwards."""
    request = make_request(prompt)
    blocks.adopt(request)
    compute(blocks, request, request.remaining)
    return request


def shared(blocks: BlockManager) -> int:
    """Blocks in more than one table."""
    return sum(blocks.references(block) > 1 for block in range(blocks.count))


class Books(RuleBasedStateMachine):
    """Requests over two token ids, so that prefixes often agree, on few blocks, so that eviction is common."""

    @initialize(count=st.integers(1, 9), caching=st.booleans())
    def build(self, count: int, caching: bool) -> None:
        self.blocks = BlockManager(count, SIZE, "a", caching)
        self.running: list[Request] = []
        self.holds: dict[int, tuple[int, list[int]]] = {}
        self.options = 0

    @rule(prompt=st.lists(st.integers(0, 1), min_size=1, max_size=9))
    def admit(self, prompt: list[int]) -> None:
        request = make_request(prompt)
        cached = self.blocks.adopt(request)
        self.running.append(request)
        assert cached == len(request.table) * SIZE < len(prompt)
        for index, block in enumerate(request.table):
            # Sealed, under the options of now, and the chain before it is identical.
            assert self.holds[block] == (self.options, prompt[: (index + 1) * SIZE])

    @rule(data=st.data(), tokens=st.integers(1, 5))
    def compute(self, data: st.DataObject, tokens: int) -> None:
        ready = [request for request in self.running if request.remaining]
        if not ready:
            return
        request = data.draw(st.sampled_from(ready))
        tokens = min(tokens, request.remaining)
        if self.blocks.needed(request, tokens) > self.blocks.available:
            with pytest.raises(OutOfBlocks):
                self.blocks.grow(request, tokens)
            self.release(request)
            return
        self.blocks.grow(request, tokens)
        for position in range(request.computed, request.computed + tokens):
            block = request.table[position // SIZE]
            assert self.blocks.references(block) == 1, "written while shared"
            self.holds[block] = (self.options, request.token_ids(0, position + 1))
        request.computed += tokens
        self.blocks.seal(request)

    @rule(data=st.data(), token=st.integers(0, 1))
    def answer(self, data: st.DataObject, token: int) -> None:
        done = [request for request in self.running if not request.remaining]
        if done:
            data.draw(st.sampled_from(done)).output_ids.append(token)

    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        if self.running:
            self.release(data.draw(st.sampled_from(self.running)))

    @rule(seed=st.sampled_from("ab"))
    def change_options(self, seed: str) -> None:
        """Also back to a seed that was used before."""
        self.blocks.reseed(seed)
        self.options += 1

    def release(self, request: Request) -> None:
        self.running.remove(request)
        self.blocks.release(request)
        assert not request.table and not request.computed

    @invariant()
    def adds_up(self) -> None:
        check_partition(self.blocks, self.running)


Books.TestCase.settings = settings(max_examples=120, stateful_step_count=40, deadline=None, derandomize=True)
TestBooks = Books.TestCase


def test_one_token_is_always_left_to_compute():
    blocks = BlockManager(8, SIZE)
    blocks.release(filled(blocks, [1, 2, 3, 4]))
    assert len(blocks.match([1, 2, 3, 4])) == 1
    assert len(blocks.match([1, 2, 3, 4, 5])) == 2


def test_the_same_tokens_after_another_start_are_no_hit():
    blocks = BlockManager(8, SIZE)
    blocks.release(filled(blocks, [1, 2, 3, 4]))
    assert blocks.match([9, 9, 3, 4, 5]) == []


def test_the_longest_unused_prefix_is_evicted_first_and_its_end_before_its_start():
    blocks = BlockManager(4, SIZE)
    for prompt in ([1, 1, 1, 1], [2, 2, 2, 2]):
        blocks.release(filled(blocks, prompt))
    blocks.release(_touch(blocks, [1, 1, 1, 1]))
    assert blocks.free == 0 and blocks.cached == 4
    held = make_request([3, 3])
    compute(blocks, held, 2)
    assert len(blocks.match([2, 2, 2, 2, 0])) == 1, "the end of the longest unused went"
    assert len(blocks.match([1, 1, 1, 1, 0])) == 2


def _touch(blocks: BlockManager, prompt: list[int]) -> Request:
    request = make_request([*prompt, 0])
    assert blocks.adopt(request) == len(prompt)
    return request


def test_a_shared_block_is_counted_once_and_stays_until_its_last_owner_goes():
    blocks = BlockManager(8, SIZE)
    first, second = filled(blocks, [1, 2, 3]), filled(blocks, [1, 2, 4])
    assert blocks.used == 3 and shared(blocks) == 1
    blocks.release(first)
    assert blocks.references(second.table[0]) == 1
    check_partition(blocks, [second])


def test_two_who_compute_the_same_keep_their_own_blocks():
    blocks = BlockManager(8, SIZE)
    first, second = make_request([1, 2, 3]), make_request([1, 2, 3])
    for request in (first, second):
        compute(blocks, request, 3)
    assert not set(first.table) & set(second.table)
    assert blocks.match([1, 2, 3]) == first.table[:1]


def test_without_a_prefix_cache_released_blocks_are_free():
    blocks = BlockManager(4, SIZE, prefix_cache=False)
    blocks.release(filled(blocks, [1, 2, 3, 4]))
    assert blocks.free == 4 and blocks.match([1, 2, 3, 4]) == []


@pytest.mark.parametrize("seed", ["int8", "model"])
def test_a_reseed_serves_no_old_block_even_when_the_old_options_come_back(seed):
    blocks = BlockManager(8, SIZE, "model")
    running = filled(blocks, [1, 2])
    blocks.reseed("int8")
    blocks.reseed(seed)
    running.output_ids += [3, 4]
    compute(blocks, running, 2)
    blocks.release(running)
    assert blocks.match([1, 2, 3, 4, 5]) == []


def test_a_first_block_begun_under_other_options_is_served_to_nobody():
    blocks = BlockManager(8, SIZE, "model")
    running = make_request([1, 2])
    blocks.adopt(running)
    compute(blocks, running, 1)
    blocks.reseed("int8")
    compute(blocks, running, 1)
    assert len(running.hashes) == 1 and blocks.match([1, 2, 3]) == []


def test_blocks_moved_to_another_manager_are_never_found_by_a_new_request():
    old = BlockManager(8, SIZE)
    moved = filled(old, [1, 2])
    new = BlockManager(8, SIZE)
    moved.table = new.take_over([moved])["r"]
    moved.output_ids += [3, 4]
    compute(new, moved, 2)
    fresh = filled(new, [1, 2, 9])
    # The new request stored the first block itself; the second one came out of the conversion.
    assert new.match([1, 2, 3, 4, 5]) == fresh.table[:1]


def test_taking_over_keeps_sharing():
    old = BlockManager(8, SIZE)
    first, second = filled(old, [1, 2, 3]), filled(old, [1, 2, 4])
    second.request_id = "s"
    new = BlockManager(3, SIZE)
    tables = new.take_over([first, second])
    assert tables["r"][0] == tables["s"][0] and new.used == 3 and shared(new) == 1
    with pytest.raises(OutOfBlocks):
        BlockManager(2, SIZE).take_over([first, second])
