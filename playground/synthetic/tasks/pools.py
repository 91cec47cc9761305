"""Names and words that tasks draw from."""

from __future__ import annotations

NUMBER_NAMES = ("x", "n", "number", "value", "a", "num", "amount", "count", "score", "price", "size", "level")
PAIR_NAMES = (
    ("a", "b"), ("x", "y"), ("first", "second"), ("left", "right"), ("m", "n"), ("p", "q"), ("low", "high"),
    ("start", "stop"), ("one", "two"),
)  # fmt: skip
LIST_NAMES = ("numbers", "values", "items", "nums", "data", "scores", "prices", "points", "ages", "sizes")
TEXT_NAMES = ("text", "s", "word", "string", "name", "line", "phrase", "message", "title", "label")
WORD_LIST_NAMES = ("words", "names", "strings", "texts", "lines", "titles", "labels", "tags")
DICT_NAMES = ("table", "d", "mapping", "counts", "scores", "prices", "stock", "ages", "data")
CLASS_NAMES = (
    "Counter", "Account", "Stack", "Timer", "Robot", "Player", "Meter", "Basket", "Wallet", "Tank", "Score",
    "Battery", "Ladder", "Shelf", "Cart", "Clock",
)  # fmt: skip
LETTERS = "abcdefghijklmnoprstuvwy"
WORDS = (
    "apple", "river", "stone", "cloud", "green", "level", "paper", "mouse", "house", "train", "radar", "lemon",
    "tiger", "window", "garden", "silver", "bridge", "planet", "noon", "kayak", "music", "table", "sun", "owl", "ant",
    "bee", "sea", "Oslo", "Lima", "Rome", "Anna", "Bob", "Otto", "Kiev", "Ada", "melon", "pepper", "banana", "coffee",
    "letter", "moon",
)  # fmt: skip
