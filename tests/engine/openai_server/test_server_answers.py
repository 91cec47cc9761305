"""What servers write in a stream, odd or not, and what becomes of it in an answer."""

from __future__ import annotations

import pytest

from tests.engine.openai_server.conftest import ServerWorker, asked, ending
from tests.engine.openai_server.loopback import DONE, Loopback, event, text, usage

STOPS = ["\nclass", "\nif", "\n#", "\nprint", "\n@", "\nimport", "\ndef", "<|end|>"]


def answered(worker: ServerWorker, server: Loopback, name: str, *parts: bytes) -> tuple[str, str, str]:
    """Reason, message and text of the answer in these parts."""
    end = ending(worker, server, name, lambda handler: handler.events(parts))
    return end.reason, end.message, worker.text(name)


def test_an_event_called_error_ends_the_request(worker: ServerWorker, server: Loopback) -> None:
    fault = b"event: error\n" + event(message="overloaded", type="overloaded_error")
    reason, message, words = answered(worker, server, "named", text("def"), fault, DONE)
    said = f"{server.host} sent an error instead of an answer: overloaded; look at the server's own log"
    assert (reason, message, words) == ("error", said, "def")


@pytest.mark.parametrize(
    "data",
    [
        b'{"error": {"message": "out of room", "code": 500}}',
        b'{"type": "error", "error": "out of room"}',
        b"out of room",
    ],
)
def test_an_error_says_its_message_however_it_is_wrapped(worker: ServerWorker, server: Loopback, data: bytes) -> None:
    fault = b"event: error\ndata: %b\n\n" % data
    reason, message, _ = answered(worker, server, f"wrapped {data[:9]!r}", text("def"), fault, DONE)
    assert reason == "error" and message.endswith(
        "an error instead of an answer: out of room; look at the server's own log"
    )


def test_an_error_that_stands_for_a_chunk_ends_the_request(worker: ServerWorker, server: Loopback) -> None:
    fault = event(object="error", message="out of blocks", code=500)
    reason, message, _ = answered(worker, server, "bare", text("def"), fault, DONE)
    assert reason == "error" and "an error instead of an answer: out of blocks;" in message


def test_an_end_without_anything_before_it_is_no_answer(worker: ServerWorker, server: Loopback) -> None:
    reason, message, _ = answered(worker, server, "nothing", DONE)
    assert reason == "error" and "neither text nor a finish reason" in message
    assert answered(worker, server, "empty", text("", "stop"), DONE) == ("stop", "", "")
    assert answered(worker, server, "endless", text("def"), DONE) == ("stop", "", "def")


@pytest.mark.parametrize(
    "odd",
    [
        {"prompt_tokens": 5.0, "completion_tokens": 2.0},
        {"prompt_tokens": "5", "prompt_tokens_details": {"cached_tokens": "3"}},
        {"prompt_tokens_details": [1]},
        [5, 2],
    ],
)
def test_an_odd_usage_costs_no_answer(worker: ServerWorker, server: Loopback, odd: object) -> None:
    parts = [text("def"), text(" add", "length"), event(choices=[], usage=odd), DONE]
    assert answered(worker, server, f"odd{odd}", *parts) == ("length", "", "def add")


def test_a_byte_that_is_no_utf8_is_marked_in_the_text(worker: ServerWorker, server: Loopback) -> None:
    chunk = text("a?b", "stop").replace(b"?", b"\xff")
    assert answered(worker, server, "bytes", chunk, DONE) == ("stop", "", "a\ufffdb")


def test_a_byte_order_mark_costs_no_text(worker: ServerWorker, server: Loopback) -> None:
    whole = b"\xef\xbb\xbf" + text("def") + text(" add", "stop")
    assert answered(worker, server, "mark", whole, DONE) == ("stop", "", "def add")
    cut = [whole[at : at + 1] for at in range(len(whole))]
    assert answered(worker, server, "cut mark", *cut, DONE) == ("stop", "", "def add")


