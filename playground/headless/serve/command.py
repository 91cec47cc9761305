"""`playground serve`: the screen in a browser of this machine. Each open page is an app with its own engine."""

from __future__ import annotations

import os
import shlex
import socket
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace

from playground import app_command
from playground.headless.errors import CommandError, UsageError

HOST, PORT = "127.0.0.1", 8765
DRIVER = "playground.tui.page_driver:PageDriver"
PORTS = range(1, 65536)


def add_arguments(parser: ArgumentParser) -> None:
    """Add the port, and the arguments of the screen."""
    _add_port(parser)
    app_command.add_arguments(parser)


def main(args: Namespace) -> int:
    """Serve until Ctrl-C; returns the exit code."""
    if args.record:
        raise UsageError("--record is for one app, and each page that is opened starts its own", "^R records there")
    app_command.check(args)
    try:
        from playground.headless.serve.server import serve
    except ModuleNotFoundError as error:
        advice = "`pip install 'textual-serve==1.1.*'` installs it"
        raise CommandError(f"the browser needs {error.name}, which is missing", advice) from None
    serve(_app_command(args.words), _listen(args.port))
    return 0


def _app_command(words: list[str]) -> str:
    """The command of the app, for a shell that it replaces (exec): signals and the end of the pipe reach the app
    itself. But not Ctrl+C, which a terminal sends to all at once: the server ends its apps."""
    only_port = ArgumentParser(add_help=False, allow_abbrev=False)
    _add_port(only_port)
    app = [sys.executable, "-m", "playground", *only_port.parse_known_args(words)[1]]
    return f"trap '' INT; {shlex.join(['exec', 'env', f'TEXTUAL_DRIVER={DRIVER}', *app])}"


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        why = os.strerror(error.errno or 0)  # strerror alone, without the address that the library adds
        raise CommandError(f"cannot listen on port {port}: {why}", "--port N takes another") from None


def _add_port(parser: ArgumentParser) -> None:
    parser.add_argument("--port", type=_port, default=PORT, metavar="N", help=f"of {HOST} ({PORT})")


def _port(text: str) -> int:
    if not (text.isdecimal() and int(text) in PORTS):
        raise ArgumentTypeError(f"cannot be {text!r}; it takes a port from {PORTS[0]} to {PORTS[-1]}")
    return int(text)
