"""Sampling on the Playground screen: set in its overlay, shown next to the prompt, applied to the next prompt."""

from __future__ import annotations

from typing import Any

import pytest

from playground.protocol.commands import SamplingParams
from playground.tui.fields import Field
from playground.tui.sampling_fields import fields, in_short
from playground.tui.screens.overlays.sampling import SamplingScreen
from playground.tui.screens.playground.screen import PlaygroundScreen
from playground.tui.widgets.text_entry import TextEntry
from tests.tui.cells import shown
from tests.tui.conftest import Opened, Wait

PLAIN = SamplingParams()
SET = SamplingParams(max_tokens=512, ignore_eos=True, temperature=0.8, seed=7)
BAD = {"max_tokens": "0", "temperature": "-1", "top_p": "0", "seed": "x", "ignore_eos": "maybe"}


async def test_arrows_set_what_the_next_prompt_is_sampled_by(opened: Opened, until: Wait, script: Any) -> None:
    async with opened(script(["word "] * 2000)) as (app, pilot):
        await until(pilot, lambda: "^S makes answers longer" in shown(app))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, SamplingScreen) and "From the next prompt on" in shown(app))
        await pilot.press("up", "right", "up", "right", "up", "escape")
        assert app.session.sampling == SamplingParams(max_tokens=128, ignore_eos=True, temperature=0.2)
        await until(pilot, lambda: "128 tok  no EOS  T 0.2   base chat" in shown(app))
        await pilot.press("x", "enter")
        await until(pilot, lambda: "length limit · 128 tokens" in shown(app))


async def test_a_value_beyond_its_limits_is_told_and_stays_to_be_mended(opened: Opened, until: Wait) -> None:
    async with opened() as (app, pilot):
        await pilot.press(*"typed", "ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, SamplingScreen))
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, TextEntry))
        await pilot.press(*"9999", "enter")
        await until(pilot, lambda: "max_tokens cannot be '9999'; it takes a number from 1 to 4096" in shown(app))
        await pilot.press("backspace", "enter", "enter")
        await until(pilot, lambda: isinstance(app.screen, PlaygroundScreen) and "999 tok" in shown(app))
        assert app.session.sampling.max_tokens == 999 and app.screen.query_one("#prompt").text == "typed"


def _typed(name: str, text: str, sampling: SamplingParams = PLAIN) -> SamplingParams:
    field = next(each for each in fields(sampling, 4096) if each.name == name)
    set_to: SamplingParams = field.set(sampling, text)
    return set_to


@pytest.mark.parametrize("field", fields(SET, 4096), ids=lambda field: field.name)
def test_every_choice_can_be_typed_and_what_is_set_is_among_them(field: Field) -> None:
    assert field.text(SET) in field.choices
    assert all(field.text(field.set(SET, choice)) == choice for choice in field.choices)


@pytest.mark.parametrize(("name", "text"), BAD.items(), ids=list(BAD))
def test_what_is_out_of_its_limits_is_refused(name: str, text: str) -> None:
    with pytest.raises(ValueError, match=repr(text)):
        _typed(name, text)


def test_steps_go_on_from_what_was_typed() -> None:
    sampling = _typed("temperature", "0.75")
    field = next(each for each in fields(sampling, 4096) if each.name == "temperature")
    assert field.step(sampling, 1).temperature == 0.8 and field.step(sampling, -1).temperature == 0.6


def test_answers_may_be_as_long_as_the_context() -> None:
    choices = {field.name: field.choices for field in fields(PLAIN, 3000)}
    assert choices["max_tokens"][-2:] == ("2048", "3000")
    assert _typed("max_tokens", "9000", SamplingParams(max_tokens=9000)).max_tokens == 9000, "a preset's own stays"


def test_what_is_set_is_told_as_far_as_there_is_room() -> None:
    assert in_short(PLAIN, 40) == ""
    assert in_short(SET, 40) == "512 tok  no EOS  T 0.8  seed 7"
    assert in_short(SET, 16) == "512 tok  no EOS…"
    assert in_short(SamplingParams(top_k=40, min_p=0.05, stop=["x"]), 40) == "k 40  min-p 0.05  1 stop"
