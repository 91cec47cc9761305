"""Where an answer ends, and what becomes of the server's own count."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cli.conftest import Playground, home, playground  # noqa: F401
from tests.engine.openai_server.conftest import ServerWorker, ending
from tests.engine.openai_server.loopback import DONE, Loopback, event, text, usage

WHOLE = [text("def", prompt_token_ids=[5, 6, 7]), text(" add", "length")]
COUNTS: dict[str, dict[str, Any]] = {
    "null": {"choices": [], "usage": {"prompt_tokens": None, "completion_tokens": None}},
    "no choices": {"choices": None, "usage": {"prompt_tokens": 3}},
    "negative": {"choices": [], "usage": {"prompt_tokens": -3, "completion_tokens": -5}},
    "negative details": {"choices": [], "usage": {"prompt_tokens_details": {"cached_tokens": -1}}},
}


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


@pytest.mark.parametrize("name", COUNTS)
def test_a_count_that_is_none_is_not_told(worker: ServerWorker, server: Loopback, name: str) -> None:
    end = ending(worker, server, name, lambda handler: handler.events([*WHOLE, event(**COUNTS[name]), DONE]))
    assert (end.reason, end.message, worker.text(name)) == ("length", "", "def add")
    assert (end.metrics.prompt_tokens, end.metrics.output_tokens, end.metrics.chunks) == (3, 0, 2)
    assert end.metrics.cached_tokens is None


@pytest.mark.parametrize("more", [{}, {"token_ids": None}])
def test_where_ids_stop_coming_the_servers_count_is_the_number_of_tokens(
    worker: ServerWorker, server: Loopback, more: dict[str, None]
) -> None:
    parts = [text("a", token_ids=[1]), *[text("b", **more)] * 5, text("c", "stop", **more), usage(3, 7), DONE]
    name = f"mixed{len(more)}"
    metrics = ending(worker, server, name, lambda handler: handler.events(parts, 0.02)).metrics
    assert (metrics.output_tokens, metrics.chunks) == (7, 7)
    assert metrics.e2e_s - metrics.ttft_s == pytest.approx(6 * metrics.tpot_s)
    assert metrics.itl_p99_s > 0.01, "each chunk brought one, told or not"


def test_ids_of_some_tokens_are_no_count_of_all(server: Loopback, playground: Playground) -> None:  # noqa: F811
    parts = [text("a", token_ids=[1]), text("b"), text("c", "stop")]
    target = ("--engine", "openai", "--url", server.url, "--no-history")
    for told, count in ([usage(3, 3)], 3), ([], None):
        server.answer = lambda handler, told=told: handler.events([*parts, *told, DONE], 0.02)
        summary = playground("run", "--prompt", "x", "--json", *target).summary
        (answer,) = summary["requests"]
        assert (answer["output_tokens"], answer["token_ids"], answer["text"]) == (count, [], "abc")
        assert summary["totals"]["output_tokens"] == count
