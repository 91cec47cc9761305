"""Text on the screen can be selected with the pointer, to be copied."""

from __future__ import annotations

from collections.abc import Callable

from textual.pilot import Pilot
from textual.widget import Widget

from playground.session.recording import Entry
from playground.tui.app import PlaygroundApp
from playground.tui.widgets.speed.panel import SpeedPanel
from playground.tui.widgets.transcript import Transcript
from tests.tui.settling import settle

Point = tuple[int, int]


async def _selected(pilot: Pilot[None], widget: Widget, start: Point, end: Point) -> str | None:
    await pilot.mouse_down(widget, offset=start)
    await pilot.hover(widget, offset=end)
    await pilot.mouse_up(widget, offset=end)
    await pilot.pause()
    return pilot.app.screen.get_selected_text()


async def test_text_and_numbers_are_selected_from_the_cell_pointed_at(story: Callable[[str], list[Entry]]) -> None:
    app = PlaygroundApp(engine="transformers", replay=story("streaming"), speed=0)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        transcript, speed = app.screen.query_one(Transcript), app.screen.query_one(SpeedPanel)
        said = await _selected(pilot, transcript, (12, 1), (30, 3))
        assert said == "umbers\ndef add(a, b):\n    return a + b"
        bright = {segment.style.bgcolor for segment in transcript.render_lines(transcript.size.region)[2]}
        assert len(bright) == 2  # the selection's colour and the background
        numbers = await _selected(pilot, speed, (2, 5), (33, 5))
        assert numbers == ".30 ms               333.3 tok/s"
