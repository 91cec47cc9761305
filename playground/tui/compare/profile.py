"""The fields of the Compare screen: two option sets and one prompt."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec

from playground.bench.compare.side_spec import FORM, SideChanges, parse_side
from playground.protocol.capabilities import Capabilities
from playground.protocol.options import DEFAULTS, ENGINES, TOGGLES, format_value
from playground.tui.fields import Field, number
from playground.tui.prompt_mode import BASE, CHAT

PROMPT = 'def add_numbers(first: int, second: int) -> int:\\n    """Return the sum of first and second."""\\n'
LINE_END, SHOWN_END = "\n", "\\n"


class CompareProfile(msgspec.Struct, frozen=True):
    """`a` and `b` as they are typed; `prompt` on one line, its line ends written as \\n; `mode` as in F2."""

    a: str = "kv_cache=model"
    b: str = "kv_cache=int8"
    tokens: int = 64
    runs: int = 5
    mode: str = BASE
    prompt: str = PROMPT

    @property
    def text(self) -> str:
        """The prompt itself."""
        return self.prompt.replace(SHOWN_END, LINE_END)

    def changes(self, side: str) -> SideChanges:
        """What side `a` or `b` changes; raises `ValueError`."""
        return parse_side(getattr(self, side))


@lru_cache(maxsize=1024)  # asked for all prompts of the session with every redraw
def on_one_line(prompt: str) -> str:
    """A prompt on one line, as the field holds it."""
    return prompt.replace(LINE_END, SHOWN_END)


def fields(capabilities: Capabilities, prompts: Sequence[str], models: Sequence[str] = ()) -> tuple[Field, ...]:
    """The fields. They offer what this engine can do, other models and engines, and the prompts of F2."""
    # A server would first need its address.
    engines = [f"engine={name}" for name in ENGINES if name not in ("auto", "openai", capabilities.engine)]
    choices = (*_choices(capabilities), *(f"model={model}" for model in models if "," not in model), *engines)
    return (
        Field("a", "A {}", choices, FORM, _read_side(capabilities)),
        Field("b", "B {}", choices, FORM, _read_side(capabilities)),
        Field("tokens", "tokens {}", ("32", "64", "128", "256"), *number("tokens", 2, 4096)),
        Field("runs", "runs {}", ("3", "5", "9"), *number("runs", 2, 100)),
        Field("mode", "{}", (BASE, CHAT), f"{BASE} or {CHAT}", _read_mode),
        Field("prompt", "prompt {}", tuple(dict.fromkeys([*prompts, PROMPT])), "text; \\n is a line end", _read_prompt),
    )


def _choices(capabilities: Capabilities) -> list[str]:
    """Every possible value of every toggle that can change without a reload."""
    found = []
    for toggle in capabilities.toggles:
        if toggle.cost == "reload" or toggle.name not in TOGGLES:
            continue
        typed = [value.value for value in toggle.values if value.possible]
        found += [f"{toggle.name}={value}" for value in typed or [format_value(getattr(DEFAULTS, toggle.name))]]
    return found


def _read_side(capabilities: Capabilities) -> Any:
    def read(text: str) -> str:
        changes = parse_side(text)
        if changes.model or changes.engine:
            return text  # only the worker itself can say what it can do
        for name, value in changes.toggles.items():
            toggle = capabilities.toggle(name)
            support = toggle.find(format_value(value)) if toggle else None
            if toggle is None:
                raise ValueError(f"{name} is no toggle of this engine")
            if support and not support.possible:
                raise ValueError(f"{name}={format_value(value)} is not possible: {support.reason}")
        return text

    return read


def _read_mode(text: str) -> str:
    if text not in (BASE, CHAT):
        raise ValueError(f"a prompt goes as {BASE} or {CHAT}, not {text!r}")
    return text


def _read_prompt(text: str) -> str:
    if not text.strip():
        raise ValueError("the prompt is empty; type something first")
    return text
