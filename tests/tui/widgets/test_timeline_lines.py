"""The timeline's lines: bars in eighths, the newest at the right, labels under their marks."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from playground.tui.state.timeline import Column, Timeline
from playground.tui.widgets.timeline import lines as timeline_lines

WIDTH = 24


def drawn(*columns: Column, width: int = WIDTH, height: int = 4) -> list[str]:
    lines = timeline_lines.lines(_with(columns), width, height)
    assert {line.cell_length for line in lines} <= {width}
    return [line.plain for line in lines]


def _with(columns: Iterable[Column]) -> Timeline:
    timeline = Timeline()
    timeline.columns.extend(columns)
    return timeline


def rates(*tokens: int) -> list[Column]:
    return [Column(tokens) for tokens in tokens]


def switch(label: str, tokens: int = 16) -> Column:
    return Column(tokens, mark=label)


def axis(*columns: Column, width: int = WIDTH) -> str:
    return drawn(*columns, width=width)[-1]


def test_nothing_yet() -> None:
    assert drawn(width=44) == [
        "Timeline  System TPS             top – tok/s",
        " " * 44,
        " " * 44,
        "22 s ───────────────────────────────────────",
    ]


def test_bars_in_eighths_with_the_newest_at_the_right() -> None:
    _, above, below, _ = drawn(*rates(0, 1, 2, 8, 9, 15, 16))
    assert above == " " * 21 + "▁▇█"
    assert below == " " * 17 + " ▁▂████"


def test_a_single_token_beside_thousands_is_seen() -> None:
    assert drawn(*rates(1, 5000))[-2].endswith("▁█")


def test_the_top_is_that_of_what_is_seen() -> None:
    assert drawn(*rates(9000, *[41] * 44), width=44)[0].endswith("top 82.0 tok/s")


def test_higher_places_have_finer_bars() -> None:
    assert [line[-2:] for line in drawn(*rates(3, 4), height=6)][1:] == [" █", "██", "██", "██", "──"]


@pytest.mark.parametrize(("width", "height"), [(44, 0), (44, 3), (0, 6), (0, 0)])
def test_too_small_a_place_stays_empty(width: int, height: int) -> None:
    assert timeline_lines.lines(_with(rates(1, 2)), width, height) == []


def test_a_switch_has_a_line_above_its_bar_and_its_label_below() -> None:
    above, below, line = drawn(*rates(16, 16), switch("KV int8", 8), *rates(*[8] * 9))[1:]
    assert above == " " * 12 + "██│" + " " * 9
    assert below == " " * 12 + "█" * 12
    assert line == "12 s ─────────▴ KV int8─"


def test_the_bar_of_a_switch_goes_on_as_its_line() -> None:
    for row in timeline_lines.lines(_with([*rates(16, 16), switch("KV int8"), *rates(8)]), WIDTH, 4)[1:3]:
        assert [(span.start, span.end) for span in row.spans if span.style == timeline_lines.MARK] == [(22, 23)]


def test_near_the_right_edge_the_label_stands_before_its_mark() -> None:
    assert axis(switch("KV int8"), *rates(8)) == "12 s ─────────KV int8 ▴─"


def test_the_newest_label_wins() -> None:
    close = [switch("KV int8"), *rates(*[8] * 3), switch("KV model"), *rates(*[8] * 9)]
    assert axis(*close) == "12 s ─────▴───▴ KV model"
    apart = [switch("prefix off"), *rates(*[8] * 12), switch("KV int8"), *rates(*[8] * 9)]
    assert axis(*apart, width=40) == "20 s ────────────▴ prefix off─▴ KV int8─"
    assert axis(*apart[:14], width=40) == "20 s ──────────prefix off ▴────KV int8 ▴"


def test_time_left_out_is_no_part_of_the_span() -> None:
    lines = drawn(*rates(16, 16), Column(left_out=True), *rates(8, 8))
    assert [line[-5:] for line in lines[1:3]] == ["██┊  ", "██┊██"]
    assert lines[-1].startswith("11.5 s ─")


def test_a_switch_at_rest_stands_in_what_was_left_out() -> None:
    lines = drawn(*rates(16), Column(left_out=True, mark="KV int8"), *rates(*[8] * 10))
    assert [line[12:15] for line in lines[1:]] == ["█│ ", "█│█", "─▴ "]


def test_labels_are_text_and_fit_into_cells() -> None:
    assert axis(switch("adapter [b]\x1b模"), *rates(*[1] * 20), width=30) == "15 s ────▴ adapter [b]模──────"


def test_switches_in_every_column_leave_marks() -> None:
    assert axis(*[switch(f"slots {number}") for number in range(40)]) == "12 s ─▴─▴─▴─▴─slots 39 ▴"
