"""The plots of the Inside screen, as text."""

from __future__ import annotations

import msgspec
import pytest

from playground.protocol.commands import GenerationRequest, SamplingParams, Submit
from playground.protocol.events import (
    AttentionMeasured,
    Failed,
    OptionsApplied,
    OutliersMeasured,
    StepsExecuted,
    WorkerExited,
)
from playground.protocol.measurements import AttentionPoint, Ceilings, HeadShape, LayerColumns
from playground.protocol.metrics import Memory
from playground.protocol.options import EngineOptions
from playground.protocol.steps import SlotWork, Step
from playground.text.numbers import count
from playground.text.sizes import format_bytes
from playground.tui.inside.kv_chart import capacity_table, described, draw_stack
from playground.tui.inside.outlier_grid import count_outliers, draw_outliers, lowest_known, short_name, title
from playground.tui.inside.plots import described_attention, described_roofline, draw_attention, draw_roofline
from playground.tui.plots.curve_grid import Curve, draw_curves
from playground.tui.plots.scatter_grid import Axis, Part
from playground.tui.state.inside import InsideState
from playground.tui.state.kv_capacity import Pool, is_capacity_trial, request_id
from playground.tui.state.load_profile import run_kind
from tests.model_facts import TINY_CODER

FACTS = msgspec.structs.replace(TINY_CODER, weights_bytes=7_000_000, layers=4)
LAYER = LayerColumns(
    name="model.layers.3.self_attn.q_proj",
    width=100,
    columns=[99, 0, 50],
    peaks=[64.0, 7.0, 3.0],
    median=1.0,
    taken=[0, 99],
)
MEASURED = OutliersMeasured(tokens=9, threshold=6.0, weights="int8", layers=[LAYER])
AXIS = Axis("x", lambda value: f"{value:.0f}")


def text(lines: list[list[Part]]) -> list[str]:
    return ["".join(part for part, _ in line) for line in lines]


def test_an_outlier_stands_where_its_column_is():
    line, axis, legend = text(draw_outliers(MEASURED, 6.0, 136, 10, 0))
    cells = line[20:120]
    assert line.startswith("  3 attn.q") and cells[99] == cells[0] == "█" and cells[50] in "·░▒" and cells[25] == " "
    assert line.endswith("2  int8 took 2") and count_outliers(LAYER, 6.0) == 2 and count_outliers(LAYER, 0) == 0
    assert axis[20] == "0" and axis.rstrip().endswith("column 99") and axis.index("column") < 120
    assert legend.startswith("█ outlier  █ half of that")
    styles = dict(draw_outliers(MEASURED, 65.0, 136, 10, 0)[0])
    assert "$meaning-preempted" not in styles.values(), "nothing reaches 65"


def test_layers_that_do_not_fit_are_counted():
    many = msgspec.structs.replace(MEASURED, layers=[LAYER] * 12)
    lines = text(draw_outliers(many, 6.0, 80, 7, 3))
    assert len(lines) == 7 and lines[-2].startswith("↑ 3 more  ↓ 4 more")


def test_marks_and_colours_are_named():
    chart = text(draw_stack(FACTS, FACTS.weights_bytes, "model", 32, 4, 60, 14))
    assert len(chart) == 14 and chart[-1].strip() == "█ weights  ▓ KV of 4 requests"
    assert described(FACTS, FACTS.weights_bytes, "model", 32, 1, 1 << 34).endswith(" tokens")


def test_a_narrow_axis_keeps_its_name():
    curve = Curve([(0.0005, 1.0), (100.0, 2.0)], "x", "")
    axis = Axis("FLOPs a byte", lambda value: f"{value:.6f}")
    assert "FLOPs a byte" in text(draw_curves([curve], axis, AXIS, 50, 8))[-1]


def test_the_title_counts_columns_and_inputs():
    assert title(MEASURED, 6.0, live=6.0) == "threshold 6 (live): 2 columns in 1 of 1 inputs"
    assert title(MEASURED, 6.5, live=6.0).startswith("threshold 6.5 (live 6): ")
    assert title(MEASURED, 2.0, live=6.0).endswith(": at least 3 columns in 1 of 1 inputs")
    assert lowest_known(MEASURED.layers) == 3.0 and short_name("transformer.h.11.mlp.c_fc") == " 11 mlp.c_fc"


def test_curves_go_up_where_values_do():
    rising = Curve([(1, 1), (10, 10), (100, 100), (1000, 1000)], "@", "")
    lines = text(draw_curves([rising], AXIS, AXIS, 60, 12))
    rows = [row for row, line in enumerate(lines) for _ in range(line.count("@"))]
    columns = [line.index("@") for line in lines if "@" in line]
    assert len(rows) == 4 and columns == sorted(columns, reverse=True) and "x (log)" in lines[0]
    assert draw_curves([rising], AXIS, AXIS, 10, 12) == [] == draw_curves([], AXIS, AXIS, 60, 12)


def test_the_crossing_is_marked_and_said():
    lines = text(draw_stack(FACTS, 7_000_000, "model", 32, 1, 100, 20))
    assert any("┴" in line for line in lines) and "KV > weights 3" in lines[-2]
    said = described(FACTS, 7_000_000, "model", 32, 1, 24 << 30)
    assert "KV overtakes the weights at 3\u2009418 tokens" in said and "the device ends at" in said
    assert "past the context" in described(FACTS, 7_000_000, "int2", 32, 1, None)
    assert "at 855 tokens in each of 4 requests;" in described(FACTS, 7_000_000, "model", 32, 4, 24 << 30)


