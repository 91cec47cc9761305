"""Where points and labels land."""

from __future__ import annotations

import pytest

from playground.session.history.run import Run
from playground.text.scale import Scale
from playground.tui.history.quadrant import X, Y, quadrant
from playground.tui.plots.scatter_grid import Axis, Point, draw

PLAIN = Axis("x", lambda value: f"{value:.3g}")


def text(points, x=PLAIN, y=PLAIN, width=60, height=12) -> list[str]:
    return ["".join(part for part, _ in line) for line in draw(points, x, y, width, height)]


def at(lines: list[str], mark: str) -> tuple[int, int]:
    return next((row, line.index(mark)) for row, line in enumerate(lines) if mark in line)


def test_higher_is_up_and_more_is_right():
    lines = text([Point(1, 1, "A", ""), Point(2, 5, "B", ""), Point(3, 3, "C", "")])
    (a, a_x), (b, b_x), (c, c_x) = (at(lines, mark) for mark in "ABC")
    assert b < c < a and a_x < b_x < c_x
    assert len(lines) == 12 and {len(line) for line in lines} == {60}


def test_the_better_corner_is_named():
    points = [Point(1, 1, "A", ""), Point(9, 9, "B", "")]
    assert at(text(points, Axis("x", str, low=True)), "best")[1] < 20
    assert at(text(points, Axis("x", str)), "best")[1] > 40
    assert at(text(points, y=Axis("y", str, low=True)), "best")[0] > 6


@pytest.mark.parametrize("height", range(5, 13))
def test_nothing_is_drawn_over_the_name_of_the_better_corner(height: int):
    points = [Point(1, 1, "A", ""), Point(9, 9, "B", "", label="defaults", strong=True)]
    joined = "\n".join(text(points, height=height))
    assert " best " in joined and "defaults B" in joined


def test_more_than_an_order_of_magnitude_is_logarithmic():
    assert Scale([0.01, 1.0]).logarithmic and not Scale([1.0, 5.0]).logarithmic and not Scale([0.0, 50.0]).logarithmic
    scale = Scale([0.01, 1.0])
    assert scale.place(0.1) == pytest.approx(0.5)
    assert scale.value(scale.place(0.37)) == pytest.approx(0.37)


def test_equal_values_and_one_point_still_stand_somewhere():
    assert "A" in "".join(text([Point(0, 0, "A", "")]))
    assert "A" in "".join(text([Point(5, 5, "A", ""), Point(5, 5, "A", "")]))


def test_labels_cover_no_point_and_no_other_label():
    points = [Point(1 + i / 100, 5, "AB"[i % 2], "", label=f"label{i}", strong=True) for i in range(6)]
    joined = "\n".join(text(points))
    assert joined.count("label") >= 1 and ("A" in joined or "B" in joined)
    for label in (f"label{i}" for i in range(6)):
        assert joined.count(label) <= 1


def test_too_small_or_empty_is_nothing():
    assert draw([], PLAIN, PLAIN, 80, 20) == [] and draw([Point(1, 1, "A", "")], PLAIN, PLAIN, 10, 20) == []


def test_a_point_is_the_median_of_comparable_runs_and_a_model_has_one_label():
    def run(model="m", ttft=0.1, tps=10.0, flags=(), **options):
        return Run(at=0.0, kind="chat", model=model, ttft_s=ttft, tps=tps, flags=list(flags), options=options)

    points = quadrant(
        [
            run(ttft=0.1),
            run(ttft=0.3),
            run(ttft=0.2),
            run(ttft=9.0, flags=["cold"]),
            run(tps=30.0, kv_cache="int8"),
            run(model="n", tps=99.0),
            run(model="n", tps=None),
            run(model="n", flags=["switched weights"]),
        ]
    )
    assert sorted((point.mark, point.x, point.y, point.label) for point in points) == [
        ("A", 0.1, 30.0, "m"),
        ("A", 0.2, 10.0, ""),
        ("B", 0.1, 99.0, "n"),
    ]
    assert "best" in text(points, X, Y)[0]
