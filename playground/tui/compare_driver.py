"""Drives a comparison on the app's own engine, with the toggles back as they were in the end."""

from __future__ import annotations

import asyncio
from itertools import count

from playground.bench.compare.course import Plan, Side, compare
from playground.bench.compare.runs import Comparison
from playground.bench.compare.verdict import name_of
from playground.bench.talk import EngineFailed, Talk
from playground.protocol.commands import Abort, SetOptions
from playground.protocol.options import changed_names, with_changes
from playground.tui.bridge import Bridge
from playground.tui.compare_profile import CompareProfile, spelled
from playground.tui.session import NotNow, disturbed


class CompareDriver:
    """`fault` says in one line why the last comparison ended early; what was measured by then stays."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge, self._state = bridge, bridge.state
        self._task: asyncio.Task[None] | None = None
        self._numbers = count(1)
        self.fault = ""

    def start(self, profile: CompareProfile) -> None:
        """Begin; raises `NotNow` where a comparison would disturb or could not run."""
        if reason := self._reason(profile):
            raise NotNow(reason)
        self.fault = ""
        name = name_of(spelled(profile.changes("b")))
        comparison = self._state.compare.begin(name, profile.a, profile.b)
        self._task = asyncio.create_task(self._course(profile, comparison))

    def stop(self) -> None:
        """End it; the runs that are done stay."""
        if self._task:
            self._task.cancel()

    def _reason(self, profile: CompareProfile) -> str:
        state = self._state
        if state.replaying:
            return "this is a replay: nothing can be run in it"
        if reason := disturbed(state):
            return reason
        if state.loading or not state.facts:
            return "no model is loaded yet; ^O on screen 1 picks one"
        if running := len(state.unfinished):
            return f"{running} of screen 1's requests run, and this would disturb them; F2, then Esc stops them"
        a, b = (with_changes(state.requested, profile.changes(side)) for side in ("a", "b"))
        return "" if changed_names(a, b) else "A and B come to the same options; change one of them"

    async def _course(self, profile: CompareProfile, comparison: Comparison) -> None:
        state, before = self._state, self._state.requested
        changes = [profile.changes(side) for side in ("a", "b")]
        talk = Talk(self._bridge.send)
        self._bridge.listen(talk.arrived)
        try:
            await talk.until(lambda: talk.fold.ready)
            sides = [Side(talk, with_changes(before, each)) for each in changes]
            plan = Plan(profile.text, profile.tokens, profile.runs, f"compare{next(self._numbers)}")
            await compare(sides[0], sides[1], plan, comparison, self._bridge.refresh)
        except EngineFailed as error:
            self.fault = f"{error.message}; {error.advice}" if error.advice else error.message
        except asyncio.CancelledError:
            self.fault = "stopped"
            self._bridge.send(Abort())
        finally:
            self._bridge.unlisten(talk.arrived)
            comparison.phase = ""
            if state.facts and not state.exited:
                names = dict.fromkeys(name for each in changes for name in each)
                self._bridge.send(SetOptions(changes={name: getattr(before, name) for name in names}))
            state.compare.busy = False
            self._bridge.refresh()
