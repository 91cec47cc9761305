"""The decode rate counts only steps in which the same requests decoded and nothing else."""

from __future__ import annotations

import pytest

from playground.protocol.steps import SlotWork, Step
from playground.tui.state.decode_meter import GROUP, LEAST_GROUPS, DecodeMeter


def _step(index: int, start: float, *works: SlotWork) -> Step:
    return Step(index=index, start=start, seconds=0.001, slots=[*works, SlotWork()])


def _decode(name: str, accepted: int = 0) -> SlotWork:
    return SlotWork(request_id=name, phase="decode", tokens=1 + accepted, speculated=accepted, accepted=accepted)


def _fill(meter: DecodeMeter, steps: int, seconds: float, *works: SlotWork, first: int = 0) -> None:
    for index in range(steps):
        meter.add(_step(first + index, index * seconds, *works))


def test_the_rate_is_that_of_one_request() -> None:
    meter = DecodeMeter()
    _fill(meter, LEAST_GROUPS * GROUP + 1, 0.01, _decode("a"), _decode("b"))
    rate = meter.rate()
    assert rate and rate.rows == 2 and rate.tokens == LEAST_GROUPS * GROUP
    assert rate.tps == pytest.approx(100)
    assert rate.spread == pytest.approx(0, abs=1e-6)


def test_accepted_drafts_are_tokens() -> None:
    meter = DecodeMeter()
    _fill(meter, LEAST_GROUPS * GROUP + 1, 0.01, _decode("a", accepted=2))
    rate = meter.rate()
    assert rate and rate.tps == pytest.approx(300)


def test_too_few_tokens_give_no_rate() -> None:
    meter = DecodeMeter()
    _fill(meter, LEAST_GROUPS * GROUP, 0.01, _decode("a"))
    assert meter.rate() is None


@pytest.mark.parametrize(
    "other", [SlotWork(request_id="b", phase="prefill", tokens=9), SlotWork(request_id="b", phase="held")]
)
def test_mixed_steps_do_not_count(other: SlotWork) -> None:
    meter = DecodeMeter()
    _fill(meter, 200, 0.01, _decode("a"), other)
    assert meter.rate() is None


def test_a_pause_between_requests_is_not_decoding() -> None:
    meter = DecodeMeter()
    for number in range(LEAST_GROUPS):
        name = f"r{number}"
        for index in range(GROUP + 1):
            meter.add(_step(number * 100 + index, number * 50.0 + index * 0.01, _decode(name)))
    rate = meter.rate()
    assert rate and rate.tps == pytest.approx(100)


def test_batches_of_different_size_are_not_mixed() -> None:
    meter = DecodeMeter()
    _fill(meter, 100, 0.01, _decode("a"))
    _fill(meter, 60, 0.02, _decode("a"), _decode("b"), first=500)
    alone, together = meter.rate(1), meter.rate(2)
    assert alone and together
    assert (alone.tps, together.tps) == (pytest.approx(100), pytest.approx(50))
    assert meter.rate() == alone
