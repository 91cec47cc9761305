"""What generation_config.json says of ends is followed as `generate` does; what is not followed is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from playground.protocol.events import ModelLoaded
from tests.engine.transformers.checkpoints import change_config
from tests.engine.transformers.driven import Driven
from tests.engine.transformers.zoo.zoo import END, make


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A Llama."""
    return make("llama", tmp_path)


def configure(folder: Path, **settings: object) -> None:
    (folder / "generation_config.json").write_text(json.dumps(settings))


def test_an_end_that_only_the_class_names_is_none(folder: Path) -> None:
    """Llama's class names 2."""
    configure(folder, eos_token_id=END)
    change_config(folder, eos_token_id=None)
    is_end = Driven(folder).backend._engine.loaded.tokenizer.is_end
    assert is_end(END) and not is_end(2)
    change_config(folder, eos_token_id=3)
    assert Driven(folder).backend._engine.loaded.tokenizer.is_end(3)
    change_config(folder, eos_token_id=None)
    configure(folder, do_sample=False)
    assert Driven(folder).backend._engine.loaded.tokenizer.is_end(2)


def test_what_is_not_followed_is_told(folder: Path) -> None:
    configure(folder, eos_token_id=END, repetition_penalty=1.3, suppress_tokens=[4], num_beams=1, temperature=0.6)
    note = Driven(folder).of(ModelLoaded)[-1].facts.note
    assert note == "not followed of generation_config.json: repetition_penalty, suppress_tokens"
    configure(folder, eos_token_id=END, repetition_penalty=1.0)
    assert Driven(folder).of(ModelLoaded)[-1].facts.note == ""
    (folder / "generation_config.json").write_text("{broken")
    note = Driven(folder).of(ModelLoaded)[-1].facts.note
    assert note == "not followed: generation_config.json cannot be read, fetch it again"