@pytest.mark.parametrize("word", ["null", ""])
def test_a_finish_reason_that_is_none_in_words_ends_nothing(worker: ServerWorker, server: Loopback, word: str) -> None:
    answer = lambda handler: handler.events([text("a", word)] * 6 + [text("b", "length"), DONE], 0.5)  # noqa: E731
    end = ending(worker, server, f"word{word}", answer)
    assert (end.reason, worker.text(f"word{word}")) == ("length", "aaaaaab"), "for longer than a usage is waited for"


@pytest.mark.parametrize(
    ("reason", "end", "said"),
    [
        ("eos_token", "stop", ""),
        ("max_tokens", "length", ""),
        ("CONTENT_FILTER", "error", "the server's content filter ended the answer; other words may pass it"),
        ("tool_calls", "error", "the model called a tool instead of answering; none is offered, so ask again"),
        (
            "insufficient_resource",
            "error",
            "the server ended the answer, and says 'insufficient_resource'; look at its own log",
        ),
    ],
)
def test_other_finish_reasons_are_told(
    worker: ServerWorker, server: Loopback, reason: str, end: str, said: str
) -> None:
    assert answered(worker, server, reason, text("def"), text("", reason), DONE) == (end, said, "def")


def test_a_refusal_is_text_of_the_answer(worker: ServerWorker, server: Loopback) -> None:
    parts = [event(choices=[{"index": 0, "delta": {"refusal": word}}]) for word in ("I ", "cannot")]
    end = event(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}])
    assert answered(worker, server, "refusal", *parts, end, DONE) == ("stop", "", "I cannot")


def test_only_the_first_of_several_answers_is_taken(worker: ServerWorker, server: Loopback) -> None:
    parts = [event(choices=[{"index": index, "text": word}]) for word in "ab" for index in (1, 0)]
    ends = [event(choices=[{"index": index, "text": "", "finish_reason": "stop"}]) for index in (1, 0)]
    assert answered(worker, server, "several", *parts, *ends, DONE) == ("stop", "", "ab")


def test_a_character_cut_between_two_chunks_is_whole(worker: ServerWorker, server: Loopback) -> None:
    assert answered(worker, server, "pair", text("a\ud83d"), text("\ude00b", "stop"), DONE) == ("stop", "", "a😀b")
    assert answered(worker, server, "half", text("a\ud83d"), text("b", "stop"), DONE) == ("stop", "", "a\ufffdb")


def test_more_stops_than_servers_take_are_applied_here(worker: ServerWorker, server: Loopback) -> None:
    server.answer = lambda handler: handler.events([text("x = 1\n"), text("de"), text("f"), text("gh")] * 99, 0.01)
    worker.connect(server.url)
    (end,) = worker.finish(asked("stops", stop=STOPS))
    assert server.bodies("/v1/completions")[0]["stop"] == STOPS[:4]
    assert (end.reason, end.message, worker.text("stops")) == ("stop", "", "x = 1")
    assert server.left.wait(5), "the connection is closed"


def test_what_may_begin_a_stop_is_shown_when_the_answer_ends(worker: ServerWorker, server: Loopback) -> None:
    server.answer = lambda handler: handler.events([text("x = 1\n"), text("de", "length"), DONE])
    worker.connect(server.url)
    (end,) = worker.finish(asked("begun", stop=STOPS))
    assert (end.reason, worker.text("begun")) == ("length", "x = 1\nde")


def test_tokens_that_all_came_at_once_have_no_speed(worker: ServerWorker, server: Loopback) -> None:
    metrics = ending(
        worker, server, "once", lambda handler: handler.events([text("abc", "length"), usage(7, 5), DONE])
    ).metrics
    assert (metrics.output_tokens, metrics.tpot_s, metrics.decode_tps, metrics.itl_p50_s) == (5, None, None, None)


def test_comments_are_silence(worker: ServerWorker, server: Loopback) -> None:
    server.answer = lambda handler: handler.events([text("def"), *[b": ping\n\n"] * 200], 0.05)
    worker.load("", url=server.url, timeout_s=0.6)
    (end,) = worker.finish(asked("pings"))
    assert (end.reason, end.message.partition(";")[0]) == ("error", f"nothing came from {server.host} for 0.6 s")
