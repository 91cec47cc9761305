"""Random choices of a task, written down so that the combination can be held out."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from playground.synthetic.tasks import pools
from playground.synthetic.tasks.task import Task

Option = TypeVar("Option")
Inputs = Sequence[tuple[Any, ...]]

EXAMPLE_SHARE = 0.25  # docstrings that show a call and its result
INDENT = "    "


class Draw:
    """Draws names, constants and wordings; `choices` is the combination that decides training or held out."""

    def __init__(self, random_source: random.Random) -> None:
        self.random = random_source
        self.choices: list[str] = []

    def pick(self, *options: Option) -> Option:
        """One of the options, as part of the combination; its text must not differ between runs, so no functions."""
        chosen = self.random.choice(options)
        self.choices.append(str(chosen))
        return chosen

    def key(self, mapping: Mapping[str, Any]) -> str:
        """One key of a mapping, as part of the combination."""
        return self.pick(*mapping)

    def constant(self, low: int, high: int) -> int:
        """An integer in [low, high], as part of the combination."""
        chosen = self.random.randint(low, high)
        self.choices.append(str(chosen))
        return chosen

    def integer(self) -> int:
        """A test input; no part of the combination."""
        return self.random.choice((0, 1, self.random.randint(2, 12), self.random.randint(-20, 99)))

    def integers(self, low: int = -20, high: int = 60, least: int = 0) -> list[int]:
        """A list of test inputs."""
        return [self.random.randint(low, high) for _ in range(self.random.randint(max(least, 2), 6))]

    def word(self) -> str:
        """A word as a test input."""
        return self.random.choice(pools.WORDS)

    def words(self) -> list[str]:
        """A list of words as a test input."""
        return [self.word() for _ in range(self.random.randint(1, 5))]

    def sentence(self) -> str:
        """Some words with spaces between, as a test input."""
        return " ".join(self.words())

    def table(self) -> dict[str, int]:
        """A dictionary from words to integers as a test input."""
        return {self.word(): self.random.randint(-5, 40) for _ in range(self.random.randint(1, 5))}

    def several(self, draw_input: Callable[[], Any], count: int = 4) -> list[tuple[Any, ...]]:
        """`count` argument tuples of one argument each."""
        return [(draw_input(),) for _ in range(count)]

    def task(
        self,
        family: str,
        band: str,
        signature: str,
        doc: str,
        body: str,
        oracle: Callable[..., Any],
        inputs: Inputs,
    ) -> Task:
        """Build the task; `oracle` says independently of `body` what each of `inputs` must give."""
        entry_point = signature.split("(")[0]
        cases = [(_call(arguments), repr(oracle(*arguments))) for arguments in inputs]
        example = ""
        if self.random.random() < EXAMPLE_SHARE:
            arguments, expected = cases[0]
            example = f"\n{INDENT}>>> {entry_point}({arguments})\n{INDENT}{expected}\n{INDENT}"
        asserts = "".join(f"{INDENT}assert candidate({call}) == {expected}\n" for call, expected in cases)
        prompt = f'def {signature}:\n{INDENT}"""{doc}{example}"""\n'
        return self._task(family, band, entry_point, prompt, body, asserts)

    def class_task(self, family: str, band: str, name: str, doc: str, body: str, checks: list[str]) -> Task:
        """Build a task whose answer is a class; `checks` are the lines of its test."""
        test = "".join(f"{INDENT}{line}\n" for line in checks)
        return self._task(family, band, name, f'class {name}:\n{INDENT}"""{doc}"""\n\n', body, test)

    def _task(self, family: str, band: str, entry_point: str, prompt: str, body: str, test: str) -> Task:
        solution = "".join(f"{INDENT}{line}\n" if line else "\n" for line in body.split("\n"))
        combination = "|".join(self.choices)
        return Task(family, band, combination, entry_point, prompt, solution, f"def check(candidate):\n{test}")


def _call(arguments: tuple[Any, ...]) -> str:
    return ", ".join(repr(argument) for argument in arguments)
