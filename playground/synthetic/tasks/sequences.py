"""Lists: single operations, with and without a constant."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from playground.synthetic.tasks.draw import Draw
from playground.synthetic.tasks.pools import LIST_NAMES, WORD_LIST_NAMES
from playground.synthetic.tasks.task import Task

# Name -> (result type, expression, wordings, oracle).
WHOLE: dict[str, tuple[str, str, tuple[str, ...], Callable[[list[int]], Any]]] = {
    "total": ("int", "sum({v})", ("Return the sum of {v}.", "Add up {v}."), lambda v: int(sum(map(float, v)))),
    "largest": ("int", "max({v})", ("Return the largest of {v}.", "Find the maximum of {v}."), lambda v: sorted(v)[-1]),
    "smallest": (
        "int",
        "min({v})",
        ("Return the smallest of {v}.", "Find the minimum of {v}."),
        lambda v: sorted(v)[0],
    ),
    "average": (
        "float",
        "sum({v}) / len({v})",
        ("Return the average of {v}.", "Compute the mean of {v}."),
        lambda v: sum(v) / len(v),
    ),
    "length": (
        "int",
        "len({v})",
        ("Return how many items {v} has.", "Count the items of {v}."),
        lambda v: sum(1 for _ in v),
    ),
    "first": ("int", "{v}[0]", ("Return the first item of {v}.",), lambda v: next(iter(v))),
    "last": ("int", "{v}[-1]", ("Return the last item of {v}.",), lambda v: v[len(v) - 1]),
    "reverse": (
        "list[int]",
        "{v}[::-1]",
        ("Return {v} reversed.", "Return {v} in reverse order."),
        lambda v: list(reversed(v)),
    ),
    "sort": (
        "list[int]",
        "sorted({v})",
        ("Return {v} sorted.", "Sort {v} in ascending order."),
        lambda v: _insertion_sort(v),
    ),
    "sort_down": (
        "list[int]",
        "sorted({v}, reverse=True)",
        ("Sort {v} in descending order.", "Return {v} from largest to smallest."),
        lambda v: _insertion_sort(v)[::-1],
    ),
    "spread": (
        "int",
        "max({v}) - min({v})",
        ("Return the difference between the largest and smallest of {v}.", "Return the range of {v}."),
        lambda v: sorted(v)[-1] - sorted(v)[0],
    ),
    "unique": (
        "list[int]",
        "sorted(set({v}))",
        ("Return the sorted unique items of {v}.", "Remove duplicates from {v} and sort."),
        lambda v: _insertion_sort(list(dict.fromkeys(v))),
    ),
    "has_duplicates": (
        "bool",
        "len(set({v})) < len({v})",
        ("Check whether {v} has duplicates.", "Tell whether an item of {v} repeats."),
        lambda v: any(v.count(x) > 1 for x in v),
    ),
    "middle": ("int", "{v}[len({v}) // 2]", ("Return the middle item of {v}.",), lambda v: v[int(len(v) / 2)]),
    "ends": (
        "list[int]",
        "[{v}[0], {v}[-1]]",
        ("Return the first and last items of {v}.",),
        lambda v: list(v[:1]) + v[-1:],
    ),
    "second_largest": (
        "int",
        "sorted({v})[-2]",
        ("Return the second largest of {v}.",),
        lambda v: _insertion_sort(v)[len(v) - 2],
    ),
    "is_sorted": (
        "bool",
        "{v} == sorted({v})",
        ("Check whether {v} is sorted.", "Tell whether {v} is in ascending order."),
        lambda v: all(a <= b for a, b in pairwise(v)),
    ),
    "differences": (
        "list[int]",
        "[b - a for a, b in zip({v}, {v}[1:])]",
        ("Return the differences between neighbours in {v}.",),
        lambda v: [v[i + 1] - v[i] for i in range(len(v) - 1)],
    ),
}

WITH_NUMBER: dict[str, tuple[str, str, tuple[str, ...], Callable[[list[int], int], Any]]] = {
    "first": (
        "list[int]",
        "{v}[:{k}]",
        ("Return the first {k} items of {v}.", "Take {k} items from the start of {v}."),
        lambda v, k: [x for i, x in enumerate(v) if i < k],
    ),
    "last": (
        "list[int]",
        "{v}[-{k}:]",
        ("Return the last {k} items of {v}.", "Take {k} items from the end of {v}."),
        lambda v, k: v[max(0, len(v) - k) :],
    ),
    "skip": (
        "list[int]",
        "{v}[{k}:]",
        ("Return {v} without its first {k} items.", "Drop the first {k} items of {v}."),
        lambda v, k: [x for i, x in enumerate(v) if i >= k],
    ),
    "every": (
        "list[int]",
        "{v}[::{k}]",
        ("Return every item of {v} at a step of {k}.",),
        lambda v, k: [x for i, x in enumerate(v) if not i % k],
    ),
    "contains": (
        "bool",
        "{k} in {v}",
        ("Check whether {k} is in {v}.", "Tell whether {v} contains {k}."),
        lambda v, k: v.count(k) > 0,
    ),
    "count": (
        "int",
        "{v}.count({k})",
        ("Count how often {k} appears in {v}.", "Return the number of {k} in {v}."),
        lambda v, k: len([x for x in v if x == k]),
    ),
    "append": (
        "list[int]",
        "{v} + [{k}]",
        ("Return {v} with {k} at the end.", "Append {k} to {v}."),
        lambda v, k: [*v, k],
    ),
    "prepend": (
        "list[int]",
        "[{k}] + {v}",
        ("Return {v} with {k} in front.", "Put {k} before {v}."),
        lambda v, k: [k, *v],
    ),
    "repeat": (
        "list[int]",
        "{v} * {k}",
        ("Return {v} repeated {k} times.", "Repeat {v} {k} times."),
        lambda v, k: [x for _ in range(k) for x in v],
    ),
    "largest": (
        "list[int]",
        "sorted({v})[-{k}:]",
        ("Return the {k} largest of {v} in ascending order.",),
        lambda v, k: _insertion_sort(v)[max(0, len(v) - k) :],
    ),
}

WORDS: dict[str, tuple[str, str, tuple[str, ...], Callable[[list[str]], Any]]] = {
    "join": (
        "str",
        '" ".join({v})',
        ("Join {v} with spaces.", "Return {v} as one string with spaces."),
        lambda v: "".join(x + " " for x in v)[:-1],
    ),
    "join_comma": (
        "str",
        '", ".join({v})',
        ("Join {v} with commas.", "Return {v} as one string with commas."),
        lambda v: "".join(x + ", " for x in v)[:-2],
    ),
    "longest": (
        "str",
        "max({v}, key=len)",
        ("Return the longest of {v}.", "Find the longest item of {v}."),
        lambda v: next(x for x in v if len(x) == max(map(len, v))),
    ),
    "shortest": (
        "str",
        "min({v}, key=len)",
        ("Return the shortest of {v}.", "Find the shortest item of {v}."),
        lambda v: next(x for x in v if len(x) == min(map(len, v))),
    ),
    "sort_by_length": (
        "list[str]",
        "sorted({v}, key=len)",
        ("Sort {v} by length.", "Return {v} from shortest to longest."),
        lambda v: [x for n in range(40) for x in v if len(x) == n],
    ),
    "total_length": (
        "int",
        "sum(len(item) for item in {v})",
        ("Return the total length of {v}.", "Count all letters in {v}."),
        lambda v: len("".join(v)),
    ),
    "lengths": (
        "list[int]",
        "[len(item) for item in {v}]",
        ("Return the length of each item of {v}.", "Return the lengths of {v}."),
        lambda v: list(map(len, v)),
    ),
    "number": (
        "list[str]",
        'f"{i}: {item}" for i, item in enumerate({v})',
        ("Return each item of {v} with its number, as in '0: item'.",),
        lambda v: [str(i) + ": " + v[i] for i in range(len(v))],
    ),
}


def _insertion_sort(values: list[int]) -> list[int]:
    ordered: list[int] = []
    for value in values:
        place = sum(1 for other in ordered if other <= value)
        ordered.insert(place, value)
    return ordered


def whole_list(draw: Draw) -> Task:
    """Something done with a whole list of integers."""
    verb = draw.key(WHOLE)
    result, expression, wordings, oracle = WHOLE[verb]
    v = draw.pick(*LIST_NAMES)
    name = draw.pick(verb, f"{verb}_{v}", f"get_{verb}", f"{verb}_of_list", f"find_{verb}")
    doc = draw.pick(*wordings).format(v=v)
    band = "easy" if len(expression) < 20 else "medium"
    body = f"return {expression.format(v=v)}"
    inputs = draw.several(draw.integers)
    return draw.task("whole_list", band, f"{name}({v}: list[int]) -> {result}", doc, body, oracle, inputs)


def with_number(draw: Draw) -> Task:
    """A list and one number that stands in the docstring."""
    verb, k, v = draw.key(WITH_NUMBER), draw.constant(2, 9), draw.pick(*LIST_NAMES)
    result, expression, wordings, oracle = WITH_NUMBER[verb]
    name = draw.pick(f"{verb}_{k}", f"{verb}_items", f"{verb}_{v}", f"{verb}_number")
    doc = draw.pick(*wordings).format(v=v, k=k)
    body = f"return {expression.format(v=v, k=k)}"
    inputs = draw.several(lambda: draw.integers(0, 10))
    return draw.task(
        "list_with_number", "easy", f"{name}({v}: list[int]) -> {result}", doc, body, lambda v: oracle(v, k), inputs
    )


def word_list(draw: Draw) -> Task:
    """Something done with a list of strings."""
    verb = draw.key(WORDS)
    result, expression, wordings, oracle = WORDS[verb]
    v = draw.pick(*WORD_LIST_NAMES)
    name = draw.pick(verb, f"{verb}_{v}", f"get_{verb}", f"{verb}_items")
    doc = draw.pick(*wordings).format(v=v)
    code = expression.replace("{v}", v)
    body = f"return [{code}]" if code.startswith("f") else f"return {code}"
    return draw.task(
        "word_list", "medium", f"{name}({v}: list[str]) -> {result}", doc, body, oracle, draw.several(draw.words)
    )


FAMILIES = (whole_list, with_number, word_list)
