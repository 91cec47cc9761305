"""The worker's loop: take commands, step the backend, flush events."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from threading import TIMEOUT_MAX
from time import perf_counter

from msgspec import structs

from playground.engine.backends.base import ELSEWHERE, Backend, Cancelled, EngineError
from playground.engine.capabilities import as_they_take, require_known
from playground.engine.prediction import predict
from playground.protocol.commands import (
    Abort,
    CancelLoad,
    CheckModel,
    LoadModel,
    MapBlocks,
    MeasureAttention,
    MeasureOutliers,
    ResetPrefixCache,
    Score,
    SetOptions,
    Shutdown,
    Simulate,
    Submit,
    Tokenize,
    UnloadModel,
)
from playground.protocol.events import Failed, LoadCancelled, LoadStage, ModelLoading, RequestFinished
from playground.protocol.metrics import NO_METRICS
from playground.protocol.wire import AnyCommand
from playground.worker.faults import guarded
from playground.worker.inbox import Inbox
from playground.worker.outbox import Outbox


class WorkerLoop:
    """Runs one backend until `Shutdown` or the end of input."""

    def __init__(self, backend: Backend, inbox: Inbox, outbox: Outbox) -> None:
        self._backend, self._inbox, self._outbox = backend, inbox, outbox
        self._deferred: list[SetOptions] = []

    def run(self) -> None:
        """Handle commands and step the backend; every fault is an event, so that only `Shutdown` or the end of input
        ends this."""
        while True:
            item = self._inbox.take(self._timeout())
            if item is not None:
                received, command = item
                if isinstance(command, Shutdown):
                    return
                self._guarded(type(command).__name__, partial(self._handle, received, command))
            elif self._backend.busy:
                self._switch()
                self._guarded("step", self._backend.step)
            self._outbox.flush_if_due()

    def _timeout(self) -> float | None:
        waits = [self._backend.gather_s] if self._backend.busy else []
        if not waits:
            self._outbox.flush()
        if (arrival := self._backend.next_arrival) is not None:
            waits.append(min(max(1e-4, arrival - perf_counter()), TIMEOUT_MAX))
        return min(waits, default=None)

    def _switch(self) -> None:
        """Apply the option changes scheduled for this step; a failing change does not affect the step."""
        due = [command for command in self._deferred if (command.at_step or 0) <= self._backend.step_index]
        for command in due:
            self._deferred.remove(command)
            self._guarded("SetOptions", partial(self._backend.set_options, command, self._progress))

    def _handle(self, received: float, command: AnyCommand) -> None:
        if reason := self._backend.cannot.get(type(command)):
            raise EngineError(reason, ELSEWHERE)
        match command:
            case LoadModel():
                self._load(command)
            case SetOptions():
                self._set_options(structs.replace(command, changes=as_they_take(command.changes)))
            case Submit():
                self._submit(command, received)
            case Abort():
                self._backend.abort(command)
            case ResetPrefixCache():
                self._backend.reset_prefix_cache()
            case MapBlocks():
                self._backend.map_blocks()
            case MeasureAttention():
                self._backend.measure_attention(command, self._check)
            case MeasureOutliers():
                self._backend.measure_outliers(command)
            case CheckModel():
                self._backend.check_model(command, self._progress)
            case Tokenize():
                self._backend.tokenize(command)
            case Score():
                self._backend.score(command, self._check)
            case Simulate():
                self._outbox.emit(predict(command))
            case UnloadModel():
                self._deferred.clear()
                self._backend.unload()
            case CancelLoad():
                self._inbox.answer_cancel()

    def _submit(self, command: Submit, received: float) -> None:
        try:
            self._backend.submit(command, received)
        except EngineError as error:  # none was taken, and each has someone who waits for its end
            # First the failure, at which a client stops waiting for results.
            self._outbox.emit(Failed(where="Submit", message=error.message, advice=error.advice))
            for request in command.requests:
                self._outbox.emit(
                    RequestFinished(
                        request_id=request.request_id, reason="error", metrics=NO_METRICS, message=error.line
                    )
                )

    def _set_options(self, command: SetOptions) -> None:
        if command.at_step is None:
            self._backend.set_options(command, self._progress)
        else:
            self._deferred.append(command)

    def _load(self, command: LoadModel) -> None:
        self._deferred.clear()  # they were scheduled for steps of the previous model
        cancelled = False
        require_known(command.options)
        try:
            self._backend.load(command, self._progress)
        except Cancelled:
            cancelled = True
        if cancelled:  # only now does no traceback hold what was loaded
            self._backend.unload()
            self._outbox.emit(LoadCancelled(model=command.model))

    def _progress(self, stage: LoadStage, done: int = 0, total: int = 0, detail: str = "") -> None:
        self._check()
        self._outbox.emit(ModelLoading(stage=stage, done=done, total=total, detail=detail))

    def _check(self) -> None:
        """Raise `Cancelled` if a stop of the work in progress was requested."""
        if self._inbox.cancelling:
            raise Cancelled

    def _guarded(self, where: str, action: Callable[[], None]) -> None:
        fault = guarded(self._outbox.emit, where, action)
        if fault and where == "step":
            self._backend.fail(f"the engine failed in a step: {fault}")
