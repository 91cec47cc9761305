"""Attention measured on a real model: right shapes, right memory, and it can be stopped."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import pytest
import torch

from playground import paths
from playground.engine.backends.base import Cancelled, EngineError
from playground.engine.backends.transformers.measure.attention import peak_bytes
from playground.protocol.commands import MeasureAttention
from playground.protocol.events import AttentionMeasured
from playground.protocol.measurements import AttentionPoint
from tests.engine.transformers.conftest import Member
from tests.engine.transformers.driven import Driven, ask


@pytest.fixture(scope="module")
def driven() -> Driven:
    return Driven(paths.bundled_model())


def command(**changes: Any) -> MeasureAttention:
    return MeasureAttention(**({"lengths": [64], "kernels": ["eager", "sdpa-math", "sdpa-flash"]} | changes))


def no_stop() -> None:
    """A check that never stops."""


@pytest.fixture(scope="module")
def measured(driven: Driven) -> list[AttentionMeasured]:
    driven.backend.measure_attention(command(lengths=[256, 64, 512], repeats=3), no_stop)
    return driven.of(AttentionMeasured)


@pytest.fixture(scope="module")
def points(measured: list[AttentionMeasured]) -> dict[tuple[str, str, int], AttentionPoint]:
    return {(point.kernel, point.phase, point.length): point for event in measured for point in event.points}


def test_every_point_is_told_as_it_comes(measured, points):
    assert len(points) == 3 * 2 * 3
    assert [event.done for event in measured] == list(range(19)) and {event.total for event in measured} == {18}
    assert not any(point.fault for point in points.values())


def test_the_shape_is_the_models(measured):
    shape = measured[0].shape
    assert (shape.heads, shape.kv_heads, shape.head_dim, shape.itemsize) == (4, 2, 64, 4)


def test_what_ran_is_what_was_asked_for(points):
    assert {kernel: point.ran for (kernel, phase, _), point in points.items() if phase == "prefill"} == {
        "eager": "eager", "sdpa-math": "sdpa-math", "sdpa-flash": "sdpa-flash",
    }  # fmt: skip


def test_eager_holds_its_scores_and_flash_does_not(points):
    scores = 4 * 512 * 512 * 4
    assert points["eager", "prefill", 512].peak_bytes >= 2 * scores
    assert points["sdpa-flash", "prefill", 512].peak_bytes < scores / 2
    grown = points["eager", "prefill", 512].peak_bytes / points["eager", "prefill", 256].peak_bytes
    assert grown == pytest.approx(4, rel=0.2), "scores grow with the square of the length"


def test_peak_is_what_is_held_at_a_time():
    def two_apart() -> torch.Tensor:
        first = torch.empty(1 << 20, dtype=torch.uint8)
        del first
        return torch.empty(1 << 20, dtype=torch.uint8)

    def two_together() -> list[torch.Tensor]:
        return [torch.empty(1 << 20, dtype=torch.uint8) for _ in range(2)]

    device = torch.device("cpu")
    assert peak_bytes(two_apart, device) == pytest.approx(1 << 20, rel=0.01)
    assert peak_bytes(two_together, device) == pytest.approx(2 << 20, rel=0.01)


def test_ceilings_are_above_what_attention_reaches(measured, points):
    ceilings = measured[0].ceilings
    assert ceilings.threads == torch.get_num_threads() and ceilings.dtype == "float32"
    best = max(point.flops / point.seconds for point in points.values() if point.phase == "prefill")
    assert 0 < best < 1.5 * ceilings.flops_per_second
    assert 1e9 < ceilings.bytes_per_second < 1e13


def test_times_agree_with_a_stopwatch(points):
    query, key, value = (torch.randn(1, heads, 512, 64) for heads in (4, 2, 2))
    seconds = []
    for _ in range(9):
        start = perf_counter()
        torch.nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True, enable_gqa=True)
        seconds.append(perf_counter() - start)
    point = points["sdpa-flash", "prefill", 512]
    assert min(seconds) / 4 < point.fastest_s < max(seconds) * 4


def test_it_stops_when_asked(driven):
    told: list[int] = []

    def stop_later() -> None:
        told.append(1)
        if len(told) > 30:
            raise Cancelled

    before = len(driven.of(AttentionMeasured))
    with pytest.raises(Cancelled):
        driven.backend.measure_attention(command(lengths=[64] * 40), stop_later)
    assert 0 < len(driven.of(AttentionMeasured)) - before < 40


@pytest.mark.parametrize("name", ["gemma4", "laguna"])
def test_heads_that_differ_by_layer_are_refused(member: Member, name: str) -> None:
    driven = Driven(member(name).folder)
    with pytest.raises(EngineError, match="differ by layer"):
        driven.backend.measure_attention(command(), no_stop)


@pytest.mark.parametrize("wrong", [{"lengths": []}, {"lengths": [0]}, {"kernels": []}, {"repeats": 0}])
def test_nonsense_is_refused(driven, wrong: dict[str, Any]):
    with pytest.raises(EngineError, match="are needed"):
        driven.backend.measure_attention(command(**wrong), no_stop)


def test_scores_that_do_not_fit_are_refused_and_flash_still_runs(driven, monkeypatch):
    monkeypatch.setattr("playground.engine.backends.transformers.measure.attention.available", lambda device: 2_500_000)
    before = len(driven.events)
    driven.backend.measure_attention(command(lengths=[256], repeats=1), no_stop)
    points = [point for event in driven.of(AttentionMeasured, before) for point in event.points]
    faults = {point.kernel: point.fault for point in points if point.phase == "prefill"}
    assert "its scores need" in faults["eager"] and "more than half of the 2.38 MiB" in faults["eager"]
    assert not faults["sdpa-flash"]


def test_a_length_that_no_memory_holds_is_told_for_every_kernel(driven):
    before = len(driven.events)
    driven.backend.measure_attention(command(lengths=[2**62], repeats=1), no_stop)
    points = [point for event in driven.of(AttentionMeasured, before) for point in event.points]
    assert len(points) == 6 and all("more than half of the" in point.fault for point in points)
    assert "its queries, keys and values need" in points[-1].fault


def test_running_requests_are_not_disturbed(driven):
    driven.submit(ask([[5, 6, 7]], most=4))
    with pytest.raises(EngineError, match="requests are running"):
        driven.backend.measure_attention(command(), no_stop)
    driven.finish()


def test_facts_tell_what_a_step_multiplies(driven):
    from playground.engine.backends.transformers.facts import facts

    told = facts(driven.backend._engine)
    assert (told.query_width, told.key_width, told.value_heads) == (4 * 4 * 64, 4 * 2 * 64, 4 * 2)
    assert told.output_parameters == 2048 * 256 and told.embedding_parameters == 0


def test_a_roof_in_sixteen_bits_is_not_lower_than_what_kernels_reach():
    """Fused kernels on a CPU compute in float32 whatever the model's dtype; so must the roof where that is faster."""
    driven = Driven(paths.bundled_model(), dtype="bfloat16")
    driven.backend.measure_attention(command(lengths=[256], kernels=["sdpa-flash"], repeats=5), no_stop)
    events = driven.of(AttentionMeasured)
    fastest = max(point.flops / point.fastest_s for event in events for point in event.points)
    assert fastest < 1.5 * events[-1].ceilings.flops_per_second
