"""Which numbers, what with each, what with all: every combination as a comprehension or as a loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playground.synthetic.tasks.draw import Draw
from playground.synthetic.tasks.pools import LIST_NAMES
from playground.synthetic.tasks.task import Task


@dataclass(frozen=True)
class Which:
    """A choice of numbers: as a noun, as an adjective, as a condition, and its meaning."""

    noun: str
    adjective: str
    condition: str
    keeps: Callable[[int, int], bool]


WHICH = {
    "all": Which("the numbers", "a number", "", lambda x, k: True),
    "even": Which("the even numbers", "even", "{x} % 2 == 0", lambda x, k: x & 1 == 0),
    "odd": Which("the odd numbers", "odd", "{x} % 2 == 1", lambda x, k: x & 1 == 1),
    "positive": Which("the positive numbers", "positive", "{x} > 0", lambda x, k: x >= 1),
    "negative": Which("the negative numbers", "negative", "{x} < 0", lambda x, k: x <= -1),
    "above": Which("the numbers above {k}", "above {k}", "{x} > {k}", lambda x, k: not x <= k),
    "below": Which("the numbers below {k}", "below {k}", "{x} < {k}", lambda x, k: not x >= k),
    "multiples": Which("the multiples of {k}", "a multiple of {k}", "{x} % {k} == 0", lambda x, k: x // k * k == x),
    "other": Which("the numbers other than {k}", "other than {k}", "{x} != {k}", lambda x, k: x - k != 0),
}
# Name -> (wording over {group} and {k}, expression over {x} and {k}, oracle).
WHAT: dict[str, tuple[str, str, Callable[[int, int], Any]]] = {
    "same": ("{group}", "{x}", lambda x, k: x),
    "squares": ("the squares of {group}", "{x} * {x}", lambda x, k: x**2),
    "doubles": ("the doubles of {group}", "{x} * 2", lambda x, k: x + x),
    "negatives": ("the negatives of {group}", "-{x}", lambda x, k: 0 - x),
    "sizes": ("the absolute values of {group}", "abs({x})", lambda x, k: x if x > 0 else -x),
    "texts": ("{group} as strings", "str({x})", lambda x, k: f"{x}"),
    "plus": ("{group}, each plus {k}", "{x} + {k}", lambda x, k: x + k),
    "minus": ("{group}, each minus {k}", "{x} - {k}", lambda x, k: x - k),
    "times": ("{group}, each times {k}", "{x} * {k}", lambda x, k: x * k),
}
RESULTS = {"list": "list[int]", "sum": "int", "count": "int", "any": "bool", "all": "bool"}


@dataclass(frozen=True)
class Parts:
    """The drawn words, code and meaning of one combination."""

    aggregate: str
    result: str
    values: str
    item: str
    condition: str
    expression: str
    doc: str
    name: str
    oracle: Callable[[list[int]], Any]


def comprehension(draw: Draw) -> Task:
    """The combination in one expression."""
    parts = _parts(draw)
    clause = f" for {parts.item} in {parts.values}"
    condition = f" if {parts.condition}" if parts.condition else ""
    body = {
        "list": f"[{parts.expression}{clause}{condition}]",
        "sum": f"sum({parts.expression}{clause}{condition})",
        "count": f"len([{parts.item}{clause}{condition}])",
        "any": f"any({parts.condition}{clause})",
        "all": f"all({parts.condition}{clause})",
    }[parts.aggregate]
    return _task(draw, parts, "comprehension", "medium", parts.doc, f"return {body}")


def loop(draw: Draw) -> Task:
    """The combination as a loop with a test and a running result."""
    parts = _parts(draw)
    step = {
        "list": f"result.append({parts.expression})",
        "sum": f"total += {parts.expression}",
        "count": "count += 1",
        "any": "return True",
        "all": "return False",
    }[parts.aggregate]
    start, end = {
        "list": ("result = []\n", "result"),
        "sum": ("total = 0\n", "total"),
        "count": ("count = 0\n", "count"),
        "any": ("", "False"),
        "all": ("", "True"),
    }[parts.aggregate]
    condition = f"not {parts.condition}" if parts.aggregate == "all" else parts.condition
    inner = f"    if {condition}:\n        {step}" if condition else f"    {step}"
    body = f"{start}for {parts.item} in {parts.values}:\n{inner}\nreturn {end}"
    return _task(draw, parts, "loop", "hard", f"{parts.doc} Use a loop.", body)


def _combination(draw: Draw) -> tuple[str, str, str]:
    """Names out of RESULTS, WHICH and WHAT that make sense together."""
    aggregate, which, what = (draw.random.choice(list(table)) for table in (RESULTS, WHICH, WHAT))
    if aggregate in ("any", "all") and which == "all":
        which = "multiples"
    if aggregate not in ("list", "sum"):
        what = "same"
    if aggregate == "sum" and what == "texts":
        what = "squares"
    return aggregate, which, what


def _parts(draw: Draw) -> Parts:
    aggregate, which, what = _combination(draw)
    draw.choices += [aggregate, which, what]  # names and constants apart: a held-out combination is new in every name
    values, item = draw.random.choice(LIST_NAMES), draw.random.choice(("x", "value", "number", "item", "n"))
    k, c = draw.random.randint(2, 20), draw.random.randint(2, 20)
    chosen = WHICH[which]
    wording, expression, change = WHAT[what]
    group = f"{chosen.noun.format(k=k)} in {values}"
    adjective = chosen.adjective.format(k=k)
    changed = wording.format(group=group, k=c)
    doc = {
        "list": f"Return {changed}.",
        "sum": f"Return the sum of {changed}.",
        "count": f"Count {group}.",
        "any": f"Check whether any of {values} is {adjective}.",
        "all": f"Check whether every one of {values} is {adjective}.",
    }[aggregate]

    def oracle(given: list[int]) -> Any:
        kept = [change(x, c) for x in given if chosen.keeps(x, k)]
        return {
            "list": kept,
            "sum": sum(kept) if aggregate == "sum" else 0,
            "count": len(kept),
            "any": bool(kept),
            "all": len(kept) == len(given),
        }[aggregate]

    name = draw.random.choice(
        (f"{aggregate}_{which}", f"{which}_{values}", f"{what}_{which}", f"{aggregate}_of_{what}", "compute", "collect")
    )
    condition, expression = chosen.condition.format(x=item, k=k), expression.format(x=item, k=c)
    result = "list[str]" if what == "texts" else RESULTS[aggregate]
    return Parts(aggregate, result, values, item, condition, expression, doc, name, oracle)


def _task(draw: Draw, parts: Parts, family: str, band: str, doc: str, body: str) -> Task:
    signature = f"{parts.name}({parts.values}: list[int]) -> {parts.result}"
    return draw.task(family, band, signature, doc, body, parts.oracle, draw.several(lambda: draw.integers(-20, 30)))


FAMILIES = (comprehension, loop)
