"""The numbers of a request that runs are those that the engine will tell of it in the end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.protocol.events import RequestFinished, TokensGenerated
from playground.protocol.metrics import RequestMetrics
from playground.protocol.timing import RequestTimer
from playground.tui.state.request import NEWEST_GAPS, RequestState


@given(st.lists(st.tuples(st.floats(0.001, 1), st.integers(1, 3)), min_size=1, max_size=20), st.integers(1, 5))
def test_running_numbers_are_the_final_ones(tokens: list[tuple[float, int]], bundle: int) -> None:
    timer = RequestTimer(submitted=1.0)
    timer.started(1.5)
    state = RequestState("a", "prompt", timer=RequestTimer(1.0))
    state.timer.started(1.5)
    now, pending, texts = 2.0, list[float](), ""
    for number, (gap, count) in enumerate(tokens):
        now += gap
        timer.received(now, count)
        pending += [now] * count
        if number % bundle == 0 or number == len(tokens) - 1:
            state.received(TokensGenerated(request_id="a", token_ids=[1] * len(pending), times=pending, text="xy"))
            texts += "xy" if len(state.pieces) > 1 else ""
            pending = []
    final, running = timer.metrics(0, len(texts)), state.metrics
    assert (running.ttft_s, running.queue_s, running.prefill_s) == (final.ttft_s, final.queue_s, final.prefill_s)
    assert (running.tpot_s, running.decode_tps) == (final.tpot_s, final.decode_tps)
    assert running.characters_per_second == final.characters_per_second
    assert (running.itl_p50_s, running.itl_p99_s) == (final.itl_p50_s, final.itl_p99_s)
    assert state.text == "xy" * len(state.pieces)


def test_nothing_is_known_before_the_first_token() -> None:
    metrics = RequestState("a", "prompt", timer=RequestTimer(1.0)).metrics
    assert metrics.ttft_s is metrics.decode_tps is metrics.tpot_s is metrics.itl_p50_s is None


def test_a_cold_start_is_part_of_ttft_and_not_of_the_queue() -> None:
    state = RequestState("a", "prompt", timer=RequestTimer(1.0, loaded=4.0))
    state.timer.started(4.5)
    state.received(TokensGenerated(request_id="a", token_ids=[1], times=[5.0], text="x"))
    assert (state.metrics.load_s, state.metrics.queue_s, state.metrics.prefill_s) == (3.0, 0.5, 0.5)
    assert state.metrics.ttft_s == 4.0


def test_what_was_measured_outlives_the_engine() -> None:
    state = RequestState("a", "prompt", timer=RequestTimer(1.0))
    state.timer.started(1.5)
    state.received(TokensGenerated(request_id="a", token_ids=[1, 2], times=[2.0, 2.5], text="xy"))
    nothing = RequestMetrics(prompt_tokens=0, output_tokens=0)
    state.finish(RequestFinished(request_id="a", reason="error", metrics=nothing, message="died"))
    assert (state.metrics.ttft_s, state.metrics.decode_tps) == (1.0, 2.0)


def test_a_request_that_ended_keeps_its_text_its_numbers_and_its_newest_gaps_alone() -> None:
    state = RequestState("a", "prompt", timer=RequestTimer(1.0))
    nothing = RequestMetrics(prompt_tokens=0, output_tokens=0)
    for token in range(1000):
        state.received(TokensGenerated(request_id="a", token_ids=[1], times=[2.0 + token], text="x"))
    before, newest = state.metrics, state.timer.gaps[-NEWEST_GAPS:]
    state.finish(RequestFinished(request_id="a", reason="error", metrics=nothing))
    assert (state.metrics, state.text, state.timer.gaps) == (before, "x" * 1000, newest)
    assert len(state.timer.gaps) + len(state.rising) + len(state.pieces) == NEWEST_GAPS + 1


def test_while_it_runs_a_pause_and_what_was_before_it_are_no_part_of_the_speed() -> None:
    times = [1 + 0.01 * index for index in range(101)]
    times += [times[-1] + 60 + 0.02 * index for index in range(51)]
    state = RequestState("a", "prompt", timer=RequestTimer(1.0))
    state.received(TokensGenerated(request_id="a", token_ids=[1] * len(times), times=times, text="x"))
    assert state.recent_tps == pytest.approx(50)
    assert state.metrics.decode_tps == pytest.approx(151 / 62)


def test_the_newest_gap_counts_however_long_it_was() -> None:
    state = RequestState("a", "prompt", timer=RequestTimer(1.0))
    assert state.recent_tps is None
    state.received(TokensGenerated(request_id="a", token_ids=[1, 2], times=[2.0, 12.0], text="x"))
    assert state.recent_tps == pytest.approx(0.1)


def test_ids_of_some_tokens_are_no_count_at_the_end() -> None:
    state = RequestState("a", "prompt", timer=RequestTimer(1.0))
    state.received(TokensGenerated(request_id="a", token_ids=[1, 2], times=[2.0, 3.0], text="ab"))
    state.received(TokensGenerated(request_id="a", token_ids=[], times=[4.0], text="c"))
    told = RequestMetrics(prompt_tokens=0, output_tokens=0, chunks=3)
    state.finish(RequestFinished(request_id="a", reason="stop", metrics=told))
    assert state.metrics == told, "the server tells no count"
