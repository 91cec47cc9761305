"""Programs cut out of what models answer."""

from __future__ import annotations

import time

import pytest

from playground.bench.code.extraction import STOPS, cut, longest_that_parses, python_program, snippet

ANSWER = """Sure! Here is it:

```python
import math

LIMIT = 3

def helper(x):
    return x + LIMIT

@staticmethod
def wanted(x):
    return helper(math.floor(x))

def unused():
    return 1

print(wanted(1))
assert wanted(1) == 4
```

It works because [of reasons], as `wanted(2)` shows.
"""


def test_of_a_fenced_answer_stays_what_the_entry_point_needs() -> None:
    program = python_program(ANSWER, "wanted")
    assert "import math" in program and "LIMIT = 3" in program and "def helper" in program
    assert "@staticmethod\ndef wanted" in program
    assert "unused" not in program and "print" not in program and "assert" not in program


def test_the_block_with_the_entry_point_wins_over_a_longer_one() -> None:
    answer = "```\nx = 1\ny = 2\nz = 3\nprint(x, y, z)\n```\nthen\n```py\ndef f(): return 1\n```"
    assert python_program(answer, "f") == "def f(): return 1\n"


def test_an_unfinished_end_is_left_out() -> None:
    text = "def f(x):\n    return x\n\ndef g(x):\n    return (x +"
    assert python_program(text, "f") == "def f(x):\n    return x\n"
    assert python_program("```python\ndef f():\n    return 1\n", "f") == "def f():\n    return 1\n"


def test_prose_around_bare_code_is_left_out() -> None:
    assert (
        longest_that_parses("Here you are:\n\ndef f():\n    return 1\n\nI hope it's fine.")
        == "def f():\n    return 1\n"
    )


def test_nothing_that_parses_gives_the_text_back() -> None:
    assert python_program("I can't, sorry", "f") == "I can't, sorry"
    assert python_program("(" * 5000, "f")
    assert python_program("", "f") == ""


def test_a_base_model_that_goes_on_is_cut() -> None:
    assert cut("    return 1\n\nprint(f())\nassert f() == 1", STOPS) == "    return 1\n"


def test_a_snippet_stands_in_a_fence_or_between_marks() -> None:
    assert snippet("The answer:\n```python\nresult = a + 1\n```\nDone") == "result = a + 1"
    assert snippet("<code>\nresult = 2\n</code>\nmore") == "\nresult = 2\n"
    assert snippet("result = 3\nEND SOLUTION\n```") == "result = 3\n"


PROSE = "\n".join(f"Then we take the value of x in line {number}, and it isn't code (really" for number in range(600))
TABLE = "\n".join(f"    if x == {at}:\n        return {{'a': [{at}], 'b': ({at},)}}" for at in range(300))


def test_code_behind_much_prose_is_found() -> None:
    assert python_program(f"{PROSE}\n\ndef f(a):\n    return a\n\nThat's all.", "f") == "def f(a):\n    return a\n"


LONG = {
    "prose": PROSE,
    "code that is broken by prose": f"def g(x):\n{TABLE}\n)\n{PROSE}",
    "code without its end": f"def g(x):\n{TABLE}\n    return (x +",
    "a block without its end": "try:\n" + "    x = [1,\n    2]\n" * 3000,
    "brackets": "x = (\n" * 8000,
}


@pytest.mark.parametrize("kind", LONG)
def test_the_longest_answer_takes_no_more_than_two_seconds(kind: str) -> None:
    """It is cut out on the event loop."""
    began = time.process_time()
    python_program(LONG[kind], "f")
    assert time.process_time() - began < 2.0
