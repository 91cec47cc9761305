"""For each spoken intent the function that answers it, with its tests: the sections of `answers.txt`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

SECTION = "# "
NUMBER = "K"  # stands for the spoken number
CHECK = "assert "


@cache
def answers() -> dict[str, str]:
    """Intent -> function followed by its asserts."""
    text = Path(__file__).with_name("answers.txt").read_text(encoding="utf-8")
    sections = text.removeprefix(SECTION).split(f"\n{SECTION}")
    return dict(section.split("\n", 1) for section in sections)


def answer(intent: str, number: int | None) -> tuple[str, str, str]:
    """The function that answers an intent, its test in HumanEval's form, and its name."""
    lines = answers()[intent].replace(NUMBER, str(number)).strip().split("\n")
    source = [line for line in lines if not line.startswith(CHECK)]
    asserts = "\n".join(f"    {line}" for line in lines if line.startswith(CHECK))
    name = source[0].removeprefix("def ").split("(")[0]
    return "\n".join(source) + "\n", f"def check(candidate):\n{asserts}\n", name
