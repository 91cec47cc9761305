"""The screen is a fold over commands and events."""

from __future__ import annotations

import msgspec
import pytest

from playground.protocol.commands import GenerationRequest, LoadModel, SetOptions, Submit
from playground.protocol.events import (
    Failed,
    LoadCancelled,
    ModelLoaded,
    OptionsApplied,
    RequestFinished,
    RequestQueued,
    StepsExecuted,
    TokensGenerated,
    WorkerExited,
    WorkerReady,
)
from playground.protocol.metrics import Memory, RequestMetrics
from playground.protocol.model_facts import ModelFacts
from playground.protocol.options import EngineOptions
from playground.protocol.steps import SlotWork, Step
from playground.protocol.wire import AnyCommand, AnyEvent
from playground.session.recording import Entry
from playground.tui.actions.blocked import healthy
from playground.tui.advice import advice
from playground.tui.state.kv_capacity import request_id
from playground.tui.state.state import State
from playground.tui.toggles.switch_text import measured
from tests.tui.conftest import Story


def _fold(entries: list[Entry]) -> State:
    state = State()
    for entry in entries:
        state.add(entry.message, entry.t)
    return state


def _with(state: State, *messages: AnyCommand | AnyEvent, now: float = 2.0) -> State:
    for message in messages:
        state.add(message, now)
    return state


def _loaded(story: Story) -> ModelFacts:
    return next(entry.event.facts for entry in story("idle") if isinstance(entry.event, ModelLoaded))


def _submit(name: str) -> Submit:
    return Submit(requests=[GenerationRequest(request_id=name, prompt="p")])


@pytest.mark.parametrize(
    ("stage", "status"),
    [("loading", "loading"), ("idle", "idle"), ("streaming", "running"), ("switched", "running"), ("failed", "failed")],
)
def test_status_has_four_words(story: Story, stage: str, status: str) -> None:
    assert _fold(story(stage)).status == status


@pytest.mark.parametrize(("chosen", "words"), [("bfloat16", "it ran so already"), ("float32", "too few tokens before")])
def test_a_switch_to_what_auto_had_chosen_is_no_change(story: Story, chosen: str, words: str) -> None:
    state = _fold(story("idle"))
    state.toggles.effective["dtype"] = "bfloat16"
    options = msgspec.structs.replace(state.toggles.requested, dtype=chosen)
    effective, nothing = state.toggles.effective | {"dtype": chosen}, Memory()
    applied = OptionsApplied(
        changed=["dtype"], requested=options, effective=effective, before=nothing, after=nothing, cost="reload"
    )
    _with(state, applied)
    assert state.toggles.switch and words in "".join(line.plain for line in measured(state.toggles.switch, True, 44))


def test_changes_are_told_once(story: Story) -> None:
    state = _fold(story("streaming"))
    changes = state.take_changes()
    assert changes.started == list(state.requests.values())
    assert "".join(changes.texts["r1"]) == state.requests["r1"].text
    assert len(changes.steps) == 40
    again = state.take_changes()
    assert not (again.started or again.texts or again.steps or again.finished)


def test_requested_is_not_shown_as_effective(story: Story) -> None:
    state = _fold(story("switched"))
    assert state.toggles.requested.attention == "auto"
    assert state.toggles.effective["attention"] == "eager"
    assert state.toggles.reasons["attention"] == "eager alone reads codes"


def test_a_switch_is_measured_against_what_ran_before(story: Story) -> None:
    switch = _fold(story("switched")).toggles.switch
    assert switch and switch.changes == [("kv_cache", "model", "int8")]
    assert switch.applied.before.kv_used == 2 * switch.applied.after.kv_used
    before, after = switch.rates
    assert before and after
    assert before.tps == pytest.approx(1 / 0.003)
    assert after.tps == pytest.approx(1 / 0.00375)


def test_kv_in_use_follows_the_steps(story: Story) -> None:
    state = _fold(story("streaming"))
    assert state.last_step and state.memory.kv_used == state.last_step.kv_bytes == state.memory.kv_peak


