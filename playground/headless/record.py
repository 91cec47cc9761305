"""`playground record FILE`: the screen, recording everything from the start, for `playground replay`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from playground import app_command
from playground.headless.errors import UsageError


def add_arguments(parser: ArgumentParser) -> None:
    """Add the file, and the arguments of the screen."""
    parser.add_argument("file", metavar="FILE", help="where to keep every command and event; what it held is lost")
    app_command.add_arguments(parser)


def main(args: Namespace) -> int:
    """Open the screen; returns the exit code."""
    if args.record:
        raise UsageError("`record FILE` names the file already", "leave --record out")
    args.record = args.file
    return app_command.main(args)
