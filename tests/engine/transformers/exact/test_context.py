"""The context ends where positions do, and where a long row would change the positions of all others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import transformers
from transformers import AutoModelForCausalLM

from playground.engine.backends.base import EngineError
from playground.engine.checkpoint.config import context_of
from playground.protocol.events import ModelLoaded
from tests.engine.transformers.driven import Driven, ask
from tests.engine.transformers.reference import generate, reference_model
from tests.engine.transformers.zoo.zoo import SIZES, VOCABULARY, save, sharpened

SHORT = 48
LONGROPE = {
    "max_position_embeddings": 4 * SHORT,
    "rope_parameters": {
        "rope_type": "longrope",
        "rope_theta": 10000.0,
        "factor": 4.0,
        "original_max_position_embeddings": SHORT,
        "short_factor": [1.0, 1.2, 1.4, 1.6],
        "long_factor": [2.0, 3.0, 4.0, 5.0],
    },
}
DYNAMIC = {
    "max_position_embeddings": SHORT,
    "rope_parameters": {"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 4.0},
}
MPT = {"vocab_size": VOCABULARY, "d_model": 32, "n_layers": 2, "n_heads": 4, "max_seq_len": SHORT}


def made(folder: Path, kind: str, changes: dict[str, Any]) -> Path:
    config = getattr(transformers, kind)(**changes)
    save(sharpened(AutoModelForCausalLM.from_config(config)), folder)
    return folder


@pytest.mark.parametrize("changes", [LONGROPE, DYNAMIC])
def test_a_long_row_does_not_change_the_positions_of_a_short_one(tmp_path: Path, changes: dict[str, Any]) -> None:
    folder = made(tmp_path, "LlamaConfig", SIZES | changes)
    short, long = [5, 6, 7], list(range(SHORT - 8))
    want = generate(reference_model(folder), short, 12)
    driven = Driven(folder)
    answers = driven.run(ask([short, long], [12, 4 * SHORT], ignore_eos=True))
    assert answers[0] == want
    assert len(long) + len(answers[1]) == SHORT and driven.finished("r1").reason == "length"
    assert driven.run(ask([short], 12, name="later", ignore_eos=True)) == [want]
    note = driven.of(ModelLoaded)[-1].facts.note
    assert note == (
        "context 48 of 192: past it a long row changes the longrope of all others" if changes is LONGROPE else ""
    )


def test_a_model_whose_positions_end_stops_there(tmp_path: Path) -> None:
    driven = Driven(made(tmp_path, "MptConfig", MPT))
    assert len(driven.run(ask([list(range(SHORT - 8))], SHORT, ignore_eos=True))[0]) == 8


@pytest.mark.parametrize("length", [0, -1])
def test_a_context_without_positions_is_refused(length: int) -> None:
    with pytest.raises(EngineError, match=f"the context has {length} tokens"):
        context_of(transformers.LlamaConfig(max_position_embeddings=length))
