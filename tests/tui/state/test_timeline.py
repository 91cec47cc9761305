"""System TPS over time against an independent count, and the column of every switch."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import pytest

from playground.protocol.events import (
    Failed,
    OptionsApplied,
    RequestFinished,
    StepsExecuted,
    TokensGenerated,
    WorkerExited,
)
from playground.protocol.metrics import NO_METRICS
from playground.protocol.options import EngineOptions
from playground.protocol.steps import SlotWork, Step
from playground.protocol.wire import AnyEvent
from playground.session.recording import Entry
from playground.session.replay import play
from playground.tui.state.state import State
from playground.tui.state.timeline import KEPT, LONGEST_PAUSE_S, WINDOW_S, Timeline

Told = tuple[float, AnyEvent]


def tokens(request_id: str, *times: float) -> TokensGenerated:
    return TokensGenerated(request_id=request_id, token_ids=[7] * len(times), times=list(times), text="x")


def step(start: float, end: float, *working: str, finished: Sequence[str] = (), **more: Any) -> StepsExecuted:
    slots = [SlotWork(request_id=name, phase="decode", tokens=1) for name in working]
    return StepsExecuted(
        steps=[Step(index=0, start=start, seconds=end - start, slots=slots, finished=list(finished), **more)]
    )


def finished(request_id: str) -> RequestFinished:
    return RequestFinished(request_id=request_id, reason="stop", metrics=NO_METRICS)


def switched(**options: Any) -> OptionsApplied:
    return OptionsApplied(changed=list(options), requested=EngineOptions(**options), effective={})


def run(name: str, start: float, gaps: Iterable[float]) -> list[AnyEvent]:
    """A request of one token per step; a step's tokens come before it, and the end before the last step."""
    times = [start]
    for gap in gaps:
        times.append(times[-1] + gap)
    events: list[AnyEvent] = []
    for begin, end in pairwise(times):
        last = end == times[-1]
        events.append(tokens(name, end))
        events += [finished(name)] if last else []
        events.append(step(begin, end, name, finished=[name] if last else []))
    return events


def fold(events: Iterable[AnyEvent]) -> Timeline:
    timeline = Timeline()
    for event in events:
        timeline.add_event(event)
    return timeline


def seen(timeline: Timeline) -> list[int | None]:
    """Tokens of each column, None for a time left out."""
    return [None if column.left_out else column.tokens for column in timeline.columns]


def marks(timeline: Timeline) -> dict[int, str]:
    return {number: column.mark for number, column in enumerate(timeline.columns) if column.mark}


def test_a_column_holds_the_tokens_of_its_window() -> None:
    gaps = [random.Random(3).uniform(0.001, 0.09) for _ in range(400)]
    events = run("a", 100.0, gaps)
    windows = Counter(int((time - 100.0) / WINDOW_S) for event in events for time in getattr(event, "times", ()))
    timeline = fold(events)
    assert seen(timeline) == [windows[number] for number in range(max(windows) + 1)]
    assert [column.tps for column in timeline.columns] == [count / 0.5 for count in seen(timeline) if count]
    assert sum(windows.values()) == 400 and not timeline.running


def test_requests_beside_each_other_count_together() -> None:
    timeline = Timeline()
    for start in (5.0, 5.1, 5.2, 5.6):
        timeline.add_event(tokens("a", start + 0.05, start + 0.05))  # a draft was accepted
        timeline.add_event(tokens("b", start + 0.05))
        timeline.add_event(step(start, start + 0.05, "a", "b"))
    assert seen(timeline) == [9, 3] and timeline.running


def test_time_begins_with_the_first_step_though_its_token_is_told_before() -> None:
    timeline = fold([tokens("a", 12.2), step(11.0, 12.2, "a")])
    assert seen(timeline) == [0, 0, 1]


def test_one_token_is_one_column() -> None:
    timeline = fold([tokens("a", 9.0), finished("a"), step(8.9, 9.0, "a", finished=["a"])])
    assert seen(timeline) == [1] and not timeline.running


def test_text_without_tokens_is_none() -> None:
    piece = TokensGenerated(request_id="a", token_ids=[], times=[3.1], text="some words")
    waits = step(3.0, 3.0, waiting=["a"], observed=True)
    timeline = fold([waits, piece, step(3.0, 3.7, "a", observed=True)])
    assert seen(timeline) == [0, 0]


def test_rest_is_left_out() -> None:
    first, again = run("a", 100.0, [0.11] * 12), run("b", 5000.0, [0.11] * 12)
    timeline = fold(first)
    before = seen(timeline)
    for idle in (step(200.0, 200.1), step(300.0, 300.1, finished=["a"])):  # blocks that came back, a server's page
        timeline.add_event(idle)
    assert seen(timeline) == before == [4, 5, 3]
    assert seen(fold([*first, *again])) == [4, 5, 3, None, 4, 5, 3]


