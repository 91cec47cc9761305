"""Terminal sequences in prompts, recordings and folder names stay text: no cell of the screen holds one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from textual.events import Paste
from textual.widgets import Input

from playground.protocol.events import ModelLoaded, OptionsApplied
from playground.session.recording import Entry
from playground.tui.app import PlaygroundApp
from playground.tui.screens.compare import CompareScreen
from playground.tui.widgets.field_form import FieldForm
from playground.tui.widgets.prompt import Prompt
from tests.tui.cells import shown
from tests.tui.conftest import Opened, Wait
from tests.tui.settling import settle

SEQUENCE = "\x1b]2;PWNED\x1b\\"
CONTROLS = set(map(chr, [*range(32), *range(127, 160)])) - {"\n"}


def harmless(app: PlaygroundApp) -> bool:
    return not CONTROLS & set(shown(app))


async def test_the_prompt_shows_no_sequence(opened: Opened) -> None:
    async with opened() as (app, pilot):
        prompt = app.screen.query_one(Prompt)
        for bring in (prompt.offer, prompt.add_spoken, lambda text: app.post_message(Paste(text))):
            bring(f"one{SEQUENCE}two")
            await settle(pilot)
            assert "one]2;PWNED\\two" in shown(app) and harmless(app)
            prompt.text = ""


FIELDS = {
    "model": ["f2", "ctrl+o"],
    "filter": ["f7", "slash"],
    "sampling": ["f2", "ctrl+s", "e"],
    "palette": ["ctrl+p"],
}


@pytest.mark.parametrize("keys", FIELDS.values(), ids=FIELDS)
async def test_a_paste_into_a_field_shows_none(opened: Opened, until: Wait, keys: list[str]) -> None:
    async with opened() as (app, pilot):
        for key in keys:
            await pilot.press(key)
            await settle(pilot)
        await until(pilot, lambda: isinstance(app.focused, Input))
        app.post_message(Paste(f"one{SEQUENCE}\x9b31m\t\x07two\u202e\rthree"))
        await until(pilot, lambda: "PWNED" in app.focused.value)
        await settle(pilot)
        assert not CONTROLS & set(app.focused.value.replace("\t", "")) and harmless(app)
        assert "one]2;PWNED\\31m" in shown(app) and "\u202e" not in app.focused.value


async def test_the_fields_of_a_comparison_show_none(
    opened: Opened, until: Wait, checkpoint: Callable[..., Path], tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = checkpoint(f"x{SEQUENCE}")
    async with opened() as (app, pilot):
        app.session.submit(f"one{SEQUENCE}two")
        await pilot.press("f4")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen) and "one]2;PWNED" in shown(app))
        assert harmless(app)
        form = app.screen.query_one(FieldForm)
        form.set(msgspec.structs.replace(form.profile, a=f"model={folder}"))
        await pilot.press("e")
        await until(pilot, lambda: app.screen.query(Input))
        await settle(pilot)
        assert "]2;PWNED" in shown(app) and harmless(app)


async def test_the_facts_of_a_recording_show_none(story: Callable[[str], Iterable[Entry]]) -> None:
    entries = [_with_sequence(entry) for entry in story("idle")]
    app = PlaygroundApp(engine="transformers", replay=entries, speed=0)
    async with app.run_test(size=(160, 40)) as pilot:
        await settle(pilot)
        assert "cpu]2;PWNED" in shown(app) and harmless(app)
        await pilot.press("ctrl+g")
        await settle(pilot)
        assert harmless(app)


def _with_sequence(entry: Entry) -> Entry:
    event = entry.event
    if isinstance(event, ModelLoaded):
        facts = msgspec.structs.replace(event.facts, device=f"cpu{SEQUENCE}", dtype=f"bfloat16{SEQUENCE}")
        event = msgspec.structs.replace(event, facts=facts)
    if isinstance(event, OptionsApplied):
        effective = {name: value + SEQUENCE for name, value in event.effective.items()}
        event = msgspec.structs.replace(event, effective=effective)
    return msgspec.structs.replace(entry, event=event)
