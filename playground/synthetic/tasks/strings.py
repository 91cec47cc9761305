"""Strings: methods, slices, counts, tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playground.synthetic.tasks.draw import Draw
from playground.synthetic.tasks.pools import LETTERS, TEXT_NAMES
from playground.synthetic.tasks.task import Task

# Name -> (result type, expression, wordings, oracle).
WHOLE: dict[str, tuple[str, str, tuple[str, ...], Callable[[str], Any]]] = {
    "reverse": ("str", "{s}[::-1]", ("Return {s} reversed.", "Return {s} backwards."), lambda s: "".join(reversed(s))),
    "upper": (
        "str",
        "{s}.upper()",
        ("Return {s} in upper case.", "Make {s} upper case."),
        lambda s: "".join(c.upper() for c in s),
    ),
    "lower": (
        "str",
        "{s}.lower()",
        ("Return {s} in lower case.", "Make {s} lower case."),
        lambda s: "".join(c.lower() for c in s),
    ),
    "capitalize": (
        "str",
        "{s}.capitalize()",
        ("Return {s} with a capital first letter.", "Capitalize {s}."),
        lambda s: s[:1].upper() + s[1:].lower(),
    ),
    "length": (
        "int",
        "len({s})",
        ("Return the length of {s}.", "Count the characters in {s}."),
        lambda s: sum(1 for _ in s),
    ),
    "first_letter": (
        "str",
        "{s}[0]",
        ("Return the first letter of {s}.", "Return the first character of {s}."),
        lambda s: next(iter(s)),
    ),
    "last_letter": (
        "str",
        "{s}[-1]",
        ("Return the last letter of {s}.", "Return the last character of {s}."),
        lambda s: s[len(s) - 1],
    ),
    "is_palindrome": (
        "bool",
        "{s} == {s}[::-1]",
        ("Check whether {s} is a palindrome.", "Tell whether {s} reads the same backwards."),
        lambda s: list(s) == list(reversed(s)),
    ),
    "count_words": (
        "int",
        "len({s}.split())",
        ("Return how many words {s} has.", "Count the words in {s}."),
        lambda s: s.count(" ") + 1,
    ),
    "split_words": (
        "list[str]",
        "{s}.split()",
        ("Return the words of {s}.", "Split {s} into words."),
        lambda s: s.split(" "),
    ),
    "remove_spaces": (
        "str",
        '{s}.replace(" ", "")',
        ("Return {s} without spaces.", "Remove all spaces from {s}."),
        lambda s: "".join(s.split()),
    ),
    "count_vowels": (
        "int",
        'sum(letter in "aeiou" for letter in {s}.lower())',
        ("Count the vowels in {s}.", "Return the number of vowels in {s}."),
        lambda s: len([c for c in s if c in "aeiouAEIOU"]),
    ),
    "remove_vowels": (
        "str",
        '"".join(letter for letter in {s} if letter not in "aeiou")',
        ("Return {s} without vowels.", "Remove the vowels from {s}."),
        lambda s: "".join(c for c in s if "aeiou".find(c) < 0),
    ),
    "swap_ends": (
        "str",
        "{s}[-1] + {s}[1:-1] + {s}[0]",
        ("Swap the first and last letters of {s}.",),
        lambda s: "".join([s[-1], *s[1:-1], s[0]]),
    ),
    "initials": (
        "str",
        '"".join(part[0] for part in {s}.split())',
        ("Return the initials of {s}.", "Return the first letters of the words in {s}."),
        lambda s: "".join(w[:1] for w in s.split()),
    ),
    "sort_letters": (
        "str",
        '"".join(sorted({s}))',
        ("Return the letters of {s} in order.", "Sort the letters of {s}."),
        lambda s: "".join(sorted(s)),
    ),
    "unique_letters": (
        "int",
        "len(set({s}))",
        ("Count the different letters in {s}.", "Return how many different letters {s} has."),
        lambda s: len(dict.fromkeys(s)),
    ),
    "reverse_words": (
        "str",
        '" ".join({s}.split()[::-1])',
        ("Return {s} with its words in reverse order.", "Reverse the words of {s}."),
        lambda s: " ".join(reversed(s.split(" "))),
    ),
    "title_case": (
        "str",
        "{s}.title()",
        ("Return {s} in title case.", "Start each word of {s} with a capital."),
        lambda s: " ".join(w.capitalize() for w in s.split(" ")),
    ),
}

# Name -> (parameter type of the constant, result type, expression, wordings, oracle); {k} is written into the code.
WITH_LETTER: dict[str, tuple[str, str, tuple[str, ...], Callable[[str, str], Any]]] = {
    "count": (
        "int",
        "{s}.count({k})",
        ("Count how often {k} appears in {s}.", "Return the number of {k} in {s}."),
        lambda s, k: len(s.split(k)) - 1,
    ),
    "starts_with": (
        "bool",
        "{s}.startswith({k})",
        ("Check whether {s} starts with {k}.", "Tell whether {s} begins with {k}."),
        lambda s, k: s[:1] == k,
    ),
    "ends_with": ("bool", "{s}.endswith({k})", ("Check whether {s} ends with {k}.",), lambda s, k: s[-1:] == k),
    "has": (
        "bool",
        "{k} in {s}",
        ("Check whether {s} contains {k}.", "Tell whether {k} is in {s}."),
        lambda s, k: s.find(k) >= 0,
    ),
    "remove": (
        "str",
        '{s}.replace({k}, "")',
        ("Return {s} without {k}.", "Remove every {k} from {s}."),
        lambda s, k: "".join(c for c in s if c != k),
    ),
    "find": (
        "int",
        "{s}.find({k})",
        ("Return the position of {k} in {s}, or -1.", "Find {k} in {s}."),
        lambda s, k: s.index(k) if k in s else -1,
    ),
    "append": (
        "str",
        "{s} + {k}",
        ("Return {s} followed by {k}.", "Add {k} to the end of {s}."),
        lambda s, k: "".join([s, k]),
    ),
    "prepend": (
        "str",
        "{k} + {s}",
        ("Return {s} with {k} in front.", "Add {k} to the start of {s}."),
        lambda s, k: "".join([k, s]),
    ),
    "split_at": (
        "list[str]",
        "{s}.split({k})",
        ("Split {s} at {k}.", "Return the parts of {s} between {k}."),
        lambda s, k: "".join("\0" if c == k else c for c in s).split("\0"),
    ),
}

WITH_NUMBER: dict[str, tuple[str, str, tuple[str, ...], Callable[[str, int], Any]]] = {
    "first": ("str", "{s}[:{k}]", ("Return the first {k} letters of {s}.",), lambda s, k: "".join(list(s)[:k])),
    "last": ("str", "{s}[-{k}:]", ("Return the last {k} letters of {s}.",), lambda s, k: s[max(len(s) - k, 0) :]),
    "skip": (
        "str",
        "{s}[{k}:]",
        ("Return {s} without its first {k} letters.", "Drop the first {k} letters of {s}."),
        lambda s, k: "".join(list(s)[k:]),
    ),
    "repeat": (
        "str",
        "{s} * {k}",
        ("Return {s} repeated {k} times.", "Repeat {s} {k} times."),
        lambda s, k: "".join([s] * k),
    ),
    "longer_than": (
        "bool",
        "len({s}) > {k}",
        ("Check whether {s} is longer than {k}.", "Tell whether {s} has more than {k} letters."),
        lambda s, k: s[k:] != "",
    ),
    "every": (
        "str",
        "{s}[::{k}]",
        ("Return every letter of {s} at a step of {k}.", "Return each {k}th letter of {s}."),
        lambda s, k: "".join(c for i, c in enumerate(s) if i % k == 0),
    ),
}


def whole_text(draw: Draw) -> Task:
    """Something done with a whole string."""
    verb = draw.key(WHOLE)
    result, expression, wordings, oracle = WHOLE[verb]
    s = draw.pick(*TEXT_NAMES)
    name = draw.pick(verb, f"{verb}_{s}", f"get_{verb}", f"{verb}_of")
    doc = draw.pick(*wordings).format(s=s)
    body = f"return {expression.format(s=s)}"
    inputs = [*draw.several(draw.word, 2), *draw.several(draw.sentence, 2)]
    band = "easy" if len(expression) < 24 else "medium"
    return draw.task("whole_text", band, f"{name}({s}: str) -> {result}", doc, body, oracle, inputs)


def with_letter(draw: Draw) -> Task:
    """A string and one letter that stands in the docstring."""
    verb, letter, s = draw.key(WITH_LETTER), draw.pick(*LETTERS), draw.pick(*TEXT_NAMES)
    result, expression, wordings, oracle = WITH_LETTER[verb]
    name = draw.pick(f"{verb}_letter", f"{verb}_{letter}", f"{verb}_{s}", verb)
    doc = draw.pick(*wordings).format(s=s, k=f"'{letter}'")
    body = f"return {expression.format(s=s, k=repr(letter).replace(chr(39), chr(34)))}"
    inputs = [*draw.several(draw.word, 3), (letter + draw.word() + letter,)]
    return draw.task(
        "with_letter", "easy", f"{name}({s}: str) -> {result}", doc, body, lambda s: oracle(s, letter), inputs
    )


def with_number(draw: Draw) -> Task:
    """A string and one number that stands in the docstring."""
    verb, k, s = draw.key(WITH_NUMBER), draw.constant(2, 9), draw.pick(*TEXT_NAMES)
    result, expression, wordings, oracle = WITH_NUMBER[verb]
    name = draw.pick(f"{verb}_{k}", f"{verb}_letters", f"{verb}_{s}", f"{verb}_part")
    doc = draw.pick(*wordings).format(s=s, k=k)
    body = f"return {expression.format(s=s, k=k)}"
    inputs = [*draw.several(draw.word, 2), *draw.several(draw.sentence, 2)]
    return draw.task("with_number", "easy", f"{name}({s}: str) -> {result}", doc, body, lambda s: oracle(s, k), inputs)


def greeting(draw: Draw) -> Task:
    """A formatted string around the argument."""
    s, word = (
        draw.pick(*TEXT_NAMES),
        draw.pick("Hello", "Welcome", "Goodbye", "Hi", "Dear", "Thanks", "Good morning", "Sorry"),
    )
    mark = draw.pick("!", ".", "?")
    name = draw.pick("greet", "greeting", "make_message", "say", f"say_{word.split()[0].lower()}", "format_line")
    doc = draw.pick(f"Return '{word}, ' then {s} then '{mark}'.", f"Return '{word}, ', {s} and '{mark}' joined.")
    body = f'return f"{word}, {{{s}}}{mark}"'
    return draw.task(
        "greeting",
        "easy",
        f"{name}({s}: str) -> str",
        doc,
        body,
        lambda s: f"{word}, " + s + mark,
        draw.several(draw.word, 3),
    )


FAMILIES = (whole_text, with_letter, with_number, greeting)