def test_submission_is_put_on_the_engines_clock() -> None:
    state = _with(State(), WorkerReady(pid=1, role="engine", clock=100.0, capabilities=State().capabilities), now=1.5)
    _with(state, _submit("a"), now=2.0)
    _with(state, TokensGenerated(request_id="a", token_ids=[1], times=[101.0], text="x"), now=2.1)
    submitted = state.requests["a"].timer.submitted
    assert submitted == pytest.approx(100.9)  # the token came 0.1 s after the prompt was sent
    assert state.requests["a"].metrics.ttft_s == pytest.approx(0.1)


def test_times_do_not_move_when_a_request_ends() -> None:
    state = _with(State(), WorkerReady(pid=1, role="engine", clock=100.0, capabilities=State().capabilities), now=1.5)
    _with(state, _submit("a"), now=2.0)
    _with(state, RequestQueued(request_id="a", submitted=100.7, loaded=100.75, prompt_tokens=9), now=2.2)
    _with(state, WorkerReady(pid=1, role="engine", clock=100.8, capabilities=State().capabilities), now=2.2)
    _with(state, TokensGenerated(request_id="a", token_ids=[1], times=[101.0], text="x"), now=2.3)
    timer = state.requests["a"].timer
    assert (timer.submitted, timer.loaded) == (100.7, 100.75)
    metrics = state.requests["a"].metrics
    assert metrics.ttft_s == pytest.approx(0.3)
    assert (metrics.prompt_tokens, metrics.cached_tokens) == (9, None), "what the prefix cache held is told at the end"


def test_a_request_runs_from_its_first_slot_on() -> None:
    state = _with(State(), _submit("a"), _submit("b"))
    assert state.requests.running == []
    slots = [SlotWork(request_id="a", phase="prefill", tokens=9), SlotWork()]
    _with(state, StepsExecuted(steps=[Step(index=0, start=1.0, seconds=0.1, slots=slots, waiting=["b"])]))
    assert [each.request_id for each in state.requests.running] == ["a"]
    _with(state, TokensGenerated(request_id="b", token_ids=[1], times=[2.0], text="x"))
    assert [each.request_id for each in state.requests.running] == ["a"], "b has left the queue with the next step"
    _with(state, StepsExecuted(steps=[Step(index=1, start=2.0, seconds=0.1, slots=slots)]))
    assert [each.request_id for each in state.requests.running] == ["a", "b"]


def test_a_prompt_typed_before_the_worker_speaks_has_a_time_too() -> None:
    state = _with(State(), LoadModel(model="m"), _submit("a"), now=1.0)
    assert state.requests["a"].timer.submitted is None
    _with(state, WorkerReady(pid=1, role="engine", clock=55.0, capabilities=State().capabilities), now=5.0)
    assert state.requests["a"].timer.submitted == pytest.approx(51.0)


@pytest.mark.parametrize(
    ("end", "status", "said"),
    [
        (LoadCancelled(model="m"), "idle", "the load was stopped"),
        (Failed(where="LoadModel", message="no config", advice="pick another"), "failed", "could not be loaded"),
    ],
)
def test_prompts_that_waited_for_a_load_end_with_it(end: AnyEvent, status: str, said: str) -> None:
    state = _with(State(), LoadModel(model="m"), _submit("a"), end)
    finished = state.requests["a"].finished
    assert finished and finished.reason == "error" and said in finished.message
    assert state.status == status
    _with(state, Failed(where="Submit", message="no model is loaded"))
    assert [failure.where for failure in state.take_changes().failures] == ["LoadModel"] * (status == "failed")


def test_a_failed_load_can_be_followed_by_a_good_one(story: Story) -> None:
    state = _with(State(), LoadModel(model="m"), Failed(where="LoadModel", message="no"))
    loaded = next(entry.event for entry in story("idle") if isinstance(entry.event, ModelLoaded))
    assert _with(state, LoadModel(model="n"), loaded).status == "idle"


def test_a_load_that_left_the_model_before_in_place_is_no_failure_that_stays(story: Story) -> None:
    told = [entry.event for entry in story("idle") if isinstance(entry.event, ModelLoaded | OptionsApplied)]
    state = _with(_fold(story("idle")), LoadModel(model="n"), Failed(where="LoadModel", message="no"), *told)
    assert (state.status, state.facts) == ("idle", told[0].facts)


