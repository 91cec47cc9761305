"""Request bodies: our parameters as each kind of server takes them."""

from __future__ import annotations

import pytest

from playground.engine.admission import Refused
from playground.engine.backends.openai_server.body import DEFAULTS, body_of
from playground.engine.backends.openai_server.server import UNKNOWN, server_of
from playground.protocol.commands import ChatMessage, GenerationRequest, SamplingParams

OPENAI = {"model", "stream", "stream_options", "max_tokens", "temperature", "top_p", "prompt"}


def asked(sampling: SamplingParams = DEFAULTS, **words) -> GenerationRequest:
    return GenerationRequest(request_id="r", sampling=sampling, **(words or {"prompt": "def"}))


def test_a_server_that_is_not_known_gets_openais_words_alone():
    path, body = body_of(asked(SamplingParams(max_tokens=9)), "m", UNKNOWN)
    assert (path, set(body)) == ("/completions", OPENAI)
    assert (body["max_tokens"], body["temperature"], body["stream_options"]) == (9, 0.0, {"include_usage": True})


def test_vllm_gets_ours_and_is_asked_for_token_ids():
    sampling = SamplingParams(top_k=5, min_p=0.1, repetition_penalty=1.2, ignore_eos=True, seed=7, stop=["\n"])
    _, body = body_of(asked(sampling), "m", server_of("vllm"))
    assert set(body) == OPENAI | {"top_k", "min_p", "repetition_penalty", "ignore_eos", "seed", "stop"} | {
        "return_token_ids"
    }
    assert (body["top_k"], body["seed"], body["return_token_ids"]) == (5, 7, True)


def test_off_is_written_as_the_server_wants_it():
    assert body_of(asked(), "m", server_of("sglang"))[1]["top_k"] == -1
    assert body_of(asked(), "m", server_of("vllm"))[1]["top_k"] == 0


def test_chat_and_token_ids_go_their_own_ways():
    path, body = body_of(asked(messages=[ChatMessage(role="user", content="hi")]), "m", UNKNOWN)
    assert (path, body["messages"]) == ("/chat/completions", [{"role": "user", "content": "hi"}])
    assert body_of(asked(prompt_token_ids=[1, 2]), "m", UNKNOWN)[1]["prompt"] == [1, 2]


@pytest.mark.parametrize("name", ["top_k", "min_p", "repetition_penalty", "ignore_eos"])
def test_what_a_server_does_not_take_is_refused_by_name(name):
    value = {"top_k": 3, "min_p": 0.5, "repetition_penalty": 1.5, "ignore_eos": True}[name]
    with pytest.raises(Refused, match=f"takes no {name}"):
        body_of(asked(SamplingParams(**{name: value})), "m", UNKNOWN)
