"""The theme picker."""

from __future__ import annotations

from playground.tui.app import PlaygroundApp
from tests.tui.cells import shown
from tests.tui.conftest import Wait


async def test_the_current_theme_is_marked_and_another_can_be_chosen(until: Wait) -> None:
    app = PlaygroundApp(engine="scripted", replay=[], speed=0, theme="light")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: len(app.available_themes) == 4)
        app.search_themes()
        await until(pilot, lambda: "light  ● now" in shown(app))
        assert "dark  ● now" not in shown(app) and "projector" in shown(app)
        await pilot.press(*"proj")
        await until(pilot, lambda: "light  ● now" not in shown(app) and "projector" in shown(app))
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.theme == "projector")
