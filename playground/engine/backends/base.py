"""What every engine offers to the worker's loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar, Protocol, TypeVar

from playground.protocol.capabilities import Capabilities
from playground.protocol.commands import (
    Abort,
    CheckModel,
    Command,
    LoadModel,
    MeasureAttention,
    MeasureOutliers,
    Score,
    SetOptions,
    Submit,
    Tokenize,
)
from playground.protocol.events import Event, LoadStage
from playground.protocol.fault import Fault

Emit = Callable[[Event], None]
Loaded = TypeVar("Loaded")
ELSEWHERE = "use --engine transformers"


class Cancelled(Exception):
    """A long piece of work was stopped on request."""


class EngineError(Fault):
    """A request of the user cannot be fulfilled: one line says what happened, one what to do."""


class Progress(Protocol):
    """Reports a stage; raises `Cancelled` if the user has stopped the work."""

    def __call__(self, stage: LoadStage, done: int = 0, total: int = 0, detail: str = "") -> None: ...


def require_loaded(loaded: Loaded | None, what: str = "model") -> Loaded:
    """What is loaded; raises `EngineError` if nothing is."""
    if loaded is None:
        raise EngineError(f"no {what} is loaded", "load one first")
    return loaded


def no_progress(stage: LoadStage, done: int = 0, total: int = 0, detail: str = "") -> None:
    """A `Progress` that reports nothing and cannot be cancelled, for rolling back."""


def first_line(error: BaseException) -> str:
    """The first line of an exception's message, or its type if the message is empty."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)[:200]


class Backend(Protocol):
    """One engine. Methods raise `EngineError`; `load` and `set_options` may also raise `Cancelled`. Commands in
    `cannot` are refused with the given reason before they get here and need no method. The loop waits `gather_s`
    seconds between steps unless a command arrives; this is the polling interval of a backend that computes in another
    process."""

    cannot: ClassVar[Mapping[type[Command], str]]
    gather_s: ClassVar[float]

    def capabilities(self) -> Capabilities:
        """What can be done here, with the loaded model or before one is loaded."""

    def load(self, command: LoadModel, progress: Progress) -> None:
        """Load a model, emitting `ModelLoaded` and `OptionsApplied`."""

    def unload(self) -> None:
        """Unload the model."""

    def set_options(self, command: SetOptions, progress: Progress) -> None:
        """Change toggles on what is running, emitting `OptionsApplied`."""

    def submit(self, command: Submit, received: float) -> None:
        """Queue requests that came in at `received` on the engine's clock."""

    def abort(self, command: Abort) -> None:
        """End requests before the next step."""

    def fail(self, message: str) -> None:
        """End every request with an error that users read."""

    def reset_prefix_cache(self) -> None:
        """Forget every cached prefix."""

    def tokenize(self, command: Tokenize) -> None:
        """Emit `Tokenized`."""

    def score(self, command: Score, check: Callable[[], None]) -> None:
        """Emit `Scored`; running requests wait meanwhile. `check` raises `Cancelled` once a stop is requested."""

    def map_blocks(self) -> None:
        """Emit `BlocksMapped`."""

    def measure_attention(self, command: MeasureAttention, check: Callable[[], None]) -> None:
        """Emit `AttentionMeasured` point by point; `check` raises `Cancelled` once a stop is requested."""

    def measure_outliers(self, command: MeasureOutliers) -> None:
        """Emit `OutliersMeasured`."""

    def check_model(self, command: CheckModel, progress: Progress) -> None:
        """Emit `ModelChecked`; the loaded model stays."""

    @property
    def busy(self) -> bool:
        """Whether there is work for `step`."""

    @property
    def step_index(self) -> int:
        """The number of the next step."""

    @property
    def next_arrival(self) -> float | None:
        """When the next delayed request arrives, on the engine's clock; None if there is none."""

    def step(self) -> None:
        """Do one step and emit what it did."""
