"""The whole check of one checkpoint, finding by finding."""

from __future__ import annotations

from collections.abc import AsyncIterator
from time import perf_counter
from typing import Literal

import msgspec

from playground.bench.check.damage import check_damage
from playground.bench.check.fits import check_fits
from playground.bench.check.generation import check_generation
from playground.bench.check.outliers import check_outliers
from playground.bench.engine import EngineFailed, WorkerEngine
from playground.protocol.commands import CheckModel, LoadModel
from playground.protocol.events import CheckFinding, ModelChecked, Verdict
from playground.session.fold import Fold

PARTS = {
    "generation": check_generation,
    "damage": check_damage,
    "outliers": check_outliers,
    "fits": check_fits,
}
ORDER: tuple[Verdict, ...] = ("pass", "warn", "fail")


class CheckReport(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="Check"):
    """All findings. `verdict` is the worst of theirs, or `unloadable`."""

    model: str
    verdict: Literal["pass", "warn", "fail", "unloadable"]
    findings: list[CheckFinding]
    seconds: float
    versions: dict[str, str] = {}


class Check:
    """The check of one checkpoint: `run` yields its findings, afterwards `report` collects them."""

    def __init__(self, load: LoadModel) -> None:
        self._load = load
        self._findings: list[CheckFinding] = []
        self._loadable = True
        self._started = perf_counter()

    async def run(self, engine: WorkerEngine) -> AsyncIterator[CheckFinding]:
        """Check with an `engine` that has nothing loaded. What is broken on disk is not loaded."""
        command = CheckModel(model=self._load.model, allow_pickle=self._load.allow_pickle)
        checked = await engine.ask(command, ModelChecked)
        self._loadable = checked.loadable
        for finding in checked.findings:
            yield self._note(finding)
        if not checked.loadable or any(finding.verdict == "fail" for finding in checked.findings):
            return
        try:
            await engine.load(self._load)
        except EngineFailed as error:
            self._loadable = False
            yield self._note(_failed("loads", error))
            return
        for name, part in PARTS.items():
            try:
                async for finding in part(engine):
                    yield self._note(finding)
            except EngineFailed as error:
                yield self._note(_failed(name, error))
            if engine.fold.exited:
                return

    def report(self, fold: Fold) -> CheckReport:
        """The findings so far as a report."""
        worst: Verdict = max((finding.verdict for finding in self._findings), key=ORDER.index, default="pass")
        return CheckReport(
            model=self._load.model,
            verdict=worst if self._loadable else "unloadable",
            findings=self._findings,
            seconds=perf_counter() - self._started,
            versions=fold.loaded.capabilities.versions if fold.loaded else {},
        )

    def _note(self, finding: CheckFinding) -> CheckFinding:
        self._findings.append(finding)
        return finding


def _failed(name: str, error: EngineFailed) -> CheckFinding:
    return CheckFinding(name=name, verdict="fail", evidence=error.message, advice=error.advice)
