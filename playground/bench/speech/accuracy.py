"""Word, character and sentence error rates by jiwer, and the words that differ."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Literal

import jiwer
import msgspec

NormalizerName = Literal["none", "basic"]
Step = Literal["same", "substituted", "inserted", "deleted"]
_MARKS = re.compile(r"[^\w\s'’-]|_")


class Errors(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of words; rates by the reference's words, characters and sentences, None without a reference."""

    substitutions: int
    insertions: int
    deletions: int
    words: int
    wer: float | None
    cer: float | None
    ser: float | None


def basic(text: str) -> str:
    """Normalize as Whisper's basic normalizer does, for any language: NFKC, lower case, ё as е, no punctuation, single
    spaces."""
    plain = unicodedata.normalize("NFKC", text).lower().replace("ё", "е")
    return " ".join(_MARKS.sub(" ", plain).split())


NORMALIZERS: dict[NormalizerName, Callable[[str], str]] = {"none": lambda text: " ".join(text.split()), "basic": basic}


def count_errors(references: Sequence[str], heard: Sequence[str]) -> Errors:
    """Micro-averages over all pairs of normalized texts. A pair without reference words adds only insertions."""
    pairs = list(zip(references, heard, strict=True))
    spoken = [(expected, text) for expected, text in pairs if expected]
    made_up = sum(len(text.split()) for expected, text in pairs if not expected)
    if not spoken:
        return Errors(substitutions=0, insertions=made_up, deletions=0, words=0, wer=None, cer=None, ser=None)
    expected, texts = [pair[0] for pair in spoken], [pair[1] for pair in spoken]
    found = jiwer.process_words(expected, texts)
    words = found.hits + found.substitutions + found.deletions
    insertions = found.insertions + made_up
    return Errors(
        substitutions=found.substitutions,
        insertions=insertions,
        deletions=found.deletions,
        words=words,
        wer=(found.substitutions + insertions + found.deletions) / words,
        cer=jiwer.process_characters(expected, texts).cer,
        ser=sum(expected != text for expected, text in pairs) / len(pairs),
    )


def difference(reference: str, heard: str) -> list[tuple[Step, str]]:
    """The words of both texts in order: same, substituted, inserted or deleted."""
    if not reference.split():
        return [("inserted", heard)] if heard.split() else []
    found = jiwer.process_words(reference, heard)
    expected, written = found.references[0], found.hypotheses[0]
    steps: list[tuple[Step, str]] = []
    for chunk in found.alignments[0]:
        old = " ".join(expected[chunk.ref_start_idx : chunk.ref_end_idx])
        new = " ".join(written[chunk.hyp_start_idx : chunk.hyp_end_idx])
        match chunk.type:
            case "equal":
                steps.append(("same", new))
            case "insert":
                steps.append(("inserted", new))
            case "delete":
                steps.append(("deleted", old))
            case _:
                steps.append(("substituted", f"{old}▸{new}"))
    return steps
