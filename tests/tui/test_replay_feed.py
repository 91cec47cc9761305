"""The keys of a replay on its feed: pause, single steps, back and on, speed; on a clock that is set."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest

from playground.protocol.events import StepsExecuted
from playground.session.recording import FORMAT, VERSION, Entry, Header
from playground.session.replay import read_recording
from playground.tui import replay_feed
from playground.tui.replay_feed import JUMP_S, ReplayFeed
from playground.tui.state.state import State
from playground.tui.update_pump import UpdatePump
from tests.tui.conftest import Story

SLOWED = 10.0


class Clock:
    """Stands still until it is set."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(replay_feed, "monotonic", clock)
    return clock


@pytest.fixture
def entries(story: Story) -> list[Entry]:
    """13 s with 72 steps, three of them in each bundle."""
    entries: list[Entry] = []
    bundle: list[Entry] = []
    for entry in story("switched"):
        entry = Entry.of(max(entry.t * SLOWED, entries[-1].t if entries else 0.0), entry.message)
        if isinstance(entry.event, StepsExecuted):
            bundle.append(entry)
            if len(bundle) == 3:
                steps = [step for each in bundle for step in each.event.steps]  # type: ignore[union-attr]
                entries.append(Entry(t=entry.t, event=StepsExecuted(steps=steps)))
                bundle = []
        else:
            entries.append(entry)
    return entries


def open_feed(entries: Iterable[Entry], speed: float = 1.0) -> ReplayFeed:
    state = State()
    state.replaying = True
    feed = ReplayFeed(entries, speed, state, UpdatePump(state))
    feed.start()
    return feed


async def turn(feed: ReplayFeed, seconds: float = 0.0) -> None:
    """Let time pass, and let the feed do all that is due."""
    assert isinstance(replay_feed.monotonic, Clock)
    replay_feed.monotonic.now += seconds
    feed._turn.set()
    for _ in range(1000):
        await asyncio.sleep(0)


def seen(state: State) -> tuple[object, ...]:
    requests = [(each.text, each.metrics, each.finished) for each in state.requests.values()]
    return state.last_step, requests, list(state.timeline.columns), state.memory, state.toggles.effective


def folded(entries: list[Entry], to: float) -> tuple[object, ...]:
    state = State()
    for entry in entries:
        if entry.t <= to:
            state.add(entry.message, entry.t)
    return seen(state)


async def test_a_pause_holds_and_goes_on_where_it_was(entries: list[Entry], clock: Clock) -> None:
    feed = open_feed(entries)
    await turn(feed, 11.0)
    feed.pause()
    await turn(feed, 60.0)
    assert feed.paused and feed.position == 11.0 and seen(feed._state) == folded(entries, 11.0)
    feed.pause()
    await turn(feed, 1.0)
    assert not feed.paused and feed.position == 12.0


async def test_while_paused_each_press_is_one_step_of_the_engine(entries: list[Entry], clock: Clock) -> None:
    feed = open_feed(entries)
    feed.pause()
    for expected in range(72):
        feed.forward()
        await turn(feed)
        assert feed._state.last_step and feed._state.last_step.index == expected
        assert feed.paused and feed.ended == (expected == 71)
    assert seen(feed._state) == folded(entries, 20.0), "step by step comes to the same"


async def test_a_bundle_that_was_begun_is_finished_when_it_goes_on(entries: list[Entry], clock: Clock) -> None:
    feed = open_feed(entries)
    feed.pause()
    feed.forward()
    await turn(feed)
    feed.pause()
    await turn(feed, 1.0)
    assert not feed.ended and seen(feed._state) == folded(entries, feed.position)


async def test_back_folds_anew_up_to_there(entries: list[Entry], clock: Clock) -> None:
    feed = open_feed(entries, speed=0)
    await turn(feed)
    assert feed.ended and feed.position == feed.length == entries[-1].t
    feed._state.take_changes()
    feed.back()
    await turn(feed)
    assert feed.position == pytest.approx(feed.length - JUMP_S) and feed.speed == 1.0
    assert seen(feed._state) == folded(entries, feed.position) and feed._state.replaying
    changes = feed._state.take_changes()
    assert changes.anew and changes.unloaded
    await turn(feed, JUMP_S)
    assert feed.ended and seen(feed._state) == folded(entries, 20.0)


async def test_back_while_paused_stays_paused(entries: list[Entry], clock: Clock) -> None:
    feed = open_feed(entries)
    await turn(feed, 12.5)
    feed.pause()
    feed.back()
    await turn(feed, 3.0)
    assert feed.paused and feed.position == 7.5 and seen(feed._state) == folded(entries, 7.5)


async def test_forward_jumps_and_stops_at_the_end(entries: list[Entry], clock: Clock) -> None:
    feed = open_feed(entries)
    feed.forward()
    await turn(feed)
    assert feed.position == JUMP_S and seen(feed._state) == folded(entries, JUMP_S)
    for _ in range(3):
        feed.forward()
        await turn(feed)
    assert feed.ended and feed.position == feed.length


async def test_the_speed_changes_from_here_on(entries: list[Entry], clock: Clock) -> None:
    feed = open_feed(entries)
    clock.now += 2.0
    feed.change_speed(1)
    clock.now += 2.0
    assert feed.speed == 2.0 and feed.position == pytest.approx(6.0)
    for _ in range(9):
        feed.change_speed(-1)
    assert feed.speed == replay_feed.SPEEDS[0] and feed.position == pytest.approx(6.0)
    for _ in range(9):
        feed.change_speed(1)
    assert feed.speed == replay_feed.SPEEDS[-1]


async def test_after_the_end_it_plays_again(entries: list[Entry], clock: Clock) -> None:
    feed = open_feed(entries, speed=0)
    await turn(feed)
    feed.pause()
    await turn(feed)
    assert not feed.ended and feed.position == 0.0
    await turn(feed, 11.0)
    assert seen(feed._state) == folded(entries, 11.0)


async def test_a_broken_line_ends_it_and_is_told(clock: Clock, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(msgspec.json.encode(Header(format=FORMAT, version=VERSION)) + b"\nnonsense\n")
    feed = open_feed(read_recording(path))
    await turn(feed)
    [failure] = feed._state.take_changes().failures
    assert feed.ended and f"{path}:2: this is no command or event" in failure.message
