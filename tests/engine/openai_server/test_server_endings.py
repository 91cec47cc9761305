"""Where an answer ends, and what becomes of a server's count of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from tests.engine.openai_server.conftest import ServerWorker, ending
from tests.engine.openai_server.loopback import DONE, Loopback, event, text, usage

WHOLE = [text("def"), text(" add", "length")]


def test_silence_after_a_finish_reason_is_the_end(worker: ServerWorker, server: Loopback) -> None:
    over = threading.Event()

    def parts() -> Iterator[bytes]:
        yield from WHOLE
        while not over.wait(0.1):
            yield b": still here\n\n"  # a comment, as servers send to keep a connection open

    began = time.monotonic()
    end = ending(worker, server, "open", lambda handler: handler.events(parts()))
    over.set()
    assert (end.reason, end.message, worker.text("open")) == ("length", "", "def add")
    assert end.metrics.e2e_s < 1.0 and time.monotonic() - began < 5.0


@pytest.mark.parametrize("whole", [True, False])
def test_a_close_after_a_finish_reason_is_the_end(worker: ServerWorker, server: Loopback, whole: bool) -> None:
    end = ending(worker, server, f"close{whole}", lambda handler: handler.events(WHOLE, whole=whole))
    assert (end.reason, end.message, worker.text(f"close{whole}")) == ("length", "", "def add")


def test_a_count_that_comes_a_little_later_is_waited_for(worker: ServerWorker, server: Loopback) -> None:
    end = ending(worker, server, "later", lambda handler: handler.events([*WHOLE, usage(3, 2)], 0.3, whole=False))
    assert (end.reason, end.metrics.prompt_tokens, end.metrics.output_tokens) == ("length", 3, 2)


def test_a_fault_after_a_finish_reason_is_told(worker: ServerWorker, server: Loopback) -> None:
    fault = event(error={"message": "out of blocks"})
    end = ending(worker, server, "fault", lambda handler: handler.events([*WHOLE, fault, DONE]))
    assert (end.reason, "out of blocks" in end.message) == ("error", True)
