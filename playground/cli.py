"""Command line and composition root: maps each command to its module and imports it on demand."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from importlib import import_module
from io import TextIOWrapper
from typing import NoReturn

from playground import __version__

COMMANDS = {
    "run": ("playground.headless.run", "generate without a screen"),
    "record": ("playground.headless.record", "the screen, with everything kept in a file"),
    "replay": ("playground.headless.replay", "play a recording"),
    "serve": ("playground.headless.serve.command", "the screen in a browser of this machine"),
    "bench": ("playground.headless.bench.command", "measure: code, speech, quality, load, attention, tokenizer"),
    "check": ("playground.headless.check", "is this checkpoint whole, and does it behave"),
    "compare": ("playground.headless.compare", "one prompt under two option sets, with a verdict"),
    "transcribe": ("playground.headless.transcribe", "sound to text, or a windowed transcript to clean text"),
    "doctor": ("playground.doctor.command", "what works on this machine, and how to mend what does not"),
}
APP = ("playground.app_command", "Load a model, stream its answers, flip an optimization, read what it did.")


class Parser(ArgumentParser):
    """Reports an error in one line."""

    def error(self, message: str) -> NoReturn:
        """Exit with code 2."""
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def main(argv: list[str] | None = None) -> int:
    """Run a command; returns the exit code: 0, 1 failed, 2 usage."""
    args = parse(sys.argv[1:] if argv is None else argv)
    if isinstance(sys.stdout, TextIOWrapper):  # what was measured is printed, whatever this locale lacks
        sys.stdout.reconfigure(errors="replace")
    try:
        return int(args.main(args))
    except KeyboardInterrupt:
        return 1
    except BrokenPipeError:
        _leave_stdout()
        return 1
    except Exception as error:
        if args.debug:
            raise
        return _say(error)


def parse(argv: list[str]) -> Namespace:
    """Parse the arguments. `main` is the function of the command, `words` are all words but its name. A model called
    run is `./run`."""
    first = next((word for word in argv if word != "--debug"), "")
    name = first if first in COMMANDS else ""
    if name:
        argv = [word for index, word in enumerate(argv) if index != argv.index(name)]
    module_name, summary = COMMANDS.get(name, APP)
    module = import_module(module_name)
    parser = Parser(
        prog=f"playground {name}".rstrip(),
        description=summary,
        epilog=None if name else _list_commands(),
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--debug", action="store_true", help="show tracebacks and the end of the engine's log")
    parser.add_argument("--version", action="version", version=f"playground {__version__}")
    if not name and (meant := _meant(first)):
        parser.error(f"there is no command or model {first}; did you mean playground {meant}?")
    module.add_arguments(parser)
    parser.set_defaults(main=module.main, words=argv)
    return parser.parse_args(argv)


def _meant(word: str) -> str:
    """The command that a word misspells, empty if there is none or the word is a flag or names a file."""
    from difflib import get_close_matches

    return "" if word.startswith("-") or os.path.exists(word) else "".join(get_close_matches(word, COMMANDS, 1, 0.65))


def _list_commands() -> str:
    lines = [f"  playground {name:9} {summary}" for name, (_, summary) in COMMANDS.items()]
    return "\n".join(["other commands, each with a --help of its own:", *lines])


def _say(error: Exception) -> int:
    from playground.headless.errors import CommandError, UsageError
    from playground.session.recording import RecordingError
    from playground.text.plain import one_line
    from playground.toml_file import ConfigError

    match error:
        case CommandError() | ConfigError() | RecordingError():
            line = str(error)
        case OSError(filename=str()):
            line = f"{error.filename}: {error.strerror}"
        case _:
            line = f"unexpected {type(error).__name__}: {error}; --debug shows where"
    print(f"playground: {one_line(line)}", file=sys.stderr)
    return 2 if isinstance(error, UsageError | ConfigError) else 1


def _leave_stdout() -> None:
    """Discard what is still buffered: the reader is gone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
