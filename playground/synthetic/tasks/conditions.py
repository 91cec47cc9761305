"""Conditions: comparisons, labels by threshold, clamping, fizz buzz with drawn constants."""

from __future__ import annotations

from collections.abc import Callable

from playground.synthetic.tasks.draw import Draw
from playground.synthetic.tasks.pools import NUMBER_NAMES, PAIR_NAMES
from playground.synthetic.tasks.task import Task

# Name -> (expression over {x} and {k}, wordings, oracle).
CHECKS: dict[str, tuple[str, tuple[str, ...], Callable[[int, int], bool]]] = {
    "above": ("{x} > {k}", ("is greater than {k}", "is above {k}"), lambda x, k: not x <= k),
    "below": ("{x} < {k}", ("is less than {k}", "is below {k}"), lambda x, k: not x >= k),
    "at_least": ("{x} >= {k}", ("is at least {k}", "is not below {k}"), lambda x, k: not x < k),
    "at_most": ("{x} <= {k}", ("is at most {k}", "is not above {k}"), lambda x, k: not x > k),
    "equals": ("{x} == {k}", ("equals {k}", "is {k}"), lambda x, k: x - k == 0),
    "differs": ("{x} != {k}", ("is not {k}", "differs from {k}"), lambda x, k: x - k != 0),
    "divisible": ("{x} % {k} == 0", ("is divisible by {k}", "is a multiple of {k}"), lambda x, k: x // k * k == x),
}
FIXED: dict[str, tuple[str, tuple[str, ...], Callable[[int], bool]]] = {
    "is_even": ("{x} % 2 == 0", ("is even",), lambda x: str(x)[-1] in "02468"),
    "is_odd": ("{x} % 2 == 1", ("is odd",), lambda x: str(x)[-1] in "13579"),
    "is_positive": ("{x} > 0", ("is positive",), lambda x: x >= 1),
    "is_negative": ("{x} < 0", ("is negative",), lambda x: x <= -1),
    "is_zero": ("{x} == 0", ("is zero",), lambda x: not x),
}
LABELS = (
    ("low", "high"),
    ("cold", "warm"),
    ("small", "large"),
    ("fail", "pass"),
    ("slow", "fast"),
    ("light", "heavy"),
    ("young", "old"),
    ("cheap", "dear"),
    ("empty", "full"),
    ("quiet", "loud"),
    ("near", "far"),
    ("no", "yes"),
)


def check(draw: Draw) -> Task:
    """A comparison with a constant."""
    verb, k, x = draw.key(CHECKS), draw.constant(2, 60), draw.pick(*NUMBER_NAMES)
    expression, wordings, oracle = CHECKS[verb]
    name = draw.pick(f"is_{verb}", f"{verb}_{k}", f"check_{verb}", f"check_{x}")
    doc = draw.pick("Check whether {0} {1}.", "Tell whether {0} {1}.", "Return True if {0} {1}.")
    doc = doc.format(x, draw.pick(*wordings).format(k=k))
    body = f"return {expression.format(x=x, k=k)}"
    inputs = [(k,), (k + 1,), (k * 3,), (draw.integer(),)]
    return draw.task("check", "easy", f"{name}({x}: int) -> bool", doc, body, lambda x: oracle(x, k), inputs)


def fixed_check(draw: Draw) -> Task:
    """Even, odd, positive, negative, zero."""
    verb, x = draw.key(FIXED), draw.pick(*NUMBER_NAMES)
    expression, wordings, oracle = FIXED[verb]
    name = draw.pick(verb, f"check_{verb[3:]}", f"test_{verb[3:]}", f"{verb}_number")
    doc = draw.pick("Check whether {0} {1}.", "Tell whether {0} {1}.", "Return True if {0} {1}.")
    doc = doc.format(x, draw.pick(*wordings))
    body = f"return {expression.format(x=x)}"
    return draw.task("fixed_check", "easy", f"{name}({x}: int) -> bool", doc, body, oracle, draw.several(draw.integer))


def two_labels(draw: Draw) -> Task:
    """One of two words, by threshold."""
    (low, high), k, x = draw.pick(*LABELS), draw.constant(2, 99), draw.pick(*NUMBER_NAMES)
    name = draw.pick("label", "grade", f"label_{x}", "describe", f"{low}_or_{high}", f"{x}_label")
    doc = draw.pick(
        f"Return '{low}' if {x} is below {k}, else '{high}'.",
        f"Return '{high}' if {x} is at least {k}, else '{low}'.",
    )
    body = f'if {x} < {k}:\n    return "{low}"\nreturn "{high}"'
    if doc.startswith(f"Return '{high}'"):
        body = f'if {x} >= {k}:\n    return "{high}"\nreturn "{low}"'
    inputs = [(k,), (k - 1,), (k + 5,), (draw.integer(),)]
    return draw.task(
        "two_labels", "medium", f"{name}({x}: int) -> str", doc, body, lambda x: (low, high)[x >= k], inputs
    )


def three_labels(draw: Draw) -> Task:
    """One of three words, by two thresholds."""
    (low, high), x = draw.pick(*LABELS), draw.pick(*NUMBER_NAMES)
    k = draw.constant(2, 40)
    limit = k + draw.constant(3, 50)
    middle = draw.pick("medium", "middle", "normal", "fair")
    name = draw.pick("label", "grade", f"classify_{x}", "describe", "level", f"{x}_class")
    doc = f"Return '{low}' if {x} is below {k}, '{middle}' if below {limit}, else '{high}'."
    body = f'if {x} < {k}:\n    return "{low}"\nif {x} < {limit}:\n    return "{middle}"\nreturn "{high}"'
    inputs = [(k - 1,), (k,), (limit - 1,), (limit,)]
    return draw.task(
        "three_labels",
        "hard",
        f"{name}({x}: int) -> str",
        doc,
        body,
        lambda x: (low, middle, high)[(x >= k) + (x >= limit)],
        inputs,
    )


def clamp(draw: Draw) -> Task:
    """A number kept within two limits, or a test that it lies between them."""
    x, k = draw.pick(*NUMBER_NAMES), draw.constant(1, 40)
    limit = k + draw.constant(2, 60)
    what = draw.pick("clamp", "between")
    name = draw.pick(what, f"{what}_{x}", f"{what}_{k}_{limit}", {"clamp": "limit", "between": "in_range"}[what])
    inputs = [(k,), (limit,), (k - 3,), (limit + 4,), (draw.integer(),)]
    if what == "clamp":
        doc = draw.pick(f"Limit {x} to the range {k} to {limit}.", f"Return {x} kept between {k} and {limit}.")
        body, result = f"return max({k}, min({limit}, {x}))", "int"
        return draw.task(
            "clamp", "medium", f"{name}({x}: int) -> {result}", doc, body, lambda x: sorted((k, x, limit))[1], inputs
        )
    doc = draw.pick(f"Check whether {x} is between {k} and {limit}.", f"Tell whether {x} lies from {k} to {limit}.")
    body = f"return {k} <= {x} <= {limit}"
    return draw.task(
        "clamp", "medium", f"{name}({x}: int) -> bool", doc, body, lambda x: x in range(k, limit + 1), inputs
    )


def choose(draw: Draw) -> Task:
    """The larger or smaller of two numbers, or the distance between them."""
    (x, y), what = draw.pick(*PAIR_NAMES), draw.pick("larger", "smaller", "distance", "equal")
    body, result, doc, oracle = {
        "larger": (
            f"if {x} > {y}:\n    return {x}\nreturn {y}",
            "int",
            f"Return the larger of {x} and {y}.",
            lambda x, y: max(x, y),
        ),
        "smaller": (
            f"if {x} < {y}:\n    return {x}\nreturn {y}",
            "int",
            f"Return the smaller of {x} and {y}.",
            lambda x, y: min(x, y),
        ),
        "distance": (
            f"return abs({x} - {y})",
            "int",
            f"Return the distance between {x} and {y}.",
            lambda x, y: max(x, y) - min(x, y),
        ),
        "equal": (f"return {x} == {y}", "bool", f"Check whether {x} and {y} are equal.", lambda x, y: not x - y),
    }[what]
    name = draw.pick(what, f"{what}_of", f"get_{what}", f"{what}_number", f"{what}_two")
    inputs = [(draw.integer(), draw.integer()) for _ in range(4)]
    return draw.task("choose", "easy", f"{name}({x}: int, {y}: int) -> {result}", doc, body, oracle, inputs)


def fizz(draw: Draw) -> Task:
    """Fizz buzz with drawn words and divisors."""
    x, first = draw.pick("n", "number", "x", "value"), draw.constant(2, 6)
    second = first + draw.constant(1, 5)
    one, two = draw.pick(("fizz", "buzz"), ("tick", "tock"), ("ping", "pong"), ("foo", "bar"), ("hip", "hop"))
    name = draw.pick(f"{one}_{two}", f"{one}{two}", "game", "say_number", "label_number")
    doc = f"Return '{one}' for multiples of {first}, '{two}' for multiples of {second}, else {x} as text."
    body = f'if {x} % {first} == 0:\n    return "{one}"\nif {x} % {second} == 0:\n    return "{two}"\nreturn str({x})'
    inputs = [(first,), (second,), (first * second + 1,), (draw.random.randint(1, 60),)]

    def expected(number: int) -> str:
        return next((word for word, k in ((one, first), (two, second)) if not number % k), f"{number}")

    return draw.task("fizz", "hard", f"{name}({x}: int) -> str", doc, body, expected, inputs)


FAMILIES = (check, fixed_check, two_labels, three_labels, clamp, choose, fizz)
