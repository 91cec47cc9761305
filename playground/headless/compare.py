"""`playground compare`: one prompt under two option sets, or on two models or engines, with a verdict in words."""

from __future__ import annotations

import asyncio
import os
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from playground import paths
from playground.bench.compare.course import Plan, Side, compare
from playground.bench.compare.runs import Comparison
from playground.bench.compare.verdict import name_of, verdict
from playground.bench.engine import Engine, EngineFailed
from playground.bench.report import Report, build_report, build_trust
from playground.headless.arguments import ENGINES, add_target
from playground.headless.bench.output import print_trust
from playground.headless.bench.suite import Outcome, Progress, finished, record_into
from playground.headless.compare_text import print_comparison
from playground.headless.errors import UsageError, one_line
from playground.headless.target import Target, on_its_engine, open_recorder, read_engine, read_target
from playground.headless.toggles import parse_toggles
from playground.protocol.commands import LoadModel
from playground.protocol.options import Value, as_text, changed_names, with_changes

FORMULAS = ("TTFT", "TPS", "KV", "KL", "A/A noise")
FORM = "TOGGLE=VALUE,..., model=PATH and engine=NAME among them"


@dataclass(frozen=True)
class Asked:
    """One side as it was typed."""

    changes: dict[str, Value]
    model: str = ""
    engine: str = ""


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of `compare`."""
    add_target(parser)
    for side in ("a", "b"):
        parser.add_argument(f"--{side}", type=parse_side, required=True, metavar="TOGGLE=VALUE,...", help=FORM)
    parser.add_argument("--prompt", required=True, metavar="TEXT", help="what both continue")
    parser.add_argument("--max-tokens", type=_whole, default=128, metavar="N", help="tokens of an answer at most (128)")
    parser.add_argument("--runs", type=_whole, default=5, metavar="N", help="runs of each side (5)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON instead of a table")


def main(args: Namespace) -> int:
    """Run the comparison; the exit code."""
    target = read_target(args, args.preset)
    a, b = (_side_target(args, target, asked) for asked in (args.a, args.b))
    if (a.engine, a.load) == (b.engine, b.load):
        raise UsageError("--a and --b come to the same", "for example --a kv_cache=model --b kv_cache=int4")
    if not args.prompt.strip():
        raise UsageError("--prompt is empty")
    plan, comparison, progress = Plan(args.prompt, args.max_tokens, args.runs), Comparison(), Progress()
    outcome = _run(args, a, b, plan, comparison, lambda: progress.show(comparison.phase))
    progress.end()
    outcome.require(comparison.of("A") and comparison.of("B"))
    name = _name(a, b)
    report = _report(outcome, plan, comparison, a, b, name)
    if args.json:
        sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
    else:
        print_comparison(comparison, verdict(name, comparison), _spelled(a, b), _spelled(b, a))
        print_trust(report.trust)
    return outcome.end()


def parse_side(text: str) -> Asked:
    """Read what `FORM` says."""
    toggles, model, engine = [], "", ""
    for part in text.split(","):
        name, _, value = part.partition("=")
        if name.strip() == "model":
            model = value.strip()
        elif name.strip() == "engine":
            engine = value.strip()
        else:
            toggles.append(part)
    if engine and engine not in ENGINES:
        raise ArgumentTypeError(f"engine cannot be {engine!r}; there are: {', '.join(ENGINES)}")
    return Asked(parse_toggles(",".join(toggles)) if toggles else {}, model, engine)


def _side_target(args: Namespace, target: Target, asked: Asked) -> Target:
    options = with_changes(target.options, asked.changes)
    load = msgspec.structs.replace(target.load, model=asked.model or target.load.model, options=options)
    engine = read_engine(asked.engine) if asked.engine else target.engine
    return replace(target, engine=engine, load=on_its_engine(load, args, engine))


def _run(args: Namespace, a: Target, b: Target, plan: Plan, comparison: Comparison, told: Any) -> Outcome:
    log = paths.log_folder() / f"compare-{os.getpid()}.log"
    recorder = open_recorder(args, a)
    engine = Engine(a.engine, a.load, log, record_into(recorder))
    together = (a.engine, a.load.model) == (b.engine, b.load.model)

    async def whole() -> None:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(engine)
            other = engine
            if not together:
                other = await stack.enter_async_context(Engine(b.engine, b.load, log.with_suffix(".b.log")))
            await compare(Side(engine, a.options), _other_side(engine, other, a, b), plan, comparison, told)

    fault = ""
    try:
        if not asyncio.run(finished(whole())):
            fault = "stopped by Ctrl+C"
    except EngineFailed as error:
        fault = one_line(error.message, error.advice)
    finally:
        if recorder:
            recorder.close()
        for path in (log, log.with_suffix(".b.log")):
            path.unlink(missing_ok=True)
    return Outcome(engine.fold, fault)


def _other_side(engine: Engine, other: Engine, a: Target, b: Target) -> Side:
    """B's model is loaded into A's worker in the end, since A's logits cannot leave it."""
    if other is engine:
        return Side(other, b.options)
    if a.engine != b.engine:
        return Side(other, b.options, why_not="two engines do not share logits")
    command: LoadModel = b.load
    return Side(other, b.options, move_in=lambda: engine.load(command))


def _report(outcome: Outcome, plan: Plan, found: Comparison, a: Target, b: Target, name: str) -> Report:
    divergence = found.divergence
    totals = {
        "a": {"model": a.load.model, "engine": a.engine, "options": as_text(a.options), "text": found.text("A")},
        "b": {"model": b.load.model, "engine": b.engine, "options": as_text(b.options), "text": found.text("B")},
        "effective": found.effective,
        "prompt": plan.prompt,
        "max_tokens": plan.max_tokens,
        "ttft_s": found.ttft,
        "decode_tps": found.tps,
        "kv_bytes_per_token": found.kv,
        "weights_bytes": found.weight_bytes,
        "first_difference": found.first_difference,
        "a_repeats_itself": found.repeats,
        "kl_mean": divergence.kl_mean,
        "kl_noise": divergence.noise,
        "kl_reason": divergence.reason,
        "kl_per_token": divergence.kl,
        "rank_per_token": divergence.rank,
        "agreement": divergence.agreement,
        "verdict": verdict(name, found),
    }
    notes = outcome.notes if found.repeats else [*outcome.notes, "A does not repeat its own text"]
    trust = build_trust(outcome.fold, n=len(found.runs), formulas=FORMULAS, start="warm", notes=notes)
    report = build_report("compare", outcome.fold, totals, found.runs, trust)
    return msgspec.structs.replace(report, options=as_text(a.options), effective=found.effective.get("A", {}))


def _name(a: Target, b: Target) -> str:
    if a.load.model != b.load.model:
        return os.path.basename(b.load.model.rstrip("/"))
    if a.engine != b.engine:
        return b.engine
    return name_of({name: as_text(b.options)[name] for name in changed_names(a.options, b.options)})


def _spelled(own: Target, other: Target) -> str:
    """What sets a side apart."""
    parts = [f"{name}={as_text(own.options)[name]}" for name in changed_names(own.options, other.options)]
    if own.load.model != other.load.model:
        parts.insert(0, f"model={own.load.model}")
    if own.engine != other.engine:
        parts.insert(0, f"engine={own.engine}")
    return " ".join(parts)


def _whole(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"cannot be {text!r}; it takes a number from 1")
    return int(text)
