"""The loop of the speech worker, with a backend that breaks."""

from __future__ import annotations

from playground.protocol.commands import Shutdown
from playground.protocol.events import Failed
from playground.worker.speech_loop import SpeechLoop


class Broken:
    """Backend, inbox and outbox in one: the step fails, and so does ending its work; then it stops."""

    next_due, doing = 0.0, "StartListening"

    def __init__(self) -> None:
        self.told: list[Failed] = []
        self.emit = self.told.append
        self._commands = [None, (0.0, Shutdown())]
        self.closed = False

    def take(self, timeout: float | None) -> tuple[float, Shutdown] | None:
        return self._commands.pop(0)

    def step(self) -> None:
        raise RuntimeError("the step broke")

    def fail(self, message: str) -> None:
        raise OSError(f"{message}, and so did the end")

    def close(self) -> None:
        self.closed = True


def test_a_fault_in_the_end_of_what_failed_does_not_end_the_worker() -> None:
    broken = Broken()
    SpeechLoop(broken, broken, broken).run()
    assert [fault.message for fault in broken.told] == ["the step broke", "the step broke, and so did the end"]
    assert broken.closed
