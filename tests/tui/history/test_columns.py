"""The cells of the history's table, and which columns it has room for."""

from __future__ import annotations

import pytest

from playground.session.history.run import Run
from playground.tui.history.columns import COLUMNS, quality, shown
from playground.tui.history.diff import diff


@pytest.mark.parametrize(
    ("measure", "value", "said"),
    [
        ("pass@1", 0.75, "pass@1 0.750"),
        ("pass@1", 0.0417, "pass@1 0.0417"),
        ("bits per byte", 1.02, "bits/B 1.02"),
        ("perplexity", 3.21, "PPL 3.21"),
        ("KL", 1.02e-5, "KL 1.02e-05"),
        ("WER", 0.1, "WER 0.100"),
        ("", None, "–"),
    ],
)
def test_quality_names_its_measure_and_fits(measure: str, value: float | None, said: str) -> None:
    assert quality(Run(at=0.0, kind="", model="", measure=measure, quality=value)) == said
    (column,) = (column for column in COLUMNS if column.title == "quality")
    assert len(said) <= column.width


@pytest.mark.parametrize("width", [76, 116, 196])
def test_the_columns_fill_the_table_and_no_more(width: int) -> None:
    assert sum(width for _, width in shown(width)) + len(shown(width)) - 1 <= width


@pytest.mark.parametrize(("width", "named"), [(78, False), (120, True), (200, True)])
def test_the_engine_is_named_where_there_is_room(width: int, named: bool) -> None:
    run = Run(id=1, at=0.0, kind="chat", model="m", engine="transformers")
    assert ("transformers" in [column.text(run) for column, _ in shown(width)]) == named


def test_a_suite_that_counts_no_prompt_tokens_has_an_unknown_number_of_them() -> None:
    rows = {row.label: row.a for row in diff(Run(at=0.0, kind="bench code", model="m", output_tokens=7))}
    assert rows["tokens"] == "– in, 7 out"
