"""A step that waits for the compiler says so, until it is over."""

from __future__ import annotations

from playground.protocol.events import ModelLoading, OptionsApplied
from playground.protocol.metrics import Memory
from playground.protocol.options import EngineOptions
from playground.session.recording import Entry
from playground.tui.app import PlaygroundApp
from playground.tui.widgets.notice import Notice

ANEW = ModelLoading(stage="warm-up", detail="a step needs a graph anew and waits for it")


async def test_what_holds_a_step_up_is_shown_and_goes_with_it(story, until) -> None:
    app = PlaygroundApp(engine="transformers", replay=[*story("streaming"), Entry(t=1.3, event=ANEW)], speed=0)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "waits for it" in app.screen.query_one(Notice).render().plain)
        assert "compiling  warm-up" in app.screen.query_one(Notice).render().plain
        applied = OptionsApplied(
            changed=[], requested=EngineOptions(compile=True), effective={}, before=Memory(), after=Memory()
        )
        app.bridge.add_event(applied)
        await until(pilot, lambda: "waits for it" not in app.screen.query_one(Notice).render().plain)
