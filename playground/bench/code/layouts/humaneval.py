"""HumanEval and HumanEval+, and the files of EvalPlus."""

from __future__ import annotations

from typing import Any

import msgspec

from playground.bench.code.layouts.make_task import make_task
from playground.bench.code.task import Task


class HumanEval(msgspec.Struct, frozen=True, kw_only=True):
    """A row of HumanEval or HumanEval+; files of EvalPlus, of MBPP+ too, have inputs in place of tests."""

    task_id: str
    prompt: str
    entry_point: str
    canonical_solution: str
    test: str = ""
    base_input: list[list[Any]] | None = None
    plus_input: list[list[Any]] | None = None
    atol: float = 0.0
    band: str = ""


def from_humaneval(row: HumanEval, number: int) -> Task:
    """Build a task whose tests define `check(candidate)`."""
    canonical = row.prompt + row.canonical_solution
    test = row.test or _compare_inputs(row, canonical)
    calls = f"{test}\ncheck({row.entry_point})\n"
    return make_task(row.task_id, "HumanEval", row.prompt, row.entry_point, canonical, calls, stratum=row.band)


def _compare_inputs(row: HumanEval, canonical: str) -> str:
    """Tests that compare with the reference on EvalPlus's inputs. JSON turned their tuples into lists: if the reference
    cannot take a list, both get tuples. `find_zero` may return any root."""
    inputs = [*(row.base_input or []), *(row.plus_input or [])]
    return (
        f"_reference = {{}}\nexec({canonical!r}, _reference)\n"
        "def _near(a, b):\n"
        "    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):\n"
        "        return len(a) == len(b) and all(map(_near, a, b))\n"
        f"    return a == b or (isinstance(b, float) and abs(a - b) <= max({row.atol!r}, 1e-6 * abs(b)))\n"
        "def _right(found, expected, given):\n"
        f"    if {row.entry_point!r} == 'find_zero':\n"
        "        return abs(sum(factor * found**power for power, factor in enumerate(given[0]))) < 1e-4\n"
        "    return _near(found, expected)\n"
        "def _tuples(value):\n"
        "    return tuple(map(_tuples, value)) if isinstance(value, list) else value\n"
        "def check(candidate):\n"
        "    from copy import deepcopy\n"
        f"    for given in {inputs!r}:\n"
        "        try:\n"
        f"            expected = _reference[{row.entry_point!r}](*deepcopy(given))\n"
        "        except TypeError:\n"
        "            given = _tuples(given)\n"
        f"            expected = _reference[{row.entry_point!r}](*deepcopy(given))\n"
        "        assert _right(candidate(*deepcopy(given)), expected, given), f'on {given!r}'\n"
    )
