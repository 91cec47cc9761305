"""What a stream of commands and events comes to."""

from __future__ import annotations

from playground.protocol.capabilities import Capabilities
from playground.protocol.commands import LoadModel
from playground.protocol.events import Failed, ModelLoaded
from playground.protocol.options import EngineOptions, as_text
from playground.session.fold import Fold, unmet
from playground.session.recording import Entry
from tests.model_facts import TINY_CODER

LOADED = ModelLoaded(
    facts=TINY_CODER,
    capabilities=Capabilities(engine="scripted", devices=[], toggles=[]),
)


def test_the_seconds_of_a_load_are_of_what_was_asked_for_and_not_of_a_later_switch() -> None:
    fold = Fold()
    fold.add(Entry(t=1.0, command=LoadModel(model="m")))
    fold.add(Entry(t=3.0, event=LOADED))
    fold.add(Entry(t=60.0, event=LOADED))  # a switch of the dtype
    assert fold.loaded == LOADED and fold.load_seconds == 2.0
    fold.add(Entry(t=70.0, command=LoadModel(model="other")))
    fold.add(Entry(t=71.0, event=Failed(where="LoadModel", message="no", kept=True)))
    fold.add(Entry(t=71.0, event=LOADED))  # the one before, still there
    assert fold.load_seconds == 2.0


def test_a_load_before_the_first_entry_took_nobody_knows_how_long() -> None:
    fold = Fold()
    fold.add(Entry(t=0.1, event=LOADED))
    assert fold.load_seconds is None


def test_what_is_not_as_requested_is_told_with_a_reason_or_without() -> None:
    requested = EngineOptions(attention="eager", weights="int8", compile=True)
    effective = as_text(requested) | {"attention": "sdpa-math", "weights": "model", "compile": "on (+1 graph)"}
    reasons = {"weights": "no int8 here", "compile": "3 graphs", "kv_blocks": "25% of what was free"}
    assert unmet(requested, effective, reasons) == {"attention": "no reason given", "weights": "no int8 here"}
    assert unmet(requested, {}, {}) == {}
