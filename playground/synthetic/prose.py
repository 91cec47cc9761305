"""Plain text in English and Russian, put together from sentences and words written for this project."""

from __future__ import annotations

import random

from playground.synthetic.prose_english import ENGLISH
from playground.synthetic.prose_russian import RUSSIAN
from playground.synthetic.split import is_held_out

LANGUAGES = {"english": ENGLISH, "russian": RUSSIAN}


def draw_sentence(random_source: random.Random, language: str, held_out: bool) -> str:
    """One sentence of the wanted side of the split: a pattern with every slot filled."""
    grammar = LANGUAGES[language]
    while True:
        pattern = random_source.choice(grammar["sentence"])
        filled = _fill(random_source, grammar, pattern)
        sentence = filled[0].upper() + filled[1:]
        # A pattern without a slot has one sentence only: held out, it would be asked for and never taught.
        if is_held_out(sentence) == held_out and (filled != pattern or not held_out):
            return sentence


def draw_paragraph(random_source: random.Random, language: str | None = None, held_out: bool = False) -> str:
    """Two to six sentences in one language (drawn where None)."""
    chosen = language or random_source.choice(list(LANGUAGES))
    count = random_source.randint(2, 6)
    return " ".join(draw_sentence(random_source, chosen, held_out) for _ in range(count))


def _fill(random_source: random.Random, grammar: dict[str, tuple[str, ...]], pattern: str) -> str:
    words = []
    for word in pattern.split(" "):
        slot = word.rstrip(".,;:?!")
        if slot.isupper() and slot.lower() in grammar:
            filled = _fill(random_source, grammar, random_source.choice(grammar[slot.lower()]))
            words.append(filled + word[len(slot) :])
        else:
            words.append(word)
    return " ".join(words)
