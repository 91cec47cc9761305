"""Arguments that several commands share."""

from __future__ import annotations

from argparse import Action, ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import msgspec.inspect

from playground.protocol.option_text import OptionError, parse_assignment
from playground.protocol.options import ENGINES, Value


def add_target(parser: ArgumentParser) -> None:
    """Add the arguments for a model, its engine and its toggles."""
    parser.add_argument("model", nargs="?", metavar="MODEL", help="a folder, a hub id or a server's model")
    parser.add_argument("--engine", choices=ENGINES, help="auto is transformers")
    parser.add_argument("--url", type=_without_secret, help="the server of --engine openai")
    parser.add_argument("--tensor-parallel", type=int, metavar="N", help="GPUs of --engine vllm")
    parser.add_argument("--preset", metavar="NAME", help="model, engine, toggles and sampling from a preset")
    parser.add_argument(
        "--set", dest="changes", metavar="TOGGLE=VALUE", default={}, action=_Assign, help="one toggle; repeatable"
    )
    parser.add_argument("--record", metavar="FILE", help="keep every command and event, for replay")
    add_history(parser)
    parser.add_argument("--trust-remote-code", action="store_true", help="run Python code that comes with the model")
    parser.add_argument("--allow-pickle", action="store_true", help="load weights that are not safetensors")


def _without_secret(url: str) -> str:
    """Addresses are recorded, so one with a key is refused before anything is."""
    if "@" in url or "?" in url or "#" in url:
        raise ArgumentTypeError("an address with a key or a query in it would stand in recordings; use OPENAI_API_KEY")
    return url


def add_history(parser: ArgumentParser) -> None:
    """Add the argument that keeps runs out of the history; see `kept_history`."""
    parser.add_argument("--no-history", action="store_true", help="do not keep these runs")


def add_sampling(parser: ArgumentParser) -> None:
    """Add the arguments of sampling; values that are not given come from the preset."""
    for name, metavar, text in (
        ("max_tokens", "N", "new tokens at most (256)"),
        ("temperature", "T", "0, the default, is greedy"),
        ("top_k", "K", "of the K likeliest tokens"),
        ("top_p", "P", "of the likeliest tokens that make up P"),
        ("min_p", "P", "of the tokens at least P times as likely as the likeliest"),
        ("repetition_penalty", "R", "above 1 makes tokens seen less likely"),
        ("seed", "S", "repeat the same sampling and arrivals"),
    ):
        parser.add_argument(f"--{name.replace('_', '-')}", type=_limited(name), metavar=metavar, help=text)
    parser.add_argument("--stop", action="append", metavar="TEXT", help="end before this text; repeatable")
    parser.add_argument("--ignore-eos", action="store_true", help="EOS does not stop")


def _limited(name: str) -> Callable[[str], Any]:
    def convert(text: str) -> Any:
        from playground.preset import SAMPLING_LIMITS
        from playground.toml_file import describe

        try:
            return msgspec.convert(text, SAMPLING_LIMITS[name], strict=False)
        except msgspec.ValidationError:
            takes = describe(msgspec.inspect.type_info(SAMPLING_LIMITS[name]))
            raise ArgumentTypeError(f"cannot be {text!r}; it takes {takes}") from None

    return convert


class _Assign(Action):
    """Collects TOGGLE=VALUE; the last value of a toggle wins."""

    def __call__(
        self,
        parser: ArgumentParser,
        namespace: Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        changes: dict[str, Value] = dict(getattr(namespace, self.dest))
        try:
            name, value = parse_assignment(str(values))
        except OptionError as error:
            parser.error(f"argument {option_string}: {error}")
        setattr(namespace, self.dest, changes | {name: value})
