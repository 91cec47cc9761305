"""The newest load under both policies, its predictions and the engine's block map: a fold, live or replayed."""

from __future__ import annotations

from collections.abc import Iterator

from playground.protocol.commands import Submit
from playground.protocol.events import (
    BlocksMapped,
    Failed,
    ModelLoaded,
    RequestFinished,
    Simulated,
    Step,
    StepsExecuted,
    TokensGenerated,
)
from playground.protocol.wire import AnyEvent
from playground.tui.load_cost import CostFit
from playground.tui.load_profile import POLICIES, Policy, read_name
from playground.tui.load_run import LoadRun

WHERE = ("SetOptions", "ResetPrefixCache", "Submit", "Simulate", "step")


class LoadRuns:
    """`busy` is set by whoever drives a load: from its first switch to its last, prompts have to wait."""

    def __init__(self) -> None:
        self.busy = False
        self.failed = ""
        self.runs: dict[Policy, LoadRun] = {}
        self.blocks: BlocksMapped | None = None
        self.predicted: dict[Policy, Simulated] = {}
        self._owner: dict[str, LoadRun] = {}

    @property
    def running(self) -> LoadRun | None:
        """The run that goes on, if one does."""
        return next((run for run in self.runs.values() if not run.done), None)

    @property
    def newest(self) -> LoadRun | None:
        """The run that came last."""
        return next(reversed(self.runs.values()), None)

    def begin(self, command: Submit) -> bool:
        """Take a submission; False if it belongs to no load."""
        name = read_name(command.requests[0].request_id) if command.requests else None
        if name is None:
            return False
        if any(run.load != name.load for run in self.runs.values()) or name.policy in self.runs:
            self.runs, self._owner = {}, {}
        run = self.runs[name.policy] = LoadRun(name.policy, name.load, command.requests)
        run.predicted = self.predicted.get(name.policy)
        self._owner |= dict.fromkeys(run.requests, run)
        return True

    def add_event(self, event: AnyEvent) -> None:
        """Whatever is of no load is passed over."""
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

    def begin_load(self) -> None:
        """A load is about to be driven; what is shown of the one before stays until its first run begins."""
        self.busy, self.failed, self.blocks = True, "", None
        self.predicted.clear()

    def ordered(self) -> Iterator[LoadRun]:
        """Static before continuous."""
        return (self.runs[policy] for policy in POLICIES if policy in self.runs)

    @property
    def speed_up(self) -> float | None:
        """Makespan of static over that of continuous; None until both ran to their ends."""
        static, continuous = self.runs.get("static"), self.runs.get("continuous")
        if not (static and continuous and static.whole and continuous.whole):
            return None
        return static.makespan / continuous.makespan if static.makespan and continuous.makespan else None


def _of(run: LoadRun, step: Step) -> bool:
    return any(work.request_id in run.requests for work in step.slots if work.request_id)
