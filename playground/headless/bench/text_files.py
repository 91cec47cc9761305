"""Which texts a suite runs on: those of the user, or what comes with the program and with the model."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from playground.bench.texts import Text, read_text, usual_texts
from playground.headless.errors import UsageError
from playground.headless.target import Target


def add_texts(parser: ArgumentParser) -> None:
    """`--text`."""
    parser.add_argument(
        "--text",
        type=Path,
        action="append",
        metavar="FILE",
        help="measure on this file, repeatable; without it on bundled code, English and Russian",
    )


def read_texts(args: Namespace, target: Target) -> list[Text]:
    """Raises `UsageError` where a file cannot be read or holds nothing."""
    if not args.text:
        return usual_texts(target.load.model)
    try:
        texts = [read_text(path) for path in args.text]
    except OSError as error:
        raise UsageError(f"cannot read {error.filename}: {error.strerror}") from None
    if empty := next((text.name for text in texts if not text.content.strip()), None):
        raise UsageError(f"{empty} holds no text")
    return texts
