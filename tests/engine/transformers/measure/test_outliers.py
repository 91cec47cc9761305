"""Outlier columns from a real forward: against the tensors themselves, and against what bitsandbytes took out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from playground import paths
from playground.engine.backends.base import EngineError
from playground.engine.backends.transformers.model import LoadedModel
from playground.models.make_outliers import make_outliers
from playground.protocol.commands import MeasureOutliers
from playground.protocol.events import OutliersMeasured
from tests.engine.transformers.driven import Driven

PROMPT = "def add_numbers(a, b):\n    return a + b\n"


@pytest.fixture(scope="module")
def rescaled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("outliers")
    make_outliers(paths.bundled_model(), folder)
    return folder


def measured(engine: Driven, columns: int = 64) -> OutliersMeasured:
    engine.backend.measure_outliers(MeasureOutliers(prompt=PROMPT, columns=columns))
    return engine.of(OutliersMeasured)[-1]


def test_the_columns_put_in_are_found_and_are_those_that_int8_takes_out(rescaled):
    planted = sorted(json.loads((rescaled / "config.json").read_text())["constructed_outliers"]["channels"])
    engine = Driven(rescaled, weights="int8")
    seen = measured(engine)
    fed = [layer for layer in seen.layers if layer.name.endswith(("q_proj", "gate_proj"))]
    assert len(fed) == 8 and seen.threshold == 6.0 and seen.weights == "int8"
    for layer in fed:
        over = sorted(column for column, peak in zip(layer.columns, layer.peaks, strict=True) if peak >= 6.0)
        assert set(planted) <= set(over) and layer.taken == over
    engine.set(int8_threshold=0.0)
    assert all(layer.taken == [] for layer in measured(engine).layers)


def test_peaks_are_the_largest_magnitudes_of_what_goes_in(rescaled):
    engine = Driven(rescaled)
    layer = measured(engine, columns=256).layers[0]
    live = engine.backend._live
    assert live is not None and layer.taken is None
    ids = torch.tensor([live.loaded.tokenizer._tokenizer(PROMPT).input_ids])
    model = live.loaded.model
    with torch.inference_mode():
        states = model.model.layers[0].input_layernorm(model.model.embed_tokens(ids))
    expected = states[0].abs().amax(0)
    assert layer.columns == expected.topk(256).indices.tolist()
    torch.testing.assert_close(torch.tensor(layer.peaks), expected.topk(256).values)
    assert layer.median == pytest.approx(expected.median().item())


def test_no_columns_are_refused(rescaled):
    with pytest.raises(EngineError, match="from 1, not -1"):
        Driven(rescaled).backend.measure_outliers(MeasureOutliers(prompt="a", columns=-1))


def test_the_tokens_that_are_told_are_those_that_fit_the_context(rescaled, monkeypatch):
    engine = Driven(rescaled)
    monkeypatch.setattr(LoadedModel, "context", 8)
    assert measured(engine).tokens == 8
