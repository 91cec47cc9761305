"""Arithmetic on one, two or three numbers."""

from __future__ import annotations

from collections.abc import Callable

from playground.synthetic.tasks.draw import Draw
from playground.synthetic.tasks.pools import NUMBER_NAMES, PAIR_NAMES
from playground.synthetic.tasks.task import Task

# Verb in function names -> (sign, wordings over {x} and {y}).
BINARY = {
    "add": ("+", ("Return the sum of {x} and {y}.", "Add {x} and {y}.", "Return {x} plus {y}.")),
    "subtract": ("-", ("Return {x} minus {y}.", "Subtract {y} from {x}.", "Return the difference of {x} and {y}.")),
    "multiply": ("*", ("Return the product of {x} and {y}.", "Multiply {x} by {y}.", "Return {x} times {y}.")),
    "divide_whole": ("//", ("Return {x} divided by {y}, rounded down.", "Divide {x} by {y} without remainder.")),
    "remainder": ("%", ("Return the remainder of {x} divided by {y}.", "Return {x} modulo {y}.")),
}
APPLY = {
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "*": lambda x, y: x * y,
    "//": lambda x, y: x // y,
    "%": lambda x, y: x % y,
}
# Function of one number -> (expression, wordings, oracle).
UNARY = {
    "square": ("{x} * {x}", ("Return the square of {x}.", "Square {x}."), lambda x: x**2),
    "cube": ("{x} ** 3", ("Return the cube of {x}.", "Return {x} to the third power."), lambda x: x * x * x),
    "double": ("{x} * 2", ("Return twice {x}.", "Double {x}."), lambda x: x + x),
    "negate": ("-{x}", ("Return the negative of {x}.", "Change the sign of {x}."), lambda x: 0 - x),
    "absolute": ("abs({x})", ("Return the absolute value of {x}.",), lambda x: x if x > 0 else -x),
    "next_number": ("{x} + 1", ("Return the number after {x}.", "Return {x} increased by one."), lambda x: x + 1),
    "last_digit": ("abs({x}) % 10", ("Return the last digit of {x}.",), lambda x: int(str(x)[-1])),
    "digit_count": ("len(str(abs({x})))", ("Return how many digits {x} has.",), lambda x: len(str(x).strip("-"))),
    "digit_sum": (
        "sum(int(digit) for digit in str(abs({x})))",
        ("Return the sum of the digits of {x}.", "Add up the digits of {x}."),
        lambda x: sum(map(int, str(x).strip("-"))),
    ),
}


def binary(draw: Draw) -> Task:
    """Two numbers and a sign."""
    verb = draw.key(BINARY)
    sign, wordings = BINARY[verb]
    x, y = draw.pick(*PAIR_NAMES)
    name = draw.pick(verb, f"{verb}_numbers", f"{verb}_two", f"{verb}_{x}_{y}", f"get_{verb}")
    inputs = [(draw.integer(), draw.random.randint(1, 12)) for _ in range(4)]
    doc = draw.pick(*wordings).format(x=x, y=y)
    return draw.task(
        "binary", "easy", f"{name}({x}: int, {y}: int) -> int", doc, f"return {x} {sign} {y}", APPLY[sign], inputs
    )


def with_constant(draw: Draw) -> Task:
    """One number, a sign and a constant."""
    verb = draw.key(BINARY)
    sign, wordings = BINARY[verb]
    x, k = draw.pick(*NUMBER_NAMES), draw.constant(2, 99)
    name = draw.pick(f"{verb}_{k}", f"{verb}_constant", f"{verb}_number", f"apply_{verb}")
    doc = draw.pick(*wordings).format(x=x, y=k)
    body = f"return {x} {sign} {k}"
    return draw.task(
        "with_constant",
        "easy",
        f"{name}({x}: int) -> int",
        doc,
        body,
        lambda x: APPLY[sign](x, k),
        draw.several(draw.integer),
    )


