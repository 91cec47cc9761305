"""One programming task in HumanEval's layout, and the check that its answer passes its tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from playground.synthetic.split import is_held_out


@dataclass(frozen=True)
class Task:
    """A task: `prompt` + `canonical_solution` is a module; `test` defines `check(candidate)`."""

    family: str
    band: str
    combination: str
    entry_point: str
    prompt: str
    canonical_solution: str
    test: str

    @property
    def source(self) -> str:
        """The whole answer: signature, docstring and body."""
        return self.prompt + self.canonical_solution

    @property
    def held_out(self) -> bool:
        """Whether this combination of template, names, constants and wording is kept from training."""
        return is_held_out(f"{self.family}|{self.combination}")

    def as_row(self, number: int) -> dict[str, str]:
        """The task as a row of a HumanEval file."""
        return {
            "task_id": f"tiny-coder/{number}",
            "prompt": self.prompt,
            "entry_point": self.entry_point,
            "canonical_solution": self.canonical_solution,
            "test": self.test,
            "band": self.band,
        }


class WrongAnswer(Exception):
    """A generated answer failed the tests that came with it."""


def run_tests(source: str, test: str, entry_point: str) -> None:
    """Run generated code against its tests in this process; only for code that the generators wrote.

    Raises WrongAnswer with the code when an assertion fails or the code raises.
    """
    namespace: dict[str, Any] = {}
    try:
        exec(compile(f"{source}\n{test}", "<task>", "exec"), namespace)
        namespace["check"](namespace[entry_point])
    except Exception as error:
        raise WrongAnswer(f"{error!r}\n{source}\n{test}") from error
