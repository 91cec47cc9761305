"""The texts of a suite: files of the user, or the bundled ones and the model's own."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from playground.bench.texts import Text, read_text, usual_texts
from playground.headless.errors import UsageError
from playground.headless.target import Target


def add_texts(parser: ArgumentParser) -> None:
    """Add `--text`."""
    parser.add_argument(
        "--text",
        type=Path,
        action="append",
        metavar="FILE",
        help="measure on this file of plain text in UTF-8, repeatable; without it on bundled code, English and Russian",
    )


def read_texts(args: Namespace, target: Target) -> list[Text]:
    """Read the texts; raises `UsageError` if a file cannot be read or is empty."""
    if not args.text:
        return usual_texts(target.load.model)
    try:
        texts = [read_text(path) for path in args.text]
    except OSError as error:
        raise UsageError(f"cannot read {error.filename}: {error.strerror}") from None
    if empty := next((text.name for text in texts if not text.content.strip()), None):
        raise UsageError(f"{empty} holds no text")
    return texts
