"""Texts to measure on, written for this project: LANGUAGE-DOMAIN.txt, a few kilobytes each."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from playground import paths

HELD_OUT, BETWEEN, SAMPLED = "held_out.txt", "\n\n\n", 6
OWN = "held-out"


class Text(NamedTuple):
    """A text with its name, language and domain."""

    name: str
    language: str
    domain: str
    content: str

    @property
    def size(self) -> int:
        """Bytes in UTF-8."""
        return len(self.content.encode())

    @property
    def words(self) -> int:
        """Number of runs of characters without white space."""
        return len(self.content.split())


def bundled_texts() -> list[Text]:
    """The texts that come with the program."""
    return [read_text(path) for path in sorted(Path(__file__).parent.glob("*.txt"))]


def usual_texts(model: str) -> list[Text]:
    """The model's own text first, if it has one, since the model was made for it; then the bundled ones."""
    own = held_out_text(model)
    return [*([own] if own else []), *bundled_texts()]


def read_text(path: Path) -> Text:
    """Read a file; language and domain come from its name LANGUAGE-DOMAIN. Raises `OSError`; broken UTF-8 becomes
    replacement characters."""
    language, _, domain = path.stem.partition("-")
    content = path.read_bytes().decode("utf-8", "replace")
    return Text(path.stem, language, domain or "–", content)


def held_out_text(model: str) -> Text | None:
    """A sample of the text in the model's folder that it was not trained on, if there is one; the bundled model has
    one."""
    path = paths.model_folder(model) / HELD_OUT
    if not path.is_file():
        return None
    parts = read_text(path).content.split(BETWEEN)
    return Text(OWN, "mixed", OWN, BETWEEN.join(parts[::SAMPLED]))
