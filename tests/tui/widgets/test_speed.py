"""The speed panel's lines: labels, numbers, places that do not jump."""

from __future__ import annotations

import msgspec
import pytest

from playground.protocol.metrics import RequestMetrics
from playground.tui.letters import Letter
from playground.tui.speed.view import SpeedView
from playground.tui.widgets.speed import lines as speed_lines
from playground.tui.widgets.speed.panel import SpeedPanel
from tests.tui.widgets.panels_app import SPEED, PanelsApp

SLOW = msgspec.structs.replace(
    SPEED, ttft_s=12.345, queue_s=9.0, load_s=1.2, tps=1204.55, tpot_s=0.000831, e2e_s=75.0, itl_p99_s=0.9
)


def plain(view: SpeedView, width: int = 48) -> list[str]:
    lines = [speed_lines.title(view, width), *speed_lines.headline(view, width), *speed_lines.details(view, width)]
    return [line.plain for line in lines]


def test_labels_and_plain_numbers() -> None:
    text = "\n".join(plain(SPEED))
    for words in (
        "TTFT",
        "TPS",
        "18.4 ms",
        "352.1 tok/s",
        "TPOT  2.84 ms",
        "1\u2009204 char/s",
        "p50  2.80  p99  4.10 ms",
    ):
        assert words in text
    assert "queue 0.200  load     –  prefill  18.2 ms" in text


def test_what_is_not_known_is_a_dash() -> None:
    lines = plain(SpeedView())
    assert [line.split() for line in lines[5:8]] == [
        ["–", "–", "tok/s"],
        ["queue", "–", "load", "–", "prefill", "–", "ms"],
        ["TPOT", "–", "–", "char/s", "E2E", "–"],
    ]
    assert lines[8].split() == ["ITL", "p50", "–", "p99", "–", "ms"]
    assert lines[9].split() == ["prompt", "–", "cached", "–", "answer", "–", "tok"]


def test_tokens_that_a_server_does_not_tell_are_not_known() -> None:
    metrics = RequestMetrics(prompt_tokens=0, output_tokens=0, chunks=4)
    assert plain(SpeedView.of(Letter("A", 0), metrics))[-1].split() == plain(SpeedView())[-1].split()


@pytest.mark.parametrize("view", [SPEED, SLOW, SpeedView()])
def test_labels_keep_their_place(view: SpeedView) -> None:
    places = [[line.find(word) for word in ("TPS", "load", "prefill", "E2E", "p50", "p99")] for line in plain(view)]
    assert places == [
        [line.find(word) for word in ("TPS", "load", "prefill", "E2E", "p50", "p99")] for line in plain(SPEED)
    ]
    assert max(map(len, plain(view))) <= 48


def test_large_rates_shorten_the_big_digits_alone() -> None:
    assert plain(SLOW)[2:5] == plain(msgspec.structs.replace(SLOW, tps=1249.0))[2:5]
    assert "1204.5 tok/s" in plain(SLOW)[5]


def test_a_finished_request_brings_its_metrics() -> None:
    metrics = RequestMetrics(
        prompt_tokens=3, cached_tokens=2, output_tokens=9, ttft_s=0.5, decode_tps=80.0, e2e_s=0.6, itl_p50_s=0.01
    )
    view = SpeedView.of(Letter("B", 1), metrics, replay=True)
    assert (view.ttft_s, view.tps, view.e2e_s, view.itl_p50_s, view.running) == (0.5, 80.0, 0.6, 0.01, False)
    assert plain(view)[0].endswith("REPLAY  request B")
    assert plain(view)[-1].split() == ["prompt", "3", "cached", "2", "answer", "9", "tok"]


async def test_wide_panels_tell_all_and_low_or_narrow_ones_the_headline() -> None:
    async with PanelsApp().run_test(size=(100, 30)) as pilot:
        panel = pilot.app.query_one(SpeedPanel)
        assert panel.size == (48, 10)
        panel.styles.height = 5
        await pilot.pause()
        assert panel.render().plain.splitlines()[0].split()[:2] == ["TTFT", "TPS,"]
        assert panel.render().plain.splitlines()[-1].split() == ["18.4", "ms", "352.1", "tok/s"]