def test_the_table_has_every_dtype_and_what_was_measured():
    state, pool = InsideState(), Pool(tokens=8192, bytes=16 << 20, slots=8)
    state.add_event(applied("int8", 32, kv_blocks="400"))
    state.token_bytes = {"int8": 1113.0, "model": 2048.0}
    submitted = Submit(requests=[fitted("int8", index) for index in range(3)])
    assert is_capacity_trial(submitted) and run_kind(submitted) == "", "neither the transcript nor the history has them"
    state.kv.begin(submitted)
    for together in (1, 2, 1):
        slots = [SlotWork(request_id=fitted("int8", index).request_id, tokens=1) for index in range(together)]
        state.add_event(StepsExecuted(steps=[Step(index=0, start=0.0, seconds=1.0, slots=slots)]))
    _, head, *rows, last = text(capacity_table(FACTS, 32, pool, "int8", state, 56))
    assert head.endswith("comp.  ran") and all(len(row) <= 56 for row in [*rows, last])
    assert [row.split()[0] for row in rows] == ["model", "fp8", "int8", "int4", "int2"]
    assert rows[2].endswith(f"{format_bytes(1113.0)} {count(14496):>9} {count(12800):>9}      5    2")
    assert format_bytes(2048.0) in rows[0] and rows[0].endswith("–") and rows[1].endswith("–")
    assert last.startswith("k runs requests of 256 together in 2.00 MiB of 16.0 MiB")
    _, head, first, *_ = text(capacity_table(FACTS, 32, pool, "int8", state, 90))
    assert head.endswith("full contexts") and first.endswith(" 1"), "8 192 tokens are one context of this model"


def test_what_the_engine_chose_is_kept_and_what_was_set_is_not():
    fits = InsideState().kv
    fits.apply(applied("int8", 32, kv_blocks="400"))
    fits.apply(applied("int4", 32, kv_blocks="9", requested="9"))
    assert fits.pools == {"int8": Pool(tokens=12800, bytes=1 << 20, slots=8)} and fits.pool == fits.pools["int8"]


def fitted(kind: str, index: int) -> GenerationRequest:
    return GenerationRequest(
        request_id=request_id(1, kind, index), prompt_token_ids=[1] * 8, sampling=SamplingParams(max_tokens=2)
    )


def test_what_a_token_weighed_is_kept_by_dtype():
    state = InsideState()
    for kind, size_of_block, kv_bytes, finished in (
        ("model", 32, 4 * 32 * 2048, []),
        ("int8", 32, 4 * 32 * 1113, []),
        ("int8", 32, 9 * 32 * 1113, ["r1"]),
    ):
        state.add_event(applied(kind, size_of_block))
        step = Step(index=0, start=0.0, seconds=1.0, slots=[], blocks_used=4, kv_bytes=kv_bytes, finished=finished)
        state.add_event(StepsExecuted(steps=[step]))
    assert state.token_bytes == {"model": 2048.0, "int8": 1113.0}
    state.add_event(applied("int8", 16))
    assert state.token_bytes == {}, "blocks of another size weigh otherwise"


def applied(kind: str, block_size: int, kv_blocks: str = "", requested: str = "auto") -> OptionsApplied:
    options, after = (
        EngineOptions(kv_cache=kind, block_size=block_size, kv_blocks=requested),
        Memory(kv_reserved=1 << 20),
    )
    effective = {"kv_blocks": kv_blocks} if kv_blocks else {}
    return OptionsApplied(changed=[], requested=options, effective=effective, before=Memory(), after=after)


def point(kernel: str, length: int, seconds: float, peak: int) -> AttentionPoint:
    return AttentionPoint(kernel=kernel, phase="prefill", length=length, seconds=seconds, peak_bytes=peak)


def test_attention_in_words_and_curves():
    points = [
        *(point("eager", length, length**2 / 1e6, length**2) for length in (64, 512, 4096)),
        *(point("sdpa-flash", length, length**2 / 4e6, length * 64) for length in (64, 512, 4096)),
    ]
    said = "flash 4.00x faster, 64.0x less memory at 4\u2009096 tokens; e eager"
    assert described_attention(points).startswith(said), "the number first: what is cut in a small panel is the legend"
    lines = text(draw_attention(points, 80, 24))
    assert sum(line.count("e") for line in lines if "│" in line) >= 6 and len(lines) == 24


STOPPED = Failed(where="MeasureAttention", message="stopped on request", stopped=True)


@pytest.mark.parametrize("end", [STOPPED, WorkerExited(code=-9)])
def test_attention_that_is_broken_off_is_measured_no_more(end):
    shape = HeadShape(heads=4, kv_heads=2, head_dim=64, itemsize=2)
    ceilings = Ceilings(flops_per_second=1e9, bytes_per_second=1e9)
    state = InsideState()
    state.add_event(AttentionMeasured(shape=shape, ceilings=ceilings, points=[], done=1, total=9))
    state.add_event(Failed(where="MeasureOutliers", message="no layer is linear"))
    assert state.measuring
    state.add_event(end)
    assert not state.measuring


@pytest.mark.parametrize(("seconds", "bound"), [(0.01, "memory"), (0.001, "memory")])
def test_the_roof_and_the_newest_step(seconds, bound):
    ceilings = Ceilings(flops_per_second=100e9, bytes_per_second=10e9)
    step = Step(
        index=4, start=0.0, seconds=seconds, slots=[SlotWork(request_id="a", phase="decode", tokens=1)], blocks_used=2
    )
    said = described_roofline(ceilings, [step], FACTS, 32, FACTS.weights_bytes)
    assert "copy 10.0 GB/s, product 100 GFLOP/s" in said and f"{bound} bound" in said
    lines = text(draw_roofline(ceilings, [step], FACTS, 32, FACTS.weights_bytes, 80, 16))
    assert sum(line.count("●") for line in lines) == 1 and said.endswith("p prefill  d decode  ● newest step")
