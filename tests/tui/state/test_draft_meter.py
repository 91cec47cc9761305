"""The break-even of speculation: the cost of a verifying step against its tokens, and the text about it."""

from __future__ import annotations

from playground.protocol.events import OptionsApplied, StepsExecuted, TokensGenerated
from playground.protocol.metrics import FORMULAS
from playground.protocol.options import EngineOptions
from playground.protocol.steps import SlotWork, Step
from playground.tui.speed.draft_text import speculation
from playground.tui.state.draft_meter import LEAST, DraftMeter
from playground.tui.state.request import RequestState
from playground.tui.state.state import State


def _step(index: int, seconds: float, *works: SlotWork) -> Step:
    return Step(index=index, start=index, seconds=seconds, slots=[*works, SlotWork()])


def _decode(name: str, speculated: int = 0, accepted: int = 0) -> SlotWork:
    return SlotWork(request_id=name, phase="decode", tokens=1 + speculated, speculated=speculated, accepted=accepted)


def _meter(cost: float, accepted: int) -> DraftMeter:
    meter = DraftMeter()
    for index in range(LEAST):
        meter.add(_step(2 * index, 0.010, _decode("a")))
        meter.add(_step(2 * index + 1, 0.010 * cost, _decode("a", 4, accepted)))
    return meter


def _text(meter: DraftMeter, requested: str = "lookup:4") -> str:
    return "\n".join(line.plain for line in speculation(meter, requested, 60))


def test_a_step_pays_when_it_makes_more_than_it_costs() -> None:
    found = _meter(1.3, 1).break_even
    assert found and found.pays and (round(found.cost, 6), found.tokens, found.rows) == (1.3, 2.0, 1)
    assert "pays from 1.30 tokens a step, has 2.00" in _text(_meter(1.3, 1))


def test_what_loses_says_to_turn_it_off() -> None:
    found = _meter(2.5, 1).break_even
    assert found and not found.pays
    assert "pays from 2.50 tokens a step, has 2.00; turn it off" in _text(_meter(2.5, 1)).replace("\n", " ")


def test_while_it_is_off_only_the_verdict_stays() -> None:
    told = _text(_meter(2.5, 1), "off").replace("\n", " ")
    assert told == "Speculation  off pays from 2.50 tokens a step, had 2.00; off is right here"
    meter = DraftMeter()
    meter.add(_step(0, 0.01, _decode("a", 4, 2)))
    assert speculation(meter, "off", 60) == [] and speculation(meter, "lookup:4", 60)
    assert "median" in FORMULAS["Pays from"]


def test_unknown_until_both_kinds_of_steps_were_seen() -> None:
    meter = DraftMeter()
    for index in range(LEAST):
        meter.add(_step(index, 0.010, _decode("a", 4, 2)))
        meter.add(_step(index, 0.010, _decode("a"), _decode("b")))
    assert meter.break_even is None
    assert "too few" in _text(meter)
    assert speculation(DraftMeter(), "off", 60) == []
    assert "none were drafted" in _text(DraftMeter())


def test_acceptance_by_position_and_what_was_rejected() -> None:
    meter = DraftMeter()
    for accepted in (0, 1, 1, 3):
        meter.add(_step(accepted, 0.01, _decode("a", 4, accepted)))
    assert meter.counts.by_position == [0.75, 0.25, 0.25, 0]
    assert "5 accepted  11 rejected  31 %" in _text(meter)
    assert "by position  75  25  25  0 %" in _text(meter)
    assert meter.counts.length == 2.25


def test_a_switch_of_another_toggle_begins_anew_one_of_speculation_does_not() -> None:
    state = State()
    state.add_event(StepsExecuted(steps=[_step(0, 0.01, _decode("a", 2, 1))]), 0.0)
    for changed, kept in (("speculation", True), ("attention", False)):
        applied = OptionsApplied(changed=[changed], requested=EngineOptions(), effective={})
        state.add_event(applied, 0.0)
        assert bool(state.toggles.drafts.counts.proposed) == kept


def test_drafted_text_is_told_by_its_characters() -> None:
    state = State()
    state.requests["a"] = RequestState("a", "prompt")
    state.add_event(TokensGenerated(request_id="a", token_ids=[1], times=[0.0], text="one"), 0.0)
    spans = [(0, 4), (5, 6)]
    state.add_event(
        TokensGenerated(request_id="a", token_ids=[2, 3], times=[1.0, 1.0], text=" two three", draft_spans=spans), 0.0
    )
    changes = state.take_changes()
    assert [changes.texts["a"][1][start - 3 : end - 3] for start, end in changes.drafts["a"]] == [" two", "t"]


def test_that_nothing_was_drafted_yet_is_said_in_as_many_lines_as_it_takes() -> None:
    lines = [line.plain for line in speculation(DraftMeter(), "lookup:4", 28)]
    assert max(map(len, lines)) <= 28 and " ".join(lines[1:]) == "no tokens came up again yet, so none were drafted"
