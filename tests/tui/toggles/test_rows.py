"""Toggles come from the capability report; impossible values say why."""

from __future__ import annotations

import msgspec
import pytest

from playground.protocol.capabilities import Capabilities, ToggleSupport, ValueSupport
from playground.protocol.commands import SetOptions
from playground.protocol.conflicts import Conflict
from playground.protocol.events import OptionsApplied
from playground.protocol.options import TOGGLES, EngineOptions, as_text
from playground.tui.actions import ACTIONS
from playground.tui.state.state import State
from playground.tui.toggles.rows import candidate, candidates, flipped, rows
from tests.tui.conftest import Story


@pytest.fixture
def state(story: Story) -> State:
    state = State()
    for entry in story("idle"):
        if entry.event is not None:
            state.add_event(entry.event, entry.t)
    return state


def _apply(state: State, effective: dict[str, str] | None = None, **changes: object) -> None:
    options = EngineOptions(**changes)  # type: ignore[arg-type]
    state.add_command(SetOptions(changes={}), 0.0)
    shown = as_text(options) | (effective or {})
    state.add_event(OptionsApplied(changed=list(changes), requested=options, effective=shown), 0.0)


def test_every_toggle_has_a_row(state: State) -> None:
    assert [row.name for row in rows(state)] == list(TOGGLES)


def test_a_row_shows_what_is_used_and_flags_what_was_asked_for(state: State) -> None:
    _apply(state, {"attention": "eager"}, attention="sdpa-flash")
    row = next(row for row in rows(state) if row.name == "attention")
    assert (row.value, row.requested, row.differs) == ("eager", "sdpa-flash", True)


@pytest.mark.parametrize("ran", ["flash-varlen", "flash-varlen + sdpa-flash"])
def test_ragged_rows_run_what_was_asked_for_under_another_name(state: State, ran: str) -> None:
    for asked, differs in (("sdpa-flash", False), ("sdpa-math", True)):
        _apply(state, {"attention": ran}, attention=asked)
        row = next(row for row in rows(state) if row.name == "attention")
        assert (row.value, row.differs) == (ran, differs)


def test_what_the_engine_chose_itself_is_no_difference(state: State) -> None:
    row = next(row for row in rows(state) if row.name == "attention")
    assert (row.value, row.requested, row.differs) == ("sdpa-flash", "auto", False)


def test_a_toggle_that_the_engine_does_not_have_says_so(state: State) -> None:
    row = next(row for row in rows(state) if row.name == "compile")
    assert row.blocked == "the transformers engine does not have this toggle"
    assert candidates(state, "compile") == []


def test_greyed_values_carry_their_reason(state: State) -> None:
    reasons = {each.value: each.reason for each in candidates(state, "weights")}
    assert reasons == {"model": "", "int8": "", "fp8": "vLLM only"}


def test_numbers_go_in_powers_of_two_and_keep_what_was_typed(state: State) -> None:
    _apply(state, max_batch=6)
    values = [each.value for each in candidates(state, "max_batch")]
    assert values[:5] == ["1", "2", "4", "6", "8"] and values[-1] == "512"
    assert candidate(state, "max_batch", "6").parsed == 6


def test_keys_flip_between_two_values(state: State) -> None:
    assert flipped(state, "attention") == ("eager", "")
    assert flipped(state, "kv_cache") == ("int8", "")
    assert flipped(state, "weights") == ("int8", "")
    _apply(state, {"attention": "sdpa-efficient + sdpa-flash"})
    assert flipped(state, "attention") == ("eager", "")
    _apply(state, attention="eager", kv_cache="int8", weights="int8")
    assert flipped(state, "attention") == ("sdpa-flash", "")
    assert flipped(state, "kv_cache") == ("model", "")
    assert flipped(state, "weights") == ("model", "")


def test_a_flip_that_cannot_be_says_why() -> None:
    assert flipped(State(), "kv_cache")[1] == "the unloaded engine has no KV cache toggle"


def test_an_adapter_is_asked_for_by_its_folder_and_called_by_its_name() -> None:
    state = State()
    state.toggles.requested = EngineOptions(adapter="some/where/fixes")
    state.toggles.effective = {"adapter": "fixes", "adapter_facts": "LoRA, rank 4"}
    row = next(row for row in rows(state) if row.name == "adapter")
    assert (row.value, row.differs, row.reason) == ("fixes", False, "LoRA, rank 4")
    state.toggles.effective = {"adapter": "off"}
    assert next(row for row in rows(state) if row.name == "adapter").differs


def test_the_key_of_an_engine_without_int8_takes_the_8_bits_that_it_has() -> None:
    state = State()
    no = ValueSupport(value="int8", possible=False, reason="garbage")
    toggle = ToggleSupport(name="kv_cache", cost="reload", values=[no, ValueSupport(value="fp8")], seconds=3.5)
    state.capabilities = Capabilities(engine="vllm", toggles=[toggle])
    assert flipped(state, "kv_cache") == ("fp8", "")
    assert candidate(state, "kv_cache", "fp8").seconds == 3.5
    action = ACTIONS["flip_kv_cache"].on_engine(state)
    assert (action.label, action.description) == ("KV fp8", "KV cache: fp8 or as the model has it")
    _apply(state, kv_cache="fp8")
    assert ACTIONS["flip_kv_cache"].on_engine(state).label == "KV fp8" and flipped(state, "kv_cache")[0] == "model"
    assert ACTIONS["flip_weights"].on_engine(State()).label == "int8" and ACTIONS["flip_weights"].label == "int8"


def test_rebuild_is_there_only_where_something_was_lost():
    state = State()
    state.toggles.effective = {"kv_cache": "model"}
    assert "no request" in ACTIONS["rebuild"].blocked(state)
    state.toggles.effective = {"kv_cache": "model (from int2)"}
    assert ACTIONS["rebuild"].blocked(state) == ""


def test_a_pair_that_does_not_go_together_greys_either_value_while_the_other_stands(state: State) -> None:
    pair = Conflict("speculation", "lookup", "batching", "static", "rows advance together")
    state.capabilities = msgspec.structs.replace(
        state.capabilities,
        toggles=[*state.capabilities.toggles, ToggleSupport(name="speculation", cost="instant", values=[])],
        conflicts=[pair],
    )
    assert not candidate(state, "batching", "static").reason and not candidate(state, "speculation", "lookup:3").reason
    _apply(state, speculation="lookup:4")
    assert candidate(state, "batching", "static").reason == (
        "it does not go with speculation=lookup: rows advance together"
    )
    assert not candidate(state, "batching", "continuous").reason
    _apply(state, batching="static")
    assert candidate(state, "speculation", "lookup:2").reason == (
        "it does not go with batching=static: rows advance together"
    )


def test_the_key_of_a_value_that_does_not_go_with_another_says_so(state: State) -> None:
    pair = Conflict("compile", "on", "weights", "int8", "outliers break the graph")
    state.capabilities = msgspec.structs.replace(state.capabilities, conflicts=[pair])
    _apply(state, compile=True)
    assert flipped(state, "weights")[1] == (
        "weights cannot be int8: it does not go with compile=on: outliers break the graph"
    )
