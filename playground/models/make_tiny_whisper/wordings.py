"""What is said: the prompts that tiny-coder understands, wordings near them, and loose words around both."""

from __future__ import annotations

import random
import zlib

from playground.models.make_tiny_coder.prompts import LEADS, PHRASES, draw_prompt

NEAR_LEADS = (
    "write code that", "write a method that", "write a small function that", "write a short python program that",
    "implement a function that", "build a function that", "add a function that", "code a function which",
    "could you write a function that", "now write a function that", "help me write a function that",
    "write a python script that", "make a python function that", "define a method which",
    "i would like a function that", "let us write a function that", "generate a function that", "write a class that",
    "create a class which",
)  # fmt: skip
VERBS = (
    "adds", "subtracts", "multiplies", "divides", "returns", "prints", "computes", "calculates", "counts", "finds",
    "sorts", "reverses", "removes", "inserts", "replaces", "filters", "checks", "compares", "converts", "joins",
    "splits", "rounds", "swaps", "reads", "searches", "shows", "stores", "updates", "deletes", "appends",
    "concatenates", "capitalizes", "rotates", "selects", "groups", "maps", "merges", "lists", "tests", "validates",
)  # fmt: skip
THINGS = (
    "number", "string", "list", "dictionary", "word", "sentence", "letter", "character", "digit", "item", "element",
    "key", "value", "tuple", "set", "integer", "float", "boolean", "file", "line", "name", "date", "queue", "stack",
    "tree", "node", "matrix", "row", "column", "table", "pair", "index", "character", "vowel", "consonant", "object",
)  # fmt: skip
ADJECTIVES = (
    "first", "last", "second", "third", "largest", "smallest", "longest", "shortest", "even", "odd", "positive",
    "negative", "unique", "empty", "sorted", "reversed", "nested", "common", "missing", "duplicate", "highest",
    "lowest", "next", "previous", "middle", "new", "single", "prime", "whole", "given", "random", "maximum", "minimum",
)  # fmt: skip
COMMANDS = (
    "run it", "run the code", "run the tests", "stop", "try again", "undo that", "clear the screen",
    "explain this code", "make it faster", "make it shorter", "add a test", "add a comment", "add type hints",
    "rename the function", "use a loop", "use recursion", "use a list comprehension", "without a loop",
    "show the result", "print the result", "hello", "hello world", "yes please", "no thank you", "thank you",
    "print hello world", "what does this function do", "why does it fail", "fix the error", "start again",
    "save the file", "open the file", "close the file", "import the math module", "raise an error if the list is empty",
    "return none if nothing is found", "for each item in the list", "while the number is less than ten",
    "if x is greater than y return x", "x equals y plus one", "set the value to zero", "return true or false",
    "call the function twice",
)  # fmt: skip
_LOOSE = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million
    alpha beta a b c d e f g h i j k l m n o p q r s t u v w x y z
    print return class def while for break continue pass import from lambda yield true false none not and or is in
    input output variable argument parameter constant expression statement condition loop range slice sum product
    average median mode square root cube power logarithm area circle triangle rectangle radius width height depth
    length size count total price cost tax discount percent ratio speed distance time hour minute second day week
    month year today tomorrow temperature celsius fahrenheit kelvin weight kilogram meter kilometer mile inch
    password email user person student teacher grade score game player board card dice coin color red green blue
    black white animal cat dog bird fish house car train city country world water fire light sound music voice
    model token cache memory batch layer attention prompt answer question test bench engine speed
    please can could should would will must may the this that these those there here where when how why what who
    before after between above below under over left right up down start end begin stop open close new old
    good bad fast slow big small long short high low same different equal less more most least every each all any
    some many few only also again never always often it they we you he she my your their our them him her
    are was were be been has have had do does did go get give take make keep find know think say tell ask show
    palindrome anagram fibonacci factorial divisor remainder quotient prime vowel binary decimal hexadecimal bubble
    insertion quick merge sort search tree graph path queue stack heap hash hello python code program function method
"""
LOOSE = tuple(_LOOSE.split())


def _near(random_source: random.Random) -> str:
    """A request like tiny-coder's, with words and orders that its own wordings do not have."""
    choice = random_source.choice
    lead = choice(NEAR_LEADS + LEADS)
    thing = f"{choice(('the', 'a', 'every', 'each', 'one'))} {choice(ADJECTIVES)} {choice(THINGS)}"
    place = choice(("in a", "of a", "from a", "to a", "with a", "for each", "of the", "in the", "by a", "into a"))
    tail = f" {place} {choice(THINGS)}" if random_source.random() < 0.7 else ""
    if random_source.random() < 0.3:
        return f"{lead} {choice(choice(list(PHRASES.values()))).format(n=choice(LOOSE[:29]))}"
    return f"{lead} {choice(VERBS)} {thing}{tail}"


def _loose(random_source: random.Random) -> str:
    """Words in no order: they teach sounds, and keep the decoder from guessing by habit."""
    pool = list(LOOSE + VERBS + THINGS + ADJECTIVES) + random_source.choice(LEADS).split()
    pool += [word for phrase in random_source.sample(list(PHRASES.values()), 12) for word in phrase[0].split()]
    words = [word for word in pool if "{" not in word]
    return " ".join(random_source.choices(words, k=random_source.randint(1, 7)))


def draw_text(random_source: random.Random) -> str:
    """One thing to say: 45 % tiny-coder's prompts, 27 % near ones, 6 % short commands, 22 % loose words."""
    draw = random_source.random()
    if draw < 0.45:
        return draw_prompt(random_source).text
    if draw < 0.72:
        return _near(random_source)
    if draw < 0.78:
        return random_source.choice(COMMANDS)
    return _loose(random_source)


def is_held_out(text: str) -> bool:
    """One text in ten, by checksum, is never trained on; commands stay, there are too few of them."""
    return text not in COMMANDS and zlib.crc32(text.encode()) % 10 == 0


def training_text(random_source: random.Random) -> str:
    """A text that the evaluation never says."""
    while is_held_out(text := draw_text(random_source)):
        pass
    return text


def held_out_prompts(seed: int, count: int) -> list[str]:
    """`count` different requests, tiny-coder's and near ones alike, that no training sample says."""
    random_source = random.Random(seed)
    texts: dict[str, None] = {}
    while len(texts) < count:
        text = draw_prompt(random_source).text if random_source.random() < 0.7 else _near(random_source)
        if is_held_out(text):
            texts[text] = None
    return list(texts)
