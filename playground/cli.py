"""The command line, and the composition root: which part of the program answers it. Imports late, so that it is quick."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from importlib import import_module
from typing import NoReturn

from playground import __version__

COMMANDS = {
    "run": ("playground.headless.run", "generate without a screen"),
}
APP = ("playground.headless.app", "open the playground")


class Parser(ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def main(argv: list[str] | None = None) -> int:
    """Parse, do, and give the exit code: 0, 1 failed, 2 usage."""
    args = parse(sys.argv[1:] if argv is None else argv)
    try:
        return int(args.main(args))
    except KeyboardInterrupt:
        return 1
    except BrokenPipeError:
        _close_stdout()
        return 1
    except Exception as error:
        if args.debug:
            raise
        return _say(error)


def parse(argv: list[str]) -> Namespace:
    """The arguments of a command and the function that does it, as `main`. A model called run is `./run`."""
    first = next((word for word in argv if word != "--debug"), "")
    module_name, summary = COMMANDS.get(first, APP)
    if first in COMMANDS:
        argv = [word for word in argv if word == "--debug"][: argv.index(first)] + argv[argv.index(first) + 1 :]
    module = import_module(module_name)
    parser = Parser(prog=f"playground {first}" if first in COMMANDS else "playground", description=summary)
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    module.add_arguments(parser)
    parser.set_defaults(main=module.main)
    return parser.parse_args(argv)


def _say(error: Exception) -> int:
    from playground.headless.errors import CommandError, UsageError, one_line
    from playground.session.recording import RecordingError
    from playground.toml_file import ConfigError

    match error:
        case CommandError() | ConfigError() | RecordingError():
            line, code = str(error), 2 if isinstance(error, UsageError | ConfigError) else 1
        case OSError(filename=str()):
            line, code = f"{error.filename}: {error.strerror}", 1
        case _:
            line, code = f"unexpected {type(error).__name__}: {error}; --debug shows where", 1
    print(f"playground: {one_line(line)}", file=sys.stderr)
    return code


def _close_stdout() -> None:
    """The reader left; give the interpreter somewhere to flush to."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
