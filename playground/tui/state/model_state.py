"""The life of the model and of its worker: what is being loaded, why a load failed, whether the worker runs."""

from __future__ import annotations

from playground.protocol.commands import LoadModel
from playground.protocol.events import Failed, ModelLoaded, ModelLoading, WorkerExited, WorkerReady


class ModelState:
    """`progress` is that of a load, a conversion or a compile. `fallback_model`: the name of the model that comes back
    if a load is cancelled. `superseded`: the load is stopped for that of another model."""

    def __init__(self) -> None:
        self.loading: LoadModel | None = None
        self.progress: ModelLoading | None = None
        self.load_failure: Failed | None = None
        self.fallback_model = self._fallback = ""  # its name, and what loads it
        self.superseded = False
        self.exited: WorkerExited | None = None
        self.pid: int | None = None

    def begin_load(self, command: LoadModel) -> None:
        """A model is being loaded."""
        self.loading, self.load_failure, self.superseded = command, None, False
        if command.model == self._fallback:
            self.fallback_model = ""  # nothing else to come back to

    def end_load(self, event: ModelLoaded) -> None:
        """The model is loaded."""
        self.fallback_model = event.facts.name
        self._fallback = self.loading.model if self.loading and self.loading.url else event.facts.path
        self.loading = self.progress = self.load_failure = None

    def cancel_load(self) -> str:
        """The load was cancelled; returns the note for the user."""
        former, self.fallback_model, self.loading = self.fallback_model, "", None
        return f"the load was stopped; {f'{former} comes back' if former else '^O picks a model'}"

    def fail_load(self, event: Failed) -> None:
        """The model could not be loaded."""
        self.loading, self.load_failure = None, event
        if not event.kept:
            self.fallback_model = ""

    def begin_worker(self, event: WorkerReady) -> None:
        """A worker has started."""
        self.pid, self.exited = event.pid, None

    def end_worker(self, event: WorkerExited) -> None:
        """The worker died."""
        self.exited, self.loading, self.pid = event, None, None
