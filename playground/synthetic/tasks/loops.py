"""Loops over numbers and lists whose bodies take several lines."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from playground.synthetic.tasks.draw import Draw
from playground.synthetic.tasks.pools import LIST_NAMES, TEXT_NAMES
from playground.synthetic.tasks.task import Task

NAMES = ("n", "number", "limit", "top", "value", "x", "last", "size", "end")

# Name -> (result type, body over {n}, wordings, oracle).
NUMBER: dict[str, tuple[str, str, tuple[str, ...], Callable[[int], Any]]] = {
    "factorial": (
        "int",
        "result = 1\nfor i in range(2, {n} + 1):\n    result *= i\nreturn result",
        ("Return the factorial of {n}.", "Compute {n} factorial."),
        math.factorial,
    ),
    "fibonacci": (
        "int",
        "a, b = 0, 1\nfor _ in range({n}):\n    a, b = b, a + b\nreturn a",
        ("Return Fibonacci number {n}.", "Compute the Fibonacci number at {n}."),
        lambda n: round(((1 + 5**0.5) / 2) ** n / 5**0.5),
    ),
    "sum_to": (
        "int",
        "return {n} * ({n} + 1) // 2",
        ("Return the sum of the numbers from 1 to {n}.", "Add all numbers up to {n}."),
        lambda n: sum(range(n + 1)),
    ),
    "sum_squares": (
        "int",
        "return sum(i * i for i in range(1, {n} + 1))",
        ("Return the sum of the squares from 1 to {n}.",),
        lambda n: n * (n + 1) * (2 * n + 1) // 6,
    ),
    "count_to": (
        "list[int]",
        "return list(range(1, {n} + 1))",
        ("Return the numbers from 1 to {n}.", "List the numbers from 1 to {n}."),
        lambda n: [i + 1 for i in range(n)],
    ),
    "countdown": (
        "list[int]",
        "return list(range({n}, 0, -1))",
        ("Return the numbers from {n} down to 1.", "Count down from {n} to 1."),
        lambda n: [n - i for i in range(n)],
    ),
    "evens_to": (
        "list[int]",
        "return list(range(2, {n} + 1, 2))",
        ("Return the even numbers from 2 to {n}.",),
        lambda n: [i for i in range(1, n + 1) if i % 2 == 0],
    ),
    "divisors": (
        "list[int]",
        "return [i for i in range(1, {n} + 1) if {n} % i == 0]",
        ("Return the divisors of {n}.", "List all divisors of {n}."),
        lambda n: [i for i in range(1, n + 1) if n // i * i == n],
    ),
    "is_prime": (
        "bool",
        "if {n} < 2:\n    return False\n"
        "for i in range(2, {n}):\n    if {n} % i == 0:\n        return False\nreturn True",
        ("Check whether {n} is a prime number.", "Tell whether {n} is prime."),
        lambda n: n in (2, 3, 5, 7, 11, 13, 17, 19),
    ),
    "halvings": (
        "int",
        "count = 0\nwhile {n} > 1:\n    {n} //= 2\n    count += 1\nreturn count",
        ("Count how often {n} can be halved before it reaches 1.",),
        lambda n: max(0, n.bit_length() - 1),
    ),
    "binary": (
        "str",
        "return bin({n})[2:]",
        ("Return {n} in binary.", "Convert {n} to a binary string."),
        lambda n: f"{n:b}",
    ),
    "reverse_digits": (
        "int",
        "return int(str({n})[::-1])",
        ("Return {n} with its digits reversed.",),
        lambda n: int("".join(reversed(str(n)))),
    ),
}

LIST: dict[str, tuple[str, str, tuple[str, ...], Callable[[list[int]], Any]]] = {
    "running_total": (
        "list[int]",
        "result = []\ntotal = 0\nfor x in {v}:\n    total += x\n    result.append(total)\nreturn result",
        ("Return the running totals of {v}.",),
        lambda v: [sum(v[: i + 1]) for i in range(len(v))],
    ),
    "product": (
        "int",
        "result = 1\nfor x in {v}:\n    result *= x\nreturn result",
        ("Return the product of {v}.", "Multiply all of {v}."),
        math.prod,
    ),
    "largest_loop": (
        "int",
        "best = {v}[0]\nfor x in {v}:\n    if x > best:\n        best = x\nreturn best",
        ("Return the largest of {v}. Use a loop.",),
        max,
    ),
    "smallest_loop": (
        "int",
        "best = {v}[0]\nfor x in {v}:\n    if x < best:\n        best = x\nreturn best",
        ("Return the smallest of {v}. Use a loop.",),
        min,
    ),
    "unique_loop": (
        "list[int]",
        "result = []\nfor x in {v}:\n    if x not in result:\n        result.append(x)\nreturn result",
        ("Return {v} without duplicates, in order.", "Remove duplicates from {v} and keep the order."),
        lambda v: list(dict.fromkeys(v)),
    ),
    "count_loop": (
        "dict[int, int]",
        "counts = {{}}\nfor x in {v}:\n    counts[x] = counts.get(x, 0) + 1\nreturn counts",
        ("Count how often each item of {v} appears.",),
        lambda v: {x: v.count(x) for x in v},
    ),
    "largest_position": (
        "int",
        "best = 0\nfor i, x in enumerate({v}):\n    if x > {v}[best]:\n        best = i\nreturn best",
        ("Return the position of the largest of {v}.",),
        lambda v: v.index(max(v)),
    ),
    "bubble_sort": (
        "list[int]",
        "result = list({v})\nfor i in range(len(result)):\n    for j in range(len(result) - 1):\n"
        "        if result[j] > result[j + 1]:\n            result[j], result[j + 1] = result[j + 1], result[j]\n"
        "return result",
        ("Sort {v} with bubble sort.",),
        sorted,
    ),
}

TEXT: dict[str, tuple[str, str, tuple[str, ...], Callable[[str], Any]]] = {
    "letter_counts": (
        "dict[str, int]",
        "counts = {{}}\nfor letter in {s}:\n    counts[letter] = counts.get(letter, 0) + 1\nreturn counts",
        ("Count how often each letter of {s} appears.", "Return the letter counts of {s}."),
        lambda s: {c: s.count(c) for c in s},
    ),
    "double_letters": (
        "str",
        'result = ""\nfor letter in {s}:\n    result += letter * 2\nreturn result',
        ("Return {s} with every letter doubled.",),
        lambda s: "".join(c + c for c in s),
    ),
    "longest_in": (
        "str",
        'best = ""\nfor part in {s}.split():\n    if len(part) > len(best):\n        best = part\nreturn best',
        ("Return the longest word of {s}. Use a loop.",),
        lambda s: max(s.split(), key=len),
    ),
    "vowel_loop": (
        "int",
        'count = 0\nfor letter in {s}:\n    if letter in "aeiou":\n        count += 1\nreturn count',
        ("Count the vowels in {s}. Use a loop.",),
        lambda s: len([c for c in s if "aeiou".find(c) >= 0]),
    ),
}


def number_loop(draw: Draw) -> Task:
    """A loop or range up to a number."""
    verb, n = draw.key(NUMBER), draw.pick(*NAMES)
    result, body, wordings, oracle = NUMBER[verb]
    name = draw.pick(verb, f"get_{verb}", f"{verb}_{n}", f"compute_{verb}", f"find_{verb}")
    doc = draw.pick(*wordings).format(n=n)
    inputs = [(k,) for k in draw.random.sample(range(1, 21), 4)]
    band = "hard" if "\n" in body else "medium"
    return draw.task("number_loop", band, f"{name}({n}: int) -> {result}", doc, body.format(n=n), oracle, inputs)


def list_loop(draw: Draw) -> Task:
    """A loop over a list with a running result."""
    verb, v = draw.key(LIST), draw.pick(*LIST_NAMES)
    result, body, wordings, oracle = LIST[verb]
    name = draw.pick(verb, f"get_{verb}", f"{verb}_{v}", f"compute_{verb}", f"find_{verb}")
    doc = draw.pick(*wordings).format(v=v)
    inputs = draw.several(lambda: draw.integers(-9, 12))
    return draw.task("list_loop", "hard", f"{name}({v}: list[int]) -> {result}", doc, body.format(v=v), oracle, inputs)


def text_loop(draw: Draw) -> Task:
    """A loop over the letters or words of a string."""
    verb, s = draw.key(TEXT), draw.pick(*TEXT_NAMES)
    result, body, wordings, oracle = TEXT[verb]
    name = draw.pick(verb, f"get_{verb}", f"{verb}_{s}", f"compute_{verb}", f"find_{verb}")
    doc = draw.pick(*wordings).format(s=s)
    inputs = draw.several(draw.sentence, 3)
    return draw.task("text_loop", "hard", f"{name}({s}: str) -> {result}", doc, body.format(s=s), oracle, inputs)


def repeated(draw: Draw) -> Task:
    """A line of marks or a table of multiples, with drawn constants."""
    n, k, what = draw.pick(*NAMES), draw.constant(2, 30), draw.pick("multiples", "powers", "add")
    name = draw.pick(f"{what}_of_{k}", f"{what}_list", f"first_{what}", f"list_{what}")
    doc, body, oracle = {
        "multiples": (
            f"Return the first {{n}} multiples of {k}.",
            f"return [{k} * i for i in range(1, {{n}} + 1)]",
            lambda n: list(range(k, k * n + 1, k)),
        ),
        "powers": (
            f"Return the first {{n}} powers of {k}.",
            f"return [{k} ** i for i in range({{n}})]",
            lambda n: [math.prod([k] * i) for i in range(n)],
        ),
        "add": (
            f"Return {{n}} numbers that start at {k} and grow by one.",
            f"return [{k} + i for i in range({{n}})]",
            lambda n: list(range(k, k + n)),
        ),
    }[what]
    inputs = [(count,) for count in draw.random.sample(range(1, 9), 3)]
    signature = f"{name}({n}: int) -> list[int]"
    return draw.task("repeated", "medium", signature, doc.format(n=n), body.format(n=n), oracle, inputs)


FAMILIES = (number_loop, list_loop, text_loop, repeated)
