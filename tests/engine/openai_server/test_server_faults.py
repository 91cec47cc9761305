"""Faults of a server, each with the line that a user reads."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from playground.engine.backends.base import EngineError
from playground.engine.backends.openai_server.address import read_address
from playground.protocol.commands import Abort, MeasureOutliers, Score, SetOptions, Submit, Tokenize
from playground.protocol.events import Tokenized, TokensGenerated
from playground.protocol.server import ServerMeasured
from tests.cli.conftest import Playground, home, playground  # noqa: F401
from tests.engine.openai_server.conftest import KEY, asked, ending
from tests.engine.openai_server.loopback import DONE, event, loopback, text, usage
from tests.engine.transformers.faults.live_worker import load_command


def test_a_server_that_is_down_is_told_in_one_line(worker):
    with socket.socket() as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{taken.getsockname()[1]}"
        line = worker.refused(f"http://{host}/v1")
    assert line == f"{host} refused the connection; start the server, or look at --url"


def test_a_server_that_speaks_no_tls_is_told(worker, server):
    line = worker.refused(server.url.replace("http://", "https://"))
    assert line.startswith(f"{server.host} makes no safe connection: ") and "; does it speak http:// alone? " in line


def test_a_host_without_a_name_is_told(worker):
    line = worker.refused("http://no-such-host.invalid/v1")
    assert line.startswith("no-such-host.invalid is not there: ")


def test_a_server_that_accepts_and_says_nothing_times_out(worker):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        host = f"127.0.0.1:{silent.getsockname()[1]}"
        line = worker.refused(f"http://{host}/v1", timeout_s=0.5)
    assert line == (
        f"nothing came from {host} for 0.5 s; it may be busy; [engines.openai] timeout_s in the settings"
        " lets it take longer"
    )


def _greet(listener: socket.socket) -> None:
    """As a mail server does."""
    connection, _ = listener.accept()
    with connection:
        connection.recv(4096)
        connection.sendall(b"220 mail.example ESMTP\r\n500 what?\r\n\r\n")
        connection.recv(4096)  # until the other side hangs up


def test_a_port_that_another_program_has_taken_is_told(worker):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        host = f"127.0.0.1:{taken.getsockname()[1]}"
        thread = threading.Thread(target=_greet, args=(taken,))
        thread.start()
        line = worker.refused(f"http://{host}/v1")
        thread.join()
    assert line == f"what answers at {host} speaks no HTTP; is --url an OpenAI-compatible server?"


def test_a_slow_first_byte_is_waited_for_only_as_long_as_was_said(worker, server):
    server.answer = lambda handler: time.sleep(3)
    worker.load("", url=server.url, timeout_s=0.5)
    began = time.monotonic()
    (end,) = worker.finish(asked("slow"))
    assert time.monotonic() - began < 2.5
    assert (end.reason, end.message.partition(";")[0]) == ("error", f"nothing came from {server.host} for 0.5 s")


def test_silence_is_counted_from_what_came_last_and_not_from_the_start(worker, server):
    def parts() -> Iterator[bytes]:
        for _ in range(4):
            yield text("word ")
            time.sleep(0.25)
        time.sleep(3)

    server.answer = lambda handler: handler.events(parts())
    worker.load("", url=server.url, timeout_s=0.6)
    (end,) = worker.finish(asked("silent"))
    assert (end.reason, end.message.partition(";")[0]) == ("error", f"nothing came from {server.host} for 0.6 s")
    assert worker.text("silent") == "word " * 4


def test_a_server_that_dies_in_the_middle_of_an_answer_ends_the_request_with_what_came(worker, server):
    end = ending(worker, server, "dies", lambda handler: handler.events([text("def"), text(" add")], whole=False))
    assert end.reason == "error"
    assert end.message == (
        f"{server.host} ended the connection before the answer was whole; look at the server's own log"
    )
    assert worker.text("dies") == "def add"


def test_a_stream_that_stops_without_an_end_is_no_whole_answer(worker, server):
    end = ending(worker, server, "short", lambda handler: handler.events([text("def"), text(" add")]))
    assert (end.reason, end.message.partition(";")[0]) == (
        "error",
        f"{server.host} ended the connection before the answer was whole",
    )


@pytest.mark.parametrize(
    ("status", "body", "line"),
    [
        (
            401,
            {"error": {"message": "Incorrect API key", "type": "x"}},
            "answered 401: Incorrect API key; set OPENAI_API_KEY to a key that this server takes",
        ),
        (
            404,
            {"detail": "Not Found"},
            "answered 404: Not Found; look at the path of --url (it mostly ends in /v1) and at the model's name",
        ),
        (
            422,
            {"detail": [{"loc": ["body", "top_k"], "msg": "no such field"}]},
            'answered 422: [{"loc":["body","top_k"],"msg":"no such field"}];'
            " the server's own words say what it does not take",
        ),
        (
            429,
            {"error": "slow down"},
            "answered 429: slow down; the server limits how much may be asked: wait, or ask for less at once",
        ),
        (500, {"message": "CUDA error"}, "answered 500: CUDA error; look at the server's own log"),
    ],
)
def test_each_status_is_told_with_the_servers_own_words(worker, server, status, body, line):
    end = ending(worker, server, f"http{status}", lambda handler: handler.json(body, status))
    assert (end.reason, end.message) == ("error", f"{server.host} {line}")


def test_a_body_that_is_no_utf8_is_told_as_text(worker, server):
    end = ending(worker, server, "bytes", lambda handler: handler.raw(b'{"error": "\xff"}', 500, "application/json"))
    assert end.message == f'{server.host} answered 500: {{"error": "\ufffd"}}; look at the server\'s own log'


def test_a_status_while_loading_is_told_too(worker, server):
    server.models = None
    server.answer = lambda handler: handler.raw(b"<html><body>gateway</body></html>", 502, "text/html")
    assert worker.refused(server.url) == f"{server.host} answered 502; look at the server's own log"


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("json", [text("def"), b"data: {not json\n\n"]),
        ("kind", [text("def"), b'data: {"choices": 3}\n\n']),
        ("list", [b"data: []\n\n"]),
    ],
)
def test_malformed_events_end_the_request(worker, server, name, parts):
    end = ending(worker, server, f"malformed-{name}", lambda handler: handler.events([*parts, DONE]))
    assert end.reason == "error"
    assert end.message.startswith(f"{server.host} sent what is no answer: ")
    assert end.message.endswith("; is --url an OpenAI-compatible server?")


def test_an_answer_that_is_no_stream_is_told(worker, server):
    end = ending(worker, server, "plain", lambda handler: handler.json({"choices": [{"text": "hello"}]}))
    assert end.message.startswith(
        f"{server.host} sent what is no answer: application/json instead of text/event-stream"
    )


def test_what_is_not_packed_as_it_says_is_no_answer(worker, server):
    headers = {"Content-Encoding": "gzip"}
    end = ending(worker, server, "gzip", lambda handler: handler.raw(b"plain", 200, "text/event-stream", **headers))
    assert end.message.startswith(f"{server.host} sent what is no answer: ") and "gzip" in end.message


def test_an_error_within_a_stream_is_told(worker, server):
    fault = event(error={"message": "out of blocks", "code": 500})
    end = ending(worker, server, "inner", lambda handler: handler.events([text("def"), fault, DONE]))
    assert (end.reason, "an error instead of an answer: out of blocks" in end.message) == ("error", True)


def test_a_character_cut_between_two_parts_is_whole(worker, server):
    whole = event(choices=[{"index": 0, "text": "é€😀", "finish_reason": "stop"}])
    whole = whole.replace(b"\\u00e9\\u20ac\\ud83d\\ude00", "é€😀".encode())
    parts = [whole[at : at + 1] for at in range(len(whole))]
    end = ending(worker, server, "cut", lambda handler: handler.events([*parts, DONE]))
    assert (end.reason, worker.text("cut")) == ("stop", "é€😀")


def test_without_usage_chunks_are_counted_and_never_called_tokens(worker, server):
    first_came = threading.Event()

    def parts() -> Iterator[bytes]:
        yield text("a")
        first_came.wait(20)
        yield text("b", "stop") + DONE

    server.answer = lambda handler: handler.events(parts())
    worker.connect(server.url)
    worker.send(Submit(requests=[asked("chunks")]))
    worker.wait(TokensGenerated)
    first_came.set()
    metrics = worker.wait_end("chunks").metrics
    assert (metrics.chunks, metrics.output_tokens) == (2, 0)
    assert (metrics.tpot_s, metrics.decode_tps, metrics.itl_p50_s) == (None, None, None)
    assert 0 < metrics.ttft_s < metrics.e2e_s
    assert [piece.token_ids for piece in worker.pieces("chunks")] == [[]] * len(worker.pieces("chunks"))


def test_with_usage_alone_the_servers_count_is_the_number_of_tokens(worker, server):
    parts = [text("three tok"), text("ens"), text("", "length"), usage(7, 5), DONE]
    end = ending(worker, server, "usage", lambda handler: handler.events(parts, 0.1))
    metrics = end.metrics
    assert (end.reason, metrics.prompt_tokens, metrics.output_tokens, metrics.chunks) == ("length", 7, 5, 2)
    assert metrics.tpot_s == pytest.approx((metrics.e2e_s - metrics.ttft_s) / 4)
    assert metrics.itl_p50_s is None  # two chunks were five tokens: their gaps are nobody's


def test_ids_are_taken_from_logprobs_where_they_stand_there(worker, server):
    chunk = text("ab", "stop", logprobs={"tokens": ["token_id:11", "token_id:12"], "token_logprobs": [0, 0]})
    end = ending(worker, server, "logprobs", lambda handler: handler.events([chunk, DONE]))
    assert [piece.token_ids for piece in worker.pieces("logprobs")] == [[11, 12]]
    assert (end.metrics.output_tokens, end.metrics.chunks) == (2, 0)


def test_a_wrong_model_name_lists_those_that_exist(worker, server):
    server.models = {"data": [{"id": "one"}, {"id": "two"}]}
    assert worker.refused(server.url, "three") == "the server has no model three; there are: one, two"
    assert worker.refused(server.url) == "the server has 2 models; name one of: one, two"
    server.models = {"data": []}
    assert worker.refused(server.url) == "the server lists no model; is one loaded there?"


def test_a_redirect_to_another_host_is_refused_and_nothing_is_sent_there(worker, server):
    with loopback() as other:
        there = f"{other.url}/completions"
        end = ending(worker, server, "redirect", lambda handler: handler.json({}, 307, Location=there))
        assert end.message == (
            f"{server.host} redirects to {there}, which is refused; give --url the address that is meant"
        )
        assert other.seen == []


@pytest.mark.parametrize(
    ("answer", "printed", "said"),
    [
        (None, "", "{host} refused the connection; start the server, or look at --url"),
        (
            lambda handler: handler.json({"error": {"message": "Incorrect API key"}}, 401),
            "",
            "r0: {host} answered 401: Incorrect API key; set OPENAI_API_KEY to a key that this server takes",
        ),
        (
            lambda handler: handler.events([text("def"), text(" add")], whole=False),
            "def add",
            "r0: {host} ended the connection before the answer was whole; look at the server's own log",
        ),
    ],
    ids=["down", "key", "dies"],
)
def test_run_says_it_in_its_last_line_and_fails(server, playground: Playground, answer, printed, said):  # noqa: F811
    host, url = server.host, server.url
    if answer is None:
        server.shutdown()
        server.socket.close()
    else:
        server.answer = answer
    result = playground("run", "--engine", "openai", "--url", url, "--prompt", "def add(a, b):", "--no-history")
    assert (result.code, result.stderr.splitlines()[-1]) == (1, f"playground: {said.format(host=host)}")
    assert "Traceback" not in result.stderr
    assert printed in result.stdout


def test_control_characters_and_markup_of_a_server_are_words_on_one_line(worker, server):
    hostile = "\x1b]0;owned\x07\x1b[31m[bold]stop[/]\r\nnow\u202e"
    end = ending(worker, server, "hostile", lambda handler: handler.json({"error": {"message": hostile}}, 500))
    assert end.message == f"{server.host} answered 500: ]0;owned [31m[bold]stop[/] now; look at the server's own log"
    server.models = {"data": [{"id": "a\x1b[2Jb"}, {"id": "c"}]}
    assert worker.refused(server.url) == "the server has 2 models; name one of: a [2Jb, c"


def test_a_stop_closes_the_connection_at_once(worker, server):
    server.answer = lambda handler: handler.events([text("word ")] * 2000, 0.01)
    worker.connect(server.url)
    worker.send(Submit(requests=[asked("stopped", max_tokens=2000)]))
    worker.wait(TokensGenerated)
    began = time.monotonic()
    worker.send(Abort(request_id="stopped"))
    assert worker.wait_end("stopped").reason == "abort"
    assert server.left.wait(5)
    assert time.monotonic() - began < 1.0


def test_a_metrics_page_that_fails_is_unknown_until_the_next_request_looks_again(worker, server):
    server.models = {"data": [{"id": "small", "owned_by": "vllm"}]}
    fails = threading.Event()

    def answer(handler) -> None:
        if handler.path == "/v1/completions":
            handler.events([text("x ", token_ids=[5])] * 15 + [text("", "stop"), DONE], 0.1)
        elif fails.is_set():
            handler.json({}, 500)
        else:
            handler.raw(b"vllm:num_requests_running 3.0\n")

    server.answer = answer
    worker.connect(server.url)
    assert worker.of(ServerMeasured)[-1].running == 3
    for broken, running in ((True, None), (False, 3)):
        (fails.set if broken else fails.clear)()
        worker.send(Submit(requests=[asked(f"page{broken}")]))
        worker.wait(ServerMeasured, when=lambda told, running=running: told.running == running)
        worker.wait_end(f"page{broken}")


def test_several_answers_come_side_by_side(worker, server):
    server.answer = lambda handler: handler.events([text("x")] * 9 + [text("x", "length"), usage(1, 10), DONE], 0.05)
    worker.connect(server.url)
    began = time.monotonic()
    ends = worker.finish(*(asked(f"side{index}") for index in range(6)))
    assert time.monotonic() - began < 2.0  # one after the other takes three seconds
    assert [end.metrics.output_tokens for end in ends] == [10] * 6


def test_what_openais_api_does_not_have_is_refused_by_name(worker, server):
    worker.connect(server.url)
    (end,) = worker.finish(asked("topk", top_k=5))
    assert end.message == "this server takes no top_k: it is not in OpenAI's API; leave --top-k out"
    (end,) = worker.finish(asked("empty", "  "))
    assert end.message == "the prompt is empty; type something first"
    assert server.bodies("/v1/completions") == []


@pytest.mark.parametrize(
    ("command", "line"),
    [
        (SetOptions(changes={"kv_cache": "int8"}), "kv_cache cannot change: a server keeps what it was started with"),
        (Score(key="k", token_ids=[1, 2]), "a server shows no logits to score with"),
        (Tokenize(key="k", texts=["a"]), "this server does not lend its tokenizer"),
        (MeasureOutliers(prompt="a"), "a server shows no input columns"),
    ],
)
def test_what_only_the_servers_owner_can_do_is_refused(worker, server, command, line):
    worker.connect(server.url)
    assert worker.refusal(command).startswith(line)


def test_a_message_is_tokenized_through_the_servers_chat_template(worker, server):
    server.models = {"data": [{"id": "small", "owned_by": "vllm"}]}
    server.answer = lambda handler: handler.json({"tokens": [1, 2]})
    worker.connect(server.url)
    worker.send(Tokenize(key="k", texts=["hi"], chat=True))
    assert worker.wait(Tokenized).token_ids == [[1, 2]]
    assert server.bodies("/tokenize") == [{"model": "small", "messages": [{"role": "user", "content": "hi"}]}]


def test_toggles_asked_for_at_the_start_are_refused(worker, server):
    line = worker.refusal(load_command("", url=server.url, kv_cache="int8"))
    assert line == "kv_cache is not possible: a server keeps what it was started with; leave it out"


def test_the_key_goes_into_the_header_alone(worker, server):
    server.answer = lambda handler: handler.events([text("x", "stop"), DONE])
    worker.connect(server.url)
    worker.finish(asked("key"))
    assert {headers["Authorization"] for _, _, headers, _ in server.seen} == {f"Bearer {KEY}"}
    assert KEY not in repr(worker.events) + worker.log.read_text()


@pytest.mark.parametrize(
    "url",
    ["", "host:8000", "ftp://host/v1", "http://", "http://host:99999/v1", "http://key@host/v1", "http://h/v1?k=1"],
)
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(EngineError):
        read_address(url)
