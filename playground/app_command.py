"""`playground` without a command: the screen, on a live engine or on a recording."""

from __future__ import annotations

import gc
import os
import sys
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from playground.headless.arguments import add_target
from playground.headless.errors import CommandError

if TYPE_CHECKING:
    from playground.session.replay import Recording
    from playground.tui.app import PlaygroundApp


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the screen."""
    add_target(parser)
    add_theme(parser)


def add_theme(parser: ArgumentParser) -> None:
    """Add `--theme`."""
    parser.add_argument("--theme", metavar="NAME", help="colours: a shipped theme or one of your own")


def main(args: Namespace) -> int:
    """Open the screen on a live engine; returns the exit code."""
    gc.disable()  # until the first frame is out: collecting while modules load costs a tenth of it
    from playground.config import load_settings
    from playground.headless.target import open_recorder, read_target

    settings = load_settings()
    target = read_target(args, args.preset or settings.preset)
    _require_terminal()
    from playground.tui.app import PlaygroundApp

    _check_theme(args.theme)
    recorder = open_recorder(args, target)
    return _show(
        PlaygroundApp(
            engine=target.engine,
            model=target.load.model,
            options=target.options,
            preset=target.preset,
            theme=args.theme,
            recorder=recorder,
            settings=settings,
            keep_history=not args.no_history,
            trust_remote_code=args.trust_remote_code,
            allow_pickle=args.allow_pickle,
            tensor_parallel=args.tensor_parallel or 1,
            url=args.url or "",
        )
    )


def check(args: Namespace) -> None:
    """Raise what `main` and a first look for the model would raise, for a screen that opens in another process."""
    from playground.config import load_settings
    from playground.headless.target import read_target, require_checkpoint

    target = read_target(args, args.preset or load_settings().preset)
    require_checkpoint(target.engine, target.load.model)
    _check_theme(args.theme)


def open_replay(recording: Recording, speed: float, theme: str | None = None) -> int:
    """Open the screen on a recording; returns the exit code."""
    from playground.config import load_settings

    settings = load_settings()
    _check_theme(theme)
    _require_terminal()
    from playground.tui.app import PlaygroundApp

    return _show(PlaygroundApp(engine="scripted", replay=recording, speed=speed, theme=theme, settings=settings))


def _check_theme(name: str | None) -> None:
    """Raise if this theme is missing or wrong: the app alone would fall back on another one."""
    from playground.theme import load_theme

    if name is not None:
        load_theme(name)


def _require_terminal() -> None:
    """Raise `CommandError` without a terminal, unless the screen is drawn elsewhere: `serve` names a driver."""
    if "TEXTUAL_DRIVER" in os.environ:
        return
    streams = {"standard input": sys.__stdin__, "standard error": sys.__stderr__}  # it reads one and draws on the other
    if lacking := [name for name, stream in streams.items() if not stream or not stream.isatty()]:
        verb = "are none" if len(lacking) > 1 else "is none"
        raise CommandError(
            f"the screen needs a terminal, and {' and '.join(lacking)} {verb}",
            "`playground run` and `replay --headless` do without",
        )


def _show(app: PlaygroundApp) -> int:
    app.run()
    return app.return_code or 0