def unary(draw: Draw) -> Task:
    """A named function of one number."""
    verb = draw.key(UNARY)
    expression, wordings, oracle = UNARY[verb]
    x = draw.pick(*NUMBER_NAMES)
    name = draw.pick(verb, f"get_{verb}", f"{verb}_of", f"find_{verb}")
    doc = draw.pick(*wordings).format(x=x)
    body = f"return {expression.format(x=x)}"
    return draw.task("unary", "easy", f"{name}({x}: int) -> int", doc, body, oracle, draw.several(draw.integer))


def linear(draw: Draw) -> Task:
    """Multiply by a constant, then add or subtract another."""
    x, k, c = draw.pick(*NUMBER_NAMES), draw.constant(2, 12), draw.constant(1, 50)
    sign, word = draw.pick(("+", "plus"), ("-", "minus"))
    name = draw.pick("linear", "scale", "compute", "transform", "adjust", "convert")
    doc = draw.pick(
        f"Return {x} times {k} {word} {c}.", f"Multiply {x} by {k}, {word} {c}.", f"Return {k} * {x} {sign} {c}."
    )
    body = f"return {x} * {k} {sign} {c}"
    signed = c if sign == "+" else -c
    return draw.task(
        "linear", "medium", f"{name}({x}: int) -> int", doc, body, lambda x: k * x + signed, draw.several(draw.integer)
    )


def average(draw: Draw) -> Task:
    """Mean of two or three numbers."""
    names = draw.pick(
        ("a", "b"), ("x", "y"), ("a", "b", "c"), ("x", "y", "z"), ("first", "second", "third"), ("m", "n")
    )
    name = draw.pick("average", "mean", "get_average", "find_mean", f"average_of_{len(names)}")
    listed = " and ".join([", ".join(names[:-1]), names[-1]])
    doc = draw.pick(
        f"Return the average of {listed}.", f"Return the mean of {listed}.", f"Compute the mean of {listed}."
    )
    signature = f"{name}({', '.join(f'{one}: float' for one in names)}) -> float"
    inputs = [tuple(draw.integer() for _ in names) for _ in range(3)]
    body = f"return ({' + '.join(names)}) / {len(names)}"
    return draw.task("average", "easy", signature, doc, body, lambda *given: sum(given) / len(given), inputs)


def geometry(draw: Draw) -> Task:
    """Areas, perimeters and volumes of boxes."""
    shape = draw.pick("rectangle", "box", "square", "triangle", "cube")
    measure = draw.key(GEOMETRY[shape])
    names, body, oracle = GEOMETRY[shape][measure]
    name = draw.pick(f"{shape}_{measure}", f"{measure}_of_{shape}", f"get_{shape}_{measure}", measure)
    doc = draw.pick(
        f"Return the {measure} of a {shape}.",
        f"Compute the {measure} of a {shape}.",
        f"{measure.capitalize()} of a {shape}.",
    )
    signature = f"{name}({', '.join(f'{one}: int' for one in names)}) -> int"
    inputs = [tuple(draw.random.randint(1, 20) for _ in names) for _ in range(3)]
    return draw.task("geometry", "medium", signature, doc, f"return {body}", oracle, inputs)


GEOMETRY: dict[str, dict[str, tuple[tuple[str, ...], str, Callable[..., int]]]] = {
    "rectangle": {
        "area": (("width", "height"), "width * height", lambda w, h: w * h),
        "perimeter": (("width", "height"), "2 * (width + height)", lambda w, h: w + w + h + h),
    },
    "box": {
        "volume": (("width", "height", "depth"), "width * height * depth", lambda w, h, d: w * h * d),
        "surface": (
            ("width", "height", "depth"),
            "2 * (width * height + width * depth + height * depth)",
            lambda w, h, d: 2 * w * h + 2 * w * d + 2 * h * d,
        ),
    },
    "square": {
        "area": (("side",), "side * side", lambda a: a**2),
        "perimeter": (("side",), "4 * side", lambda a: a * 4),
    },
    "triangle": {
        "perimeter": (("a", "b", "c"), "a + b + c", lambda *sides: sum(sides)),
    },
    "cube": {
        "volume": (("side",), "side ** 3", lambda a: a * a * a),
        "surface": (("side",), "6 * side * side", lambda a: 6 * a**2),
    },
}

FAMILIES = (binary, with_constant, unary, linear, average, geometry)
