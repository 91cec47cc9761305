"""Prompts that cannot be served give the reason; odd ones are served, and do not affect other requests."""

from __future__ import annotations

import time

import pytest

from playground.protocol.commands import (
    ChatMessage,
    GenerationRequest,
    MeasureOutliers,
    SamplingParams,
    Submit,
    Tokenize,
)
from playground.protocol.events import TokensGenerated
from tests.engine.transformers import checkpoints
from tests.engine.transformers.faults.live_worker import request

MEGABYTE = "def add(a, b): return a + b\n" * 37_500


@pytest.fixture(scope="module")
def loaded(worker, tmp_path_factory):
    """A model with a context of 256 tokens and a vocabulary of 2048."""
    worker.load(checkpoints.make(tmp_path_factory.mktemp("prompts") / "model"))
    return worker


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("", "the prompt is empty; type something first"),
        ([], "the prompt is empty; type something first"),
        ("word " * 400, "tokens and the model's context is 256; shorten it"),
        (MEGABYTE, "tokens and the model's context is 256; shorten it"),
        ([5, 2048], "token id 2048 is not in the vocabulary of 2048"),
        ([-1], "token id -1 is not in the vocabulary of 2048"),
        ([10**30], f"token id {10**30} is not in the vocabulary of 2048"),
    ],
    ids=["empty", "no ids", "too long", "1 MB", "id too high", "id below zero", "huge id"],
)
def test_a_prompt_that_cannot_be_served(loaded, prompt, said):
    end = loaded.finish(request("refused", prompt))[0]
    assert end.reason == "error" and end.message.endswith(said)


def test_a_text_that_cannot_be_measured_or_tokenized_is_told_as_a_prompt_is(loaded):
    assert loaded.refusal(MeasureOutliers(prompt="")) == "the prompt is empty; type something first"
    chat = Tokenize(key="t", texts=["hello"], chat=True)
    assert loaded.refusal(chat) == "this model has no chat template; use base mode"


@pytest.mark.parametrize(
    "prompt",
    [
        " ",
        " \n\t ",
        "\0\x01\x07\x7f",
        "\x1b[31mred\x1b]0;title\x07\x9b2J",
        "[bold red]x[/] [/nothing]",
        "a\udcffb\ud83d",
    ],
    ids=["blank", "white space", "control", "escapes", "markup", "lone surrogates"],
)
def test_an_odd_prompt_is_served(loaded, prompt):
    end = loaded.finish(request("odd", prompt))[0]
    assert (end.reason, end.metrics.output_tokens) == ("length", 8)


def test_chat_without_a_template(loaded):
    message = ChatMessage(role="user", content="hello")
    end = loaded.finish(GenerationRequest(request_id="chat", messages=[message]))[0]
    assert end.message == "this model has no chat template; use base mode"


def test_a_request_of_nothing_is_refused(loaded):
    assert loaded.finish(request("none", max_tokens=0))[0].message == "max_tokens must be at least 1"


def test_the_longest_prompt_that_fits_is_served(loaded):
    end = loaded.finish(request("longest", [7] * 255, max_tokens=50))[0]
    assert (end.reason, end.metrics.output_tokens) == ("length", 1)


def test_a_refused_neighbour_changes_no_answer(loaded):
    def tokens(name):
        events = [event for event in loaded.of(TokensGenerated) if event.request_id == name]
        return [token_id for event in events for token_id in event.token_ids]

    loaded.finish(request("alone", max_tokens=40))
    ends = loaded.finish(request("together", max_tokens=40), request("bad", [9999]), request("empty", ""))
    assert [end.reason for end in ends] == ["length", "error", "error"]
    assert tokens("alone") == tokens("together") and len(tokens("alone")) == 40


def test_a_megabyte_does_not_stop_what_streams(loaded):
    loaded.send(Submit(requests=[request("streaming", max_tokens=200)]))
    loaded.wait(TokensGenerated)
    started = time.monotonic()
    loaded.send(Submit(requests=[request("paste", MEGABYTE)]))
    assert loaded.wait_end("paste").reason == "error"
    assert time.monotonic() - started < 10
    assert loaded.wait_end("streaming").reason == "length"


def test_text_of_a_stop_string_and_sampling_at_its_limits(loaded):
    params = SamplingParams(
        max_tokens=4, temperature=10.0, top_k=1, top_p=1e-9, min_p=1.0, repetition_penalty=2.0, seed=0
    )
    odd = GenerationRequest(request_id="limits", prompt="x", sampling=params)
    assert loaded.finish(odd)[0].reason in ("length", "stop")
