"""Small classes: a number that changes, a collection with a limit."""

from __future__ import annotations

from playground.synthetic.tasks.draw import Draw
from playground.synthetic.tasks.pools import CLASS_NAMES
from playground.synthetic.tasks.task import Task

FIELDS = ("total", "value", "level", "score", "count", "amount", "points", "balance")
LIST_FIELDS = ("items", "values", "names", "parts", "entries", "things")
CHANGES = {
    "add": ("+=", 1),
    "increase": ("+=", 1),
    "raise_by": ("+=", 1),
    "subtract": ("-=", -1),
    "decrease": ("-=", -1),
    "lower_by": ("-=", -1),
}


def changing_number(draw: Draw) -> Task:
    """A class that holds one number, and one or two methods that change it."""
    name, field, start = draw.pick(*CLASS_NAMES), draw.pick(*FIELDS), draw.constant(0, 50)
    verbs = [draw.pick("add", "increase", "raise_by")]
    if draw.pick(True, False):
        verbs.append(draw.pick("subtract", "decrease", "lower_by"))
    methods = " and ".join(f"{verb}(amount)" for verb in verbs)
    doc = draw.pick(f"Holds {field}, {start} at first, with {methods}.", f"Starts with {field} {start}; has {methods}.")
    body = [f"def __init__(self) -> None:\n    self.{field} = {start}"]
    body += [f"def {verb}(self, amount: int) -> None:\n    self.{field} {CHANGES[verb][0]} amount" for verb in verbs]
    checks, expected = ["thing = candidate()"], start
    for verb in verbs:
        amount = draw.random.randint(1, 30)
        expected += CHANGES[verb][1] * amount
        checks += [f"thing.{verb}({amount})", f"assert thing.{field} == {expected}"]
    return draw.class_task("changing_number", "hard", name, doc, "\n\n".join(body), checks)


def collection(draw: Draw) -> Task:
    """A class around a list, with a method to put in and one that asks."""
    name, field = draw.pick(*CLASS_NAMES), draw.pick(*LIST_FIELDS)
    put, ask = draw.pick("add", "put", "push", "insert"), draw.pick("size", "last", "first", "has")
    doc = draw.pick(
        f"Keeps {field} in a list, with {put}(item) and {ask}.", f"Holds a list of {field}; has {put}(item) and {ask}."
    )
    argument, result, expression, call, expected = {
        "size": ("", "int", f"len(self.{field})", "()", "2"),
        "last": ("", "int", f"self.{field}[-1]", "()", "5"),
        "first": ("", "int", f"self.{field}[0]", "()", "3"),
        "has": (", item: int", "bool", f"item in self.{field}", "(3)", "True"),
    }[ask]
    body = (
        f"def __init__(self) -> None:\n    self.{field} = []\n\n"
        f"def {put}(self, item: int) -> None:\n    self.{field}.append(item)\n\n"
        f"def {ask}(self{argument}) -> {result}:\n    return {expression}"
    )
    checks = ["thing = candidate()", f"thing.{put}(3)", f"thing.{put}(5)", f"assert thing.{ask}{call} == {expected}"]
    return draw.class_task("collection", "hard", name, doc, body, checks)


FAMILIES = (changing_number, collection)
