"""Arguments of commands that transcribe sound files, and their recogniser."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from playground import paths
from playground.headless.target import require_local
from playground.headless.values import whole
from playground.protocol.speech import SpeechOptions


def add_recognition(parser: ArgumentParser) -> None:
    """Add the arguments of recognition."""
    parser.add_argument("--device", default="auto", metavar="NAME", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--compute-type", default="default", metavar="KIND", help="such as int8, float16 or float32")
    parser.add_argument("--language", default="auto", metavar="CODE", help="such as en or ru; auto listens for it")
    parser.add_argument("--beam", type=whole(1, 100), default=5, metavar="N", help="1 is greedy")


def read_recognition(args: Namespace, model: str | None) -> SpeechOptions:
    """The options of recognition; without a model the bundled one. Raises `UsageError`."""
    require_local(model or "")
    return SpeechOptions(
        model=model or str(paths.bundled_model(paths.BUNDLED_RECOGNISER)),
        device=args.device,
        compute_type=args.compute_type,
        language=args.language,
        beam=args.beam,
    )