def test_death_ends_everything_and_a_new_worker_begins_anew(story: Story) -> None:
    state = _fold(story("failed"))
    assert state.facts is None and state.model.exited and not state.requests.unfinished
    _with(state, WorkerReady(pid=2, role="engine", clock=0.0, capabilities=State().capabilities), LoadModel(model="m"))
    assert state.status == "loading" and state.model.pid == 2


def test_the_first_end_of_a_request_is_the_one_that_counts() -> None:
    ends = [
        RequestFinished(request_id="a", reason=reason, metrics=RequestMetrics(prompt_tokens=1, output_tokens=1))
        for reason in ("abort", "error")
    ]
    state = _with(State(), LoadModel(model="m"), _submit("a"), *ends)
    assert state.requests["a"].finished is ends[0]
    assert state.take_changes().finished == [state.requests["a"]]


def test_a_refused_switch_leaves_the_toggles_as_they_were(story: Story) -> None:
    state = _fold(story("idle"))
    _with(state, SetOptions(changes={"weights": "int8"}))
    assert state.toggles.switching == ["weights"]
    _with(state, Failed(where="SetOptions", message="no room"))
    assert state.toggles.switching == [] and state.toggles.requested.weights == "model" and state.status == "idle"


def test_strangers_are_ignored() -> None:
    state = _with(State(), TokensGenerated(request_id="z", token_ids=[1], times=[1.0], text="x"))
    assert not state.requests
    _with(state, WorkerExited(code=1))
    assert state.status == "failed"


def test_the_last_steps_of_a_dead_engine_stay_until_another_model_is_loaded(story: Story) -> None:
    state = _fold(story("streaming"))
    state.take_changes()
    _with(state, *(entry.event for entry in story("failed")[len(story("streaming")) :] if entry.event))
    changes = state.take_changes()
    assert changes.died and not changes.unloaded and changes.steps
    state = _fold(story("failed"))
    state.take_changes()
    facts = msgspec.structs.replace(_loaded(story), path="m")
    _with(state, LoadModel(model="m"), ModelLoaded(facts=facts, capabilities=state.capabilities))
    again = state.take_changes()
    assert again.unloaded and again.steps == [] and not state.timeline.columns and state.toggles.switch is None


def test_a_failed_load_leaves_what_was_drawn_of_the_model_that_comes_back(story: Story) -> None:
    state = _fold(story("switched"))
    switch, columns = state.toggles.switch, list(state.timeline.columns)
    state.take_changes()
    _with(state, LoadModel(model="nosuch/model"), Failed(where="LoadModel", message="no"))
    loaded = ModelLoaded(facts=_loaded(story), capabilities=state.capabilities)
    _with(state, LoadModel(model="/models/tiny-coder"), loaded)
    assert not state.take_changes().unloaded
    assert switch and state.toggles.switch is switch and list(state.timeline.columns) == columns


def test_a_restarted_engine_is_loading(story: Story) -> None:
    state = _with(_fold(story("failed")), LoadModel(model="/models/tiny-coder"))
    assert state.status == "loading" and healthy(state) == "the engine is well"
    assert "being loaded" in advice(state)


@pytest.mark.parametrize("replayed", [False, True])
def test_a_trial_leaves_no_trace_among_the_prompts(story: Story, replayed: bool) -> None:
    state = _fold(story("switched"))
    columns = list(state.timeline.columns)
    state.take_changes()
    state.trial_running = not replayed  # its driver says so, and a replay has none
    _with(state, SetOptions(changes={"max_batch": 13}, measuring=replayed))
    options = EngineOptions(max_batch=13)
    _with(state, OptionsApplied(changed=["max_batch"], requested=options, effective={}))
    name = request_id(1, "int8", 0)
    _with(state, Submit(requests=[GenerationRequest(request_id=name, prompt_token_ids=[1, 2])]))
    slots = [SlotWork(request_id=name, phase="decode", tokens=1)] * 13
    _with(state, TokensGenerated(request_id=name, token_ids=[1], times=[9.0], text="x"))
    _with(state, StepsExecuted(steps=[Step(index=99, start=9.0, seconds=0.1, slots=slots)]))
    assert state.take_changes().steps == [] and list(state.timeline.columns) == columns
