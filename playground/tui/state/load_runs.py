"""The newest load on both sides, its predictions and the engines' block maps: a fold, live or replayed."""

from __future__ import annotations

from collections.abc import Iterator

from playground.protocol.commands import Submit
from playground.protocol.events import (
    BlocksMapped,
    Failed,
    ModelLoaded,
    OptionsApplied,
    RequestFinished,
    Simulated,
    StepsExecuted,
    TokensGenerated,
)
from playground.protocol.steps import Step
from playground.protocol.wire import AnyEvent
from playground.tui.state.load_cost import CostFit
from playground.tui.state.load_profile import POLICIES, read_name
from playground.tui.state.load_run import LoadRun

WHERE = ("SetOptions", "ResetPrefixCache", "Submit", "Simulate", "step")


class LoadRuns:
    """`busy`: a load is being driven, from its first option change to its last, and prompts must wait. `preparing`: a
    line about the current preparation."""

    def __init__(self) -> None:
        self.busy = False
        self.failed = self.preparing = ""
        self.runs: dict[str, LoadRun] = {}
        self.blocks: BlocksMapped | None = None
        self.predicted: dict[str, Simulated] = {}
        self._asked: tuple[str, str] = POLICIES
        self._owner: dict[str, LoadRun] = {}

    @property
    def running(self) -> LoadRun | None:
        """The run that has not ended, if there is one."""
        return next((run for run in self.runs.values() if not run.done), None)

    @property
    def sides(self) -> tuple[str, str]:
        """What runs first and what runs second; in a replay the second engine is empty until its run begins."""
        begun = tuple(self.runs)
        return self._asked if set(begun) <= set(self._asked) else (begun[0], begun[1] if len(begun) > 1 else "")

    @property
    def engines(self) -> bool:
        """Whether two engines are compared, not two policies of one."""
        return self.sides != POLICIES

    @property
    def newest(self) -> LoadRun | None:
        """The run that began last."""
        return next(reversed(self.runs.values()), None)

    def begin(self, command: Submit, engine: str = "", dtype: str = "") -> bool:
        """Take a submission in a session on `engine`, which computes in `dtype`; False if it belongs to no load."""
        name = read_name(command.requests[0].request_id) if command.requests else None
        if name is None:
            return False
        if any(run.load != name.load for run in self.runs.values()) or name.side in self.runs:
            self.runs, self._owner = {}, {}
        elsewhere = name.side not in (*POLICIES, engine)
        run = self.runs[name.side] = LoadRun(name.side, name.load, command.requests, elsewhere)
        run.dtype = "" if elsewhere else dtype
        run.predicted = self.predicted.get(name.side)
        self._owner |= dict.fromkeys(run.requests, run)
        return True

    def try_add_event(self, event: AnyEvent) -> bool:
        """Fold an event of the second engine and return True; return False for events of the session's engine."""
        run = self.newest
        if run is None or not run.elsewhere:
            return False
        match event:
            case OptionsApplied() if not (run.dtype or run.made or run.done):  # mirrored once, as its requests are sent
                run.dtype = event.effective.get("dtype", "")
                return True
            case TokensGenerated() | RequestFinished():
                mine = event.request_id in run.requests
            case StepsExecuted():
                mine = any(_of(run, step) for step in event.steps)
            case BlocksMapped():
                mine = any(request_id in run.requests for request_id in event.tables)
            case _:
                mine = False
        if mine:
            self.add_event(event)
        return mine

    def add_event(self, event: AnyEvent) -> None:
        """Fold an event of the session's engine; events of no load are ignored."""
        match event:
            case StepsExecuted():
                for run in self.runs.values():
                    run.add_steps([step for step in event.steps if _of(run, step)])
            case TokensGenerated():
                if owner := self._owner.get(event.request_id):
                    owner.add_tokens(event)
            case RequestFinished():
                if owner := self._owner.get(event.request_id):
                    owner.finished.setdefault(event.request_id, event)
            case BlocksMapped():
                self.blocks = event
                owners = [self._owner[each] for each in event.tables if each in self._owner]
                if owners:
                    owners[0].add_blocks(event)
            case ModelLoaded():
                for run in self.runs.values():
                    run.fit = CostFit()
            case Failed() if event.where in WHERE:
                self.failed = event.message
            case Simulated():
                self.predicted[event.policy] = event
                if event.policy in self.runs:
                    self.runs[event.policy].predicted = event

    def begin_load(self, sides: tuple[str, str] = POLICIES) -> None:
        """A load is about to be driven; the runs of the previous one stay until its first run begins."""
        self.busy, self.failed, self.preparing, self.blocks = True, "", "", None
        self._asked = sides
        self.predicted.clear()

    def ordered(self) -> Iterator[LoadRun]:
        """The runs, the first side before the second."""
        return (self.runs[side] for side in self.sides if side in self.runs)

    @property
    def speed_up(self) -> float | None:
        """Makespan of the first over that of the second; None until both ran to their ends."""
        first, second = (self.runs.get(side) for side in self.sides)
        if not (first and second and first.whole and second.whole):
            return None
        return first.makespan / second.makespan if first.makespan and second.makespan else None


def _of(run: LoadRun, step: Step) -> bool:
    return any(work.request_id in run.requests for work in step.slots if work.request_id)
