"""The weights trial of the Inside screen: its answers are neither in the conversation nor on the board."""

from __future__ import annotations

from playground.protocol.commands import GenerationRequest, Submit
from playground.protocol.events import Failed, RequestFinished, TokensGenerated
from playground.protocol.metrics import NO_METRICS
from playground.tui.state.load_profile import run_kind
from playground.tui.state.state import State
from playground.tui.state.weights_answers import request_id

NAME = request_id(1, "int8")
SUBMITTED = Submit(requests=[GenerationRequest(request_id=NAME, prompt="def add(a, b):")])


def test_an_answer_of_the_trial_is_not_in_the_conversation() -> None:
    state = State()
    state.add_command(SUBMITTED, 0.0)
    state.add_event(TokensGenerated(request_id=NAME, token_ids=[1], times=[0.0], text="x"), 0.1)
    assert list(state.inside.weights) == [NAME] and state.inside.weights[NAME] is None
    finished = RequestFinished(request_id=NAME, reason="length", metrics=NO_METRICS)
    state.add_event(finished, 0.2)
    assert state.inside.weights[NAME] == finished
    assert not state.requests and not state.timeline.columns
    assert run_kind(SUBMITTED) == "weights", "the history says what it was"


def test_a_request_that_is_refused_is_waited_for_no_longer() -> None:
    state = State()
    state.add_command(SUBMITTED, 0.0)
    state.add_event(Failed(where="Submit", message="too long"), 0.1)
    assert not state.inside.weights