def test_a_short_pause_between_two_requests_is_part_of_it() -> None:
    assert seen(fold([*run("a", 0.0, [0.1] * 3), *run("b", 0.6, [0.1] * 3)])) == [3, 3]


def test_a_stall_is_a_valley_and_a_restart_is_left_out() -> None:
    stall = [tokens("a", 0.1), step(0.0, 0.1, "a"), tokens("a", 2.1), step(2.0, 2.1, "a")]
    assert seen(fold(stall)) == [1, 0, 0, 0, 1]
    back = 0.1 + LONGEST_PAUSE_S + 0.1
    assert seen(fold([*stall[:2], tokens("a", back), step(back - 0.05, back, "a")])) == [1, None, 1]


def test_a_long_step_is_no_pause() -> None:
    timeline = fold([step(0.0, 0.1, "a"), tokens("a", 9.0), step(0.1, 9.0, "a")])
    assert seen(timeline) == [0] * 18 + [1]


def test_a_switch_stands_at_its_column() -> None:
    events = run("a", 100.0, [0.1] * 40)
    at = events.index(step(*_span(events, 23), "a"))
    timeline = fold([*events[: at + 1], switched(kv_cache="int8"), *events[at + 1 :]])
    assert marks(timeline) == {int((_span(events, 23)[1] - 100.0) / WINDOW_S): "KV int8"} == {4: "KV int8"}
    assert sum(count or 0 for count in seen(timeline)) == 40


def _span(events: list[AnyEvent], number: int) -> tuple[float, float]:
    steps = [event.steps[0] for event in events if isinstance(event, StepsExecuted)]
    return steps[number].start, steps[number].start + steps[number].seconds


def test_only_what_changed_something_is_marked() -> None:
    events = [*run("a", 0.0, [0.1] * 3), OptionsApplied(changed=[], requested=EngineOptions(), effective={})]
    events += [Failed(where="SetOptions", message="no"), switched(attention="eager", prefix_cache=False)]
    assert marks(fold(events)) == {1: "attn eager, prefix off"}


def test_a_switch_at_rest_stands_between_two_runs() -> None:
    events = [*run("a", 0.0, [0.1] * 3), switched(batching="static"), *run("b", 0.31, [0.1] * 3)]
    timeline = fold(events)
    assert seen(timeline) == [3, None, 3] and marks(timeline) == {1: "batching static"}


def test_a_long_value_is_a_name() -> None:
    assert fold([switched(adapter="adapters/sql/")]).columns[0].mark == "adapter sql"


def test_hours_and_thousands_of_switches_take_no_more_room() -> None:
    timeline = fold(run("a", 0.0, [0.2] * 9))
    for number in range(5000):
        timeline.add_event(switched(max_batch=1 + number % 8))
    assert seen(timeline)[-1] is None and marks(timeline) == {len(seen(timeline)) - 1: "slots 8"}
    for hour in range(1, 30):
        timeline.add_event(step(3600.0 * hour, 3600.0 * hour + 3000.0, "a"))
        timeline.add_event(tokens("a", 3600.0 * hour + 3000.0))
        timeline.add_event(switched(max_batch=hour))
    assert len(timeline.columns) == KEPT and timeline.columns[-1].mark == "slots 29"


def test_a_token_from_before_all_that_is_kept_is_passed_over() -> None:
    timeline = fold([step(0.0, 1000.0, "a"), tokens("a", 1.0, 999.9), step(1000.0, 1000.1, "a")])
    assert len(timeline.columns) == KEPT and sum(column.tokens for column in timeline.columns) == 1


def test_another_process_has_another_clock() -> None:
    state = _told([(0.0, event) for event in [*run("a", 9000.0, [0.1] * 3), tokens("b", 9000.4)]])
    state.add_event(WorkerExited(code=-9), 1.0)
    for event in run("c", 5.0, [0.1] * 3):
        state.add_event(event, 2.0)
    assert seen(state.timeline) == [3, None, 3] and not state.timeline.running


@pytest.mark.parametrize("speed", [0.0, 50.0])
async def test_a_replay_draws_the_same(speed: float) -> None:
    told: list[Told] = [(event_time / 100, event) for event_time, event in enumerate(_session())]
    replayed = State()
    entries = [Entry(t=t, event=event) for t, event in told]  # type: ignore[arg-type]
    await play(entries, speed, lambda message: replayed.add_event(message, 123.0), sleep=_no_sleep)  # type: ignore[arg-type]
    live = _told(told)
    assert list(replayed.timeline.columns) == list(live.timeline.columns)
    assert len(marks(live.timeline)) == 2


async def _no_sleep(seconds: float) -> None:
    await asyncio.sleep(0)


def _session() -> list[AnyEvent]:
    events = run("a", 40.0, [0.02] * 90)
    events.insert(90, switched(kv_cache="int8"))
    return [*events, switched(kv_cache="model"), *run("b", 77.0, [0.02] * 90)]


def _told(told: Iterable[Told]) -> State:
    state = State()
    for t, event in told:
        state.add_event(event, t)
    return state
