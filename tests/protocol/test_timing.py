"""RequestTimer against a stopwatch that works from the raw times alone, in exact fractions, by the definitions."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.protocol.timing import RequestTimer

# Binary fractions of a second, so that sums and differences are exact.
seconds = st.integers(0, 4096).map(lambda ticks: Fraction(ticks, 256))


class Stopwatch:
    """Keeps the moment of every single token."""

    def __init__(self, submitted: Fraction, loaded: Fraction, scheduled: Fraction, groups: list[tuple[Fraction, int]]):
        self.submitted, self.loaded, self.scheduled, self.groups = submitted, loaded, scheduled, groups
        self.tokens = [moment for moment, count in groups for _ in range(count)]

    def ttft(self) -> Fraction | None:
        return self.tokens[0] - self.submitted if self.tokens else None

    def e2e(self) -> Fraction | None:
        return self.tokens[-1] - self.submitted if self.tokens else None

    def tpot(self) -> Fraction | None:
        n = len(self.tokens)
        return (self.e2e() - self.ttft()) / (n - 1) if n >= 2 else None

    def decode_tps(self) -> Fraction | None:
        span = self.tokens[-1] - self.tokens[0] if len(self.tokens) >= 2 else 0
        return (len(self.tokens) - 1) / span if span else None

    def itl(self, share: Fraction) -> Fraction | None:
        """The smallest latency that at least this share of the tokens after the first do not exceed."""
        each: list[Fraction] = [Fraction(0)] * (self.groups[0][1] - 1) if self.groups else []
        for (before, _), (moment, count) in zip(self.groups, self.groups[1:], strict=False):
            each += [(moment - before) / count] * count
        each.sort()
        return next((value for rank, value in enumerate(each, 1) if rank >= share * len(each)), None)


@st.composite
def stopwatches(draw: st.DrawFn) -> Stopwatch:
    """A request with its waits and its groups of tokens."""
    submitted, load, queue, moment = (draw(seconds) for _ in range(4))
    loaded = submitted + load
    scheduled = moment = loaded + queue
    groups = []
    for _ in range(draw(st.integers(0, 30))):
        moment += draw(seconds)
        groups.append((moment, draw(st.integers(1, 5))))
    return Stopwatch(submitted, loaded, scheduled, groups)


def timed(watch: Stopwatch) -> RequestTimer:
    timer = RequestTimer(float(watch.submitted), loaded=float(watch.loaded))
    timer.started(float(watch.scheduled))
    timer.started(float(watch.scheduled) + 1)
    for moment, count in watch.groups:
        timer.received(float(moment), count)
    return timer


def close(value: float | None, exact: Fraction | None) -> bool:
    return value is None if exact is None else value == pytest.approx(float(exact), rel=1e-12, abs=1e-12)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(stopwatches(), st.integers(0, 500))
def test_every_number_follows_from_the_raw_times(watch, characters):
    metrics = timed(watch).metrics(9, characters)
    assert metrics.output_tokens == len(watch.tokens)
    assert close(metrics.ttft_s, watch.ttft()) and close(metrics.e2e_s, watch.e2e())
    assert close(metrics.tpot_s, watch.tpot()) and close(metrics.decode_tps, watch.decode_tps())
    assert close(metrics.itl_p50_s, watch.itl(Fraction(1, 2)))
    assert close(metrics.itl_p90_s, watch.itl(Fraction(9, 10)))
    assert close(metrics.itl_p99_s, watch.itl(Fraction(99, 100)))
    tps = watch.decode_tps()
    assert close(metrics.characters_per_second, tps and characters * tps / (len(watch.tokens) - 1))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(stopwatches())
def test_the_parts_of_ttft_add_up_to_it(watch):
    metrics = timed(watch).metrics(9)
    assert close(metrics.queue_s, watch.scheduled - watch.loaded)
    assert close(metrics.load_s, watch.loaded - watch.submitted or None)
    if watch.tokens:
        assert close((metrics.queue_s or 0) + (metrics.load_s or 0) + (metrics.prefill_s or 0), watch.ttft())


def test_one_token_has_a_ttft_and_no_rate():
    timer = RequestTimer(1.0)
    timer.started(2.0)
    timer.received(4.0)
    metrics = timer.metrics(3, characters=5)
    assert (metrics.queue_s, metrics.prefill_s, metrics.ttft_s, metrics.e2e_s) == (1.0, 2.0, 3.0, 3.0)
    rates = (metrics.tpot_s, metrics.decode_tps, metrics.characters_per_second, metrics.itl_p50_s, metrics.itl_p99_s)
    assert rates == (None,) * 5


def test_no_token_has_no_number():
    metrics = RequestTimer(1.0).metrics(3)
    assert metrics.output_tokens == 0
    assert (metrics.queue_s, metrics.ttft_s, metrics.e2e_s, metrics.tpot_s, metrics.decode_tps) == (None,) * 5


def test_tokens_that_came_together_share_their_gap():
    timer = RequestTimer(0.0)
    for moment, count in ((1.0, 1), (2.0, 4), (3.0, 1)):
        timer.received(moment, count)
    metrics = timer.metrics(1)
    assert (metrics.itl_p50_s, metrics.itl_p90_s, metrics.tpot_s) == (0.25, 1.0, 0.4)


def test_two_tokens_at_once_show_no_infinite_rate():
    timer = RequestTimer(0.0)
    timer.received(1.0, 2)
    assert timer.metrics(1).decode_tps is None and timer.metrics(1).tpot_s == 0.0


def test_a_model_that_was_loaded_before_costs_no_load():
    timer = RequestTimer(5.0, loaded=2.0)
    timer.started(6.0)
    assert timer.metrics(1).load_s is None and timer.metrics(1).queue_s == 1.0
