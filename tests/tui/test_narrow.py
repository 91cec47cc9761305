"""Narrow terminals: what has no room is wrapped or ends with …, and no figure is lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from rich.segment import Segment
from textual.pilot import Pilot
from textual.strip import Strip

from playground.session.recording import Entry
from playground.tui.app import PlaygroundApp
from playground.tui.widgets.fitting import cut
from tests.tui.cells import shown
from tests.tui.settling import settle

Story = Callable[[str], list[Entry]]


async def opened(pilot: Pilot[None], *keys: str) -> str:
    await settle(pilot)
    await pilot.press(*keys)
    await settle(pilot)
    return shown(pilot.app)


async def test_expected_effects_and_measurements_are_whole_at_80_columns(story: Story) -> None:
    app = PlaygroundApp(engine="transformers", replay=story("switched"), speed=0)
    async with app.run_test(size=(80, 24)) as pilot:
        text = await opened(pilot)
        assert "kv_cache model ▸ int8" in text and "▼ 2.00x" in text and "▼ 20 %" in text and "…" not in text
        text = await opened(pilot, "ctrl+g", "right")
        assert "weights ▸ int8" in text and "quality ▼" in text.replace("\n", " ")


async def test_a_hint_is_whole(story: Story) -> None:
    app = PlaygroundApp(engine="transformers", replay=story("idle"), speed=0)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        app.bridge.state.replaying = False  # the hint of an engine
        text = await opened(pilot, "f4")
        assert "a worker of its own" in " ".join(" ".join(line.strip(" ▌") for line in text.split("\n")).split())


async def test_lines_of_boards_end_with_an_ellipsis(story: Story) -> None:
    app = PlaygroundApp(engine="transformers", replay=story("streaming"), speed=0)
    async with app.run_test(size=(50, 24)) as pilot:
        [line] = [line for line in (await opened(pilot)).split("\n") if "Batch " in line]
        assert line.rstrip().endswith("…")


@pytest.mark.parametrize(
    ("text", "shown"), [("waiting 3", "waiting 3"), ("waiting 3   ", "waiting 3"), ("waiting 34", "waiting …")]
)
def test_only_text_that_is_cut_gets_an_ellipsis(text: str, shown: str) -> None:
    assert cut(Strip([Segment(text[:4]), Segment(text[4:])]), 9).adjust_cell_length(9).text == shown
    assert cut(Strip([Segment(text)]), 0).adjust_cell_length(0).text == ""
