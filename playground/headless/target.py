"""The model, engine and toggles of a command line: flags over the preset over the defaults."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from playground import paths
from playground.config import load_settings
from playground.engine.backends.registry import BACKENDS
from playground.headless.errors import CommandError, UsageError
from playground.protocol.commands import LoadModel, SamplingParams
from playground.protocol.options import DEFAULTS, EngineOptions, with_changes

if TYPE_CHECKING:
    from playground.preset import Preset
    from playground.session.recorder import Recorder

SHOWN = 80  # characters of a model name in a message


class Target(msgspec.Struct, frozen=True):
    """A model on an engine with its toggles."""

    engine: str
    load: LoadModel
    preset: Preset | None

    @property
    def options(self) -> EngineOptions:
        """The requested toggles."""
        return self.load.options


def read_target(args: Namespace, preset_name: str | None, others: Collection[str] = ()) -> Target:
    """Combine flags, preset and defaults; raises `UsageError` and `ConfigError`. `others`: engines that run too."""
    preset = _load_preset(preset_name)
    engine = read_engine(args.engine or (preset.engine if preset else "auto"))
    _check_engine_flags(args, engine, others)
    if engine != "openai":  # names of a server's models are not paths here
        require_local(args.model or "")
    model = args.model or (preset.model if preset else "")
    load = LoadModel(
        model=model or {"scripted": "scripted", "openai": ""}.get(engine, str(paths.bundled_model())),
        options=preset.engine_options(args.changes) if preset else with_changes(DEFAULTS, args.changes),
        trust_remote_code=args.trust_remote_code,
        allow_pickle=args.allow_pickle,
    )
    return Target(engine, on_its_engine(load, args, engine), preset)


def on_its_engine(load: LoadModel, args: Namespace, engine: str) -> LoadModel:
    """Add what flags and settings say for this engine alone; raises `ConfigError`."""
    if engine == "openai":
        return msgspec.structs.replace(load, url=args.url or "", timeout_s=load_settings().engines.openai.timeout_s)
    if engine != "vllm":
        return load
    vllm = load_settings().engines.vllm
    return msgspec.structs.replace(
        load, tensor_parallel=args.tensor_parallel or 1, executor=vllm.executor, in_flight=vllm.in_flight
    )


def read_sampling(args: Namespace, preset: Preset | None) -> SamplingParams:
    """The sampling of the preset or the defaults, with the flags over it."""
    sampling = preset.sampling if preset else SamplingParams()
    given = {name: getattr(args, name) for name in SamplingParams.__struct_fields__ if name != "ignore_eos"}
    changes = {name: value for name, value in given.items() if value is not None}
    return msgspec.structs.replace(sampling, **changes, ignore_eos=args.ignore_eos or sampling.ignore_eos)


def open_recorder(args: Namespace, target: Target) -> Recorder | None:
    """The recorder for `--record`, if it is given."""
    if not args.record:
        return None
    from playground.session.recorder import Recorder

    return Recorder(Path(args.record), model=target.load.model, engine=target.engine)


def _load_preset(name: str | None) -> Preset | None:
    if name is None:
        return None
    from playground.preset import load_preset

    return load_preset(name)


def read_engine(name: str) -> str:
    """The name of a backend; raises `UsageError` if there is none."""
    engine = "transformers" if name == "auto" else name
    if engine not in BACKENDS:
        raise UsageError(f"this version has no {engine} engine", f"there are: {', '.join(BACKENDS)}")
    return engine


def require_local(model: str) -> None:
    """Raise `UsageError` if a model is clearly a local path that does not exist."""
    if paths.is_missing(model):
        raise UsageError(f"there is no {model[:SHOWN]}", paths.SPELLING)


def require_checkpoint(engine: str, model: str, where: str = "") -> None:
    """Raise `CommandError` if an engine would find no checkpoint; what the hub has, it alone can tell. `where`: the
    flag that named it."""
    from playground.engine.backends.base import EngineError
    from playground.engine.checkpoint.checkpoint import require_found

    if engine in ("transformers", "vllm"):
        try:
            require_found(model)
        except EngineError as error:
            raise CommandError(f"{where}{error.message}", error.advice) from None


def require_file(name: str | Path) -> None:
    """Raise `UsageError` if a file that the command line names does not exist."""
    if not Path(name).exists():
        raise UsageError(f"there is no {str(name)[:SHOWN]}", "check the spelling")


def _check_engine_flags(args: Namespace, engine: str, others: Collection[str]) -> None:
    engines = {engine, *others}
    if args.url and "openai" not in engines:
        raise UsageError(f"--url goes with --engine openai, and the engine is {engine}")
    if "openai" in engines and not args.url:
        named = "--engine openai" if engine == "openai" else "engine=openai"
        raise UsageError(f"{named} needs the server", "--url http://host:port/v1")
    if args.tensor_parallel is not None and args.tensor_parallel < 1:
        raise UsageError(f"--tensor-parallel cannot be {args.tensor_parallel}; it takes a number of GPUs from 1")
    if args.tensor_parallel and "vllm" not in engines:
        raise UsageError(f"--tensor-parallel goes with --engine vllm, and the engine is {engine}")
