"""Dictionaries: lookups, filters, counts, inversions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from playground.synthetic.tasks.draw import Draw
from playground.synthetic.tasks.pools import DICT_NAMES, WORD_LIST_NAMES, WORDS
from playground.synthetic.tasks.task import Task

Table = dict[str, int]

# Name -> (result type, expression, wordings, oracle).
WHOLE: dict[str, tuple[str, str, tuple[str, ...], Callable[[Table], Any]]] = {
    "keys": (
        "list[str]",
        "list({d})",
        ("Return the keys of {d}.", "List the keys of {d}."),
        lambda d: [k for k, _ in d.items()],
    ),
    "values": (
        "list[int]",
        "list({d}.values())",
        ("Return the values of {d}.", "List the values of {d}."),
        lambda d: [d[k] for k in d],
    ),
    "sorted_keys": (
        "list[str]",
        "sorted({d})",
        ("Return the keys of {d} in order.", "Return the sorted keys of {d}."),
        lambda d: sorted(d.keys()),
    ),
    "total": (
        "int",
        "sum({d}.values())",
        ("Return the sum of the values of {d}.", "Add up the values of {d}."),
        lambda d: sum(d[k] for k in d),
    ),
    "largest": ("int", "max({d}.values())", ("Return the largest value of {d}.",), lambda d: sorted(d.values())[-1]),
    "smallest": ("int", "min({d}.values())", ("Return the smallest value of {d}.",), lambda d: sorted(d.values())[0]),
    "best_key": (
        "str",
        "max({d}, key={d}.get)",
        ("Return the key of {d} with the largest value.",),
        lambda d: next(k for k in d if d[k] == max(d.values())),
    ),
    "worst_key": (
        "str",
        "min({d}, key={d}.get)",
        ("Return the key of {d} with the smallest value.",),
        lambda d: next(k for k in d if d[k] == min(d.values())),
    ),
    "size": ("int", "len({d})", ("Return how many keys {d} has.", "Count the keys of {d}."), lambda d: len(list(d))),
    "invert": (
        "dict[int, str]",
        "{{value: key for key, value in {d}.items()}}",
        ("Swap keys and values of {d}.", "Return {d} with keys and values swapped."),
        lambda d: dict(zip(d.values(), d.keys(), strict=True)),
    ),
    "pairs": (
        "list[tuple[str, int]]",
        "sorted({d}.items())",
        ("Return the sorted pairs of {d}.",),
        lambda d: [(k, d[k]) for k in sorted(d)],
    ),
    "upper_keys": (
        "dict[str, int]",
        "{{key.upper(): value for key, value in {d}.items()}}",
        ("Return {d} with upper case keys.",),
        lambda d: {k.upper(): d[k] for k in d},
    ),
}

# Name -> (expression for the value, wordings).
CHANGE: dict[str, tuple[str, tuple[str, ...], Callable[[int, int], int]]] = {
    "add": (
        "value + {k}",
        ("Add {k} to every value of {d}.", "Return {d} with every value plus {k}."),
        lambda x, k: x + k,
    ),
    "multiply": (
        "value * {k}",
        ("Multiply every value of {d} by {k}.", "Return {d} with every value times {k}."),
        lambda x, k: x * k,
    ),
    "subtract": ("value - {k}", ("Subtract {k} from every value of {d}.",), lambda x, k: x - k),
}
KEEP: dict[str, tuple[str, tuple[str, ...], Callable[[int, int], bool]]] = {
    "above": ("value > {k}", ("greater than {k}", "above {k}"), lambda x, k: x > k),
    "below": ("value < {k}", ("less than {k}", "below {k}"), lambda x, k: x < k),
    "multiples": ("value % {k} == 0", ("divisible by {k}",), lambda x, k: x % k == 0),
}


def whole_table(draw: Draw) -> Task:
    """Something done with a whole dictionary."""
    verb, d = draw.key(WHOLE), draw.pick(*DICT_NAMES)
    result, expression, wordings, oracle = WHOLE[verb]
    name = draw.pick(verb, f"{verb}_of_{d}", f"get_{verb}", f"{verb}_in_table", f"find_{verb}")
    doc = draw.pick(*wordings).format(d=d)
    band = "easy" if len(expression) < 22 else "medium"
    body = f"return {expression.format(d=d)}"
    inputs = draw.several(draw.table)
    return draw.task("whole_table", band, f"{name}({d}: dict[str, int]) -> {result}", doc, body, oracle, inputs)


def lookup(draw: Draw) -> Task:
    """The value of a fixed key, or a default."""
    d, word, default = draw.pick(*DICT_NAMES), draw.pick(*WORDS), draw.constant(0, 99)
    name = draw.pick(f"get_{word.lower()}", "lookup", "get_value", "find_value", f"{word.lower()}_value")
    doc = draw.pick(
        f"Return the value of '{word}' in {d}, or {default}.",
        f"Look up '{word}' in {d}; {default} if missing.",
        f"Get '{word}' from {d} with default {default}.",
    )
    body = f'return {d}.get("{word}", {default})'
    inputs = [(draw.table(),), ({word: draw.integer()},), (draw.table() | {word: 7},)]
    return draw.task(
        "lookup",
        "easy",
        f"{name}({d}: dict[str, int]) -> int",
        doc,
        body,
        lambda d: next((d[key] for key in d if key == word), default),
        inputs,
    )


def change_values(draw: Draw) -> Task:
    """Change every value in the same way."""
    verb, k, d = draw.key(CHANGE), draw.constant(2, 60), draw.pick(*DICT_NAMES)
    expression, wordings, oracle = CHANGE[verb]
    name = draw.pick(f"{verb}_{k}", f"{verb}_values", f"{verb}_all", f"change_{d}")
    doc = draw.pick(*wordings).format(k=k, d=d)
    body = f"return {{key: {expression.format(k=k)} for key, value in {d}.items()}}"
    signature = f"{name}({d}: dict[str, int]) -> dict[str, int]"
    return draw.task(
        "change_values",
        "medium",
        signature,
        doc,
        body,
        lambda d: {x: oracle(d[x], k) for x in d},
        draw.several(draw.table),
    )


def keep_entries(draw: Draw) -> Task:
    """The entries, keys or count of entries whose value passes a test."""
    verb, k, d = draw.key(KEEP), draw.constant(2, 30), draw.pick(*DICT_NAMES)
    expression, wordings, oracle = KEEP[verb]
    test, wording = expression.format(k=k), draw.pick(*wordings).format(k=k)
    what = draw.pick("entries", "keys", "count")
    result, body, doc = {
        "entries": (
            "dict[str, int]",
            f"{{key: value for key, value in {d}.items() if {test}}}",
            f"Keep the entries of {d} with a value {wording}.",
        ),
        "keys": (
            "list[str]",
            f"[key for key, value in {d}.items() if {test}]",
            f"Return the keys of {d} with a value {wording}.",
        ),
        "count": ("int", f"sum({test} for value in {d}.values())", f"Count the values of {d} that are {wording}."),
    }[what]
    name = draw.pick(f"{what}_{verb}", f"{what}_{verb}_{k}", f"select_{what}", f"{verb}_{k}")

    def expected(table: Table) -> Any:
        kept = {key: table[key] for key in table if oracle(table[key], k)}
        return {"entries": kept, "keys": list(kept), "count": len(kept)}[what]

    signature = f"{name}({d}: dict[str, int]) -> {result}"
    return draw.task("keep_entries", "hard", signature, doc, f"return {body}", expected, draw.several(draw.table))


def count_items(draw: Draw) -> Task:
    """Build a dictionary from a list of words."""
    v, what = draw.pick(*WORD_LIST_NAMES), draw.pick("count", "length", "first", "position")
    item = draw.pick("item", "word", "entry")
    body, doc, oracle = {
        "count": (
            f"{{{item}: {v}.count({item}) for {item} in {v}}}",
            f"Map each {item} of {v} to how often it appears.",
            lambda v: dict(Counter(v)),
        ),
        "length": (
            f"{{{item}: len({item}) for {item} in {v}}}",
            f"Map each {item} of {v} to its length.",
            lambda v: dict(zip(v, map(len, v), strict=True)),
        ),
        "first": (
            f"{{{item}: {item}[0] for {item} in {v}}}",
            f"Map each {item} of {v} to its first letter.",
            lambda v: {w: w[:1] for w in v},
        ),
        "position": (
            f"{{{item}: i for i, {item} in enumerate({v})}}",
            f"Map each {item} of {v} to its position.",
            lambda v: {w: i for i, w in enumerate(v)},
        ),
    }[what]
    name = draw.pick(f"{what}_{v}", f"{what}_table", f"map_{what}", f"{what}_by_{item}", "build_table")
    result = "dict[str, str]" if what == "first" else "dict[str, int]"
    inputs = draw.several(draw.words)
    return draw.task(
        "count_items", "medium", f"{name}({v}: list[str]) -> {result}", doc, f"return {body}", oracle, inputs
    )


FAMILIES = (whole_table, lookup, change_values, keep_entries, count_items)
