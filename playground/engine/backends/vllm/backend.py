"""The vLLM engine: commands to its loop, restarts for toggles that cannot change while it runs, faults in plain
words."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, ClassVar

from playground.engine.backends.base import Cancelled, Emit, EngineError, Progress, no_progress, require_loaded
from playground.engine.backends.vllm.faults import DIED, as_engine_error
from playground.engine.backends.vllm.report import report
from playground.engine.backends.vllm.support import missing_packages, platform, vllm_version, why_not, why_not_executor
from playground.engine.capabilities import CONFLICTS, refuse_conflict, refuse_impossible
from playground.protocol.capabilities import Capabilities
from playground.protocol.commands import (
    Abort,
    CheckModel,
    LoadModel,
    MeasureAttention,
    MeasureOutliers,
    Score,
    SetOptions,
    Submit,
    Tokenize,
)
from playground.protocol.events import Failed, MemoryMeasured, ModelLoaded, OptionsApplied, Tokenized
from playground.protocol.metrics import Memory
from playground.protocol.options import CostClass, EngineOptions, changed_names, with_changes

if TYPE_CHECKING:
    from playground.engine.backends.vllm.checkpoint import VllmCheckpoint
    from playground.engine.backends.vllm.live import Live

LIVE = {"max_batch", "token_budget"}
IDLE = {"int8_threshold"}  # has no effect in vLLM
MEMORY_EVERY_S = 0.5


class VllmBackend:
    """See `engine.backends.base.Backend`. vLLM itself is imported by the first load."""

    gather_s: ClassVar = 0.0
    cannot: ClassVar = {
        MeasureAttention: "vLLM's kernels run inside its own steps alone",
        MeasureOutliers: "vLLM's layers are fused, and show no input columns",
        CheckModel: "the vLLM engine checks no files",
    }

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._live: Live | None = None
        self._measured = self._brought_back = 0.0

    def capabilities(self) -> Capabilities:
        """What vLLM really does on this machine, and with the loaded model if there is one."""
        versions = {"vllm": vllm_version()} if vllm_version() else {}
        live = self._live
        quantized, options = (live.checkpoint.quantized, live.options) if live else ("", EngineOptions())
        price = live.price if live else None
        return Capabilities(
            engine="vllm",
            devices=[platform()],
            toggles=report(options, quantized, price),
            versions=versions,
            conflicts=list(CONFLICTS),
        )

    def load(self, command: LoadModel, progress: Progress) -> None:
        """Check the checkpoint, start vLLM on it, compare its first answers with the reference. One process holds one
        vLLM, so the previous model is unloaded first; if the new one fails to start, it is loaded again and `Failed`
        says so."""
        before, started = self._live, perf_counter()
        try:
            self._load(command, progress)
        except EngineError as fault:
            if before is None:
                raise
            self._bring_back(before, fault)
        self._announce([], Memory(), started, "reload")

    def unload(self) -> None:
        """End vLLM's workers; what PyTorch keeps is freed with the process."""
        live, self._live = self._live, None
        if live:
            live.loop.fail("the model was unloaded")
            live.engine.stop()

    def set_options(self, command: SetOptions, progress: Progress) -> None:
        """Slots and budget change with the next step; anything else restarts vLLM, and requests continue or end."""
        live, started = self._engine, perf_counter()
        options, before = with_changes(live.options, command.changes), live.memory()
        self._refuse(options, live.checkpoint.quantized)
        changed = changed_names(live.options, options)
        restart = set(changed) - LIVE - IDLE or not live.engine.can_apply(options)
        if not restart:
            live.limit(options)
            self._announce(changed, before, started, "instant", loaded=False)
            return
        live.check_room(options)
        self._restart(live, options, progress)
        self._announce(changed, before, started, "reload")

    def submit(self, command: Submit, received: float) -> None:
        """See `VllmLoop.submit`."""
        refused = "the model that this was for could not be loaded" if received < self._brought_back else ""
        for request in command.requests:
            self._engine.loop.submit(request, received, refused)

    def abort(self, command: Abort) -> None:
        """See `VllmLoop.abort`."""
        if self._live:
            self._live.loop.abort(command.request_id)
            self._emit(MemoryMeasured(memory=self._live.memory()))

    def fail(self, message: str) -> None:
        """See `VllmLoop.fail`."""
        if self._live:
            self._live.loop.fail(message)

    def reset_prefix_cache(self) -> None:
        """Raises `EngineError` while requests run: vLLM can only forget prefixes that no request holds."""
        if not self._engine.engine.llm.reset_prefix_cache():
            raise EngineError("vLLM forgets prefixes only while nothing runs", "let the requests end first")

    def map_blocks(self) -> None:
        """See `engine.backends.vllm.block_map`."""
        self._emit(self._engine.block_map())

    def tokenize(self, command: Tokenize) -> None:
        """See `Tokenizer.ids`."""
        tokenizer = self._engine.engine.tokenizer
        ids = tokenizer.chat_ids if command.chat else tokenizer.ids
        self._emit(Tokenized(key=command.key, token_ids=[ids(text) for text in command.texts]))

    def score(self, command: Score, check: Callable[[], None]) -> None:
        """See `scoring.score`; steps vLLM until it is done."""
        live = self._engine
        if self.busy:
            raise EngineError("requests are running, and would be held up", "wait, or stop them")
        from playground.engine.backends.vllm.scoring import score

        self._emit(score(command, live.engine, check))

    @property
    def busy(self) -> bool:
        """See `Backend`."""
        return self._live is not None and self._live.loop.busy

    @property
    def step_index(self) -> int:
        """See `Backend`."""
        return self._engine.loop.step_index

    @property
    def next_arrival(self) -> float | None:
        """See `Backend`."""
        return self._live.loop.next_arrival if self._live else None

    def step(self) -> None:
        """One step. If vLLM lost one of its processes it cannot go on, so this process ends too, which the UI
        reports."""
        live = self._engine
        try:
            live.loop.step()
        except Exception as error:
            if live.engine.failed:
                raise SystemExit(DIED) from error
            raise
        if not live.loop.busy or perf_counter() - self._measured > MEMORY_EVERY_S:
            self._measured = perf_counter()
            self._emit(MemoryMeasured(memory=live.memory()))

    @property
    def _engine(self) -> Live:
        return require_loaded(self._live)

    def _load(self, command: LoadModel, progress: Progress) -> None:
        """Refuse what can be known before the start, before anything is stopped."""
        self._refuse(command.options, "")
        checkpoint_class, live_class = _import_vllm(command, progress)
        checkpoint = checkpoint_class(command, progress)
        checkpoint.plan(command.options, released=self._live.bytes if self._live else 0)
        self.unload()
        self._live = live_class(checkpoint, command.options, progress, self._emit)

    def _bring_back(self, before: Live, fault: EngineError) -> None:
        """Start the previous model again if it was stopped, and emit why."""
        name = before.checkpoint.files.name
        try:
            if self._live is None:
                before.restart(before.options, no_progress)
        except EngineError as other:
            raise EngineError(f"{fault.message}; {name} did not start again: {other.message}", fault.advice) from None
        self._live, self._brought_back = before, perf_counter()
        message = f"{fault.message}; {name} is loaded as before"
        self._emit(Failed(where="LoadModel", message=message, advice=fault.advice, kept=True))

    def _restart(self, live: Live, options: EngineOptions, progress: Progress) -> None:
        """Restart vLLM; if that fails, with the previous options."""
        try:
            live.restart(options, progress)
        except (EngineError, Cancelled) as fault:
            if live.engine.llm is None:  # else the restart was stopped before vLLM was
                self._go_back(live, fault)
            if isinstance(fault, Cancelled):
                raise EngineError("the switch was stopped; vLLM runs as before") from None
            raise

    def _go_back(self, live: Live, fault: EngineError | Cancelled) -> None:
        try:
            live.restart(live.options, no_progress)
        except EngineError:
            self._live = None
            live.loop.fail("vLLM did not start again")
            raise fault from None

    def _refuse(self, options: EngineOptions, quantized: str) -> None:
        refuse_impossible(options, partial(why_not, quantized=quantized))
        refuse_conflict(options, CONFLICTS)

    def _announce(
        self, changed: list[str], before: Memory, started: float, cost: CostClass, loaded: bool = True
    ) -> None:
        live = self._engine
        if loaded:
            self._emit(ModelLoaded(facts=live.facts(), capabilities=self.capabilities()))
        applied = OptionsApplied(
            changed=changed,
            requested=live.options,
            effective=live.effective(),
            reasons=live.reasons(),
            cost=cost if changed else "instant",
            seconds=perf_counter() - started,
            step=live.loop.step_index,
            before=before,
            after=live.memory(),
        )
        self._emit(applied)
        if live.verdict.garbage and loaded:
            message = f"vLLM's answers are not this model's: {live.verdict}"
            self._emit(Failed(where="verify", message=message, advice="go back to the toggles before"))


def _import_vllm(command: LoadModel, progress: Progress) -> tuple[type[VllmCheckpoint], type[Live]]:
    """Import what needs vLLM, which takes seconds; raises `EngineError` where it cannot be imported."""
    missing, advice = missing_packages(command.executor)
    if reason := why_not_executor(command.executor):
        raise EngineError(reason, "[engines.vllm] executor = auto runs the ranks as processes of this machine")
    if missing:
        raise EngineError(f"the vLLM engine needs {', '.join(missing)}", advice)
    progress("checking", detail="importing vLLM")
    from playground.engine.backends.vllm.start import prepare

    prepare(command)
    try:
        from playground.engine.backends.vllm.checkpoint import VllmCheckpoint
        from playground.engine.backends.vllm.live import Live
    except Exception as error:
        raise as_engine_error(error, "at all", command.options) from error
    return VllmCheckpoint, Live
