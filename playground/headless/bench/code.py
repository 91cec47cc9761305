"""`playground bench code`: programming tasks answered, run in a sandbox, counted as pass@k."""

from __future__ import annotations

import asyncio
from argparse import ArgumentParser, Namespace
from pathlib import Path

import msgspec

from playground.bench.code.files import BUNDLED, TaskFileError, read_tasks
from playground.bench.code.report import code_report
from playground.bench.code.settings import Settings
from playground.bench.code.solutions import canonical, read_solutions
from playground.bench.code.subset import subset
from playground.bench.code.suite import CodeSuite
from playground.bench.code.task import Prompting, Task
from playground.bench.sandbox.confinement import Confinement, NoSandbox, find_confinement
from playground.bench.sandbox.sandbox import Sandbox
from playground.headless.arguments import add_sampling, add_target
from playground.headless.bench.code_table import print_table, progress_line
from playground.headless.bench.output import add_output, print_trust, save_report
from playground.headless.bench.suite import Outcome, ProgressLine, interruption, run_suite
from playground.headless.errors import CommandError, UsageError
from playground.headless.report import say
from playground.headless.target import Target, read_sampling, read_target
from playground.headless.values import whole
from playground.protocol.options import Value, with_changes
from playground.session.fold import Fold
from playground.text.plain import one_line

MAX_TOKENS = 512
SAMPLED_TEMPERATURE = 0.8
POSITIVE = whole(1)
# Toggles that speed a run up and leave greedy answers unchanged: more rows per step, and drafts, since code repeats
# itself.
CHOSEN: dict[str, Value] = {"max_batch": 48, "speculation": "lookup:8"}
# Toggles with values that do not work with drafts.
AGAINST_DRAFTS = {"compile", "batching"}


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of the suite."""
    add_target(parser)
    parser.add_argument("--tasks", type=Path, metavar="FILE", help="HumanEval(+), HumanEval-X, MBPP(+), BigCodeBench or"
                        " DS-1000 as .jsonl or .jsonl.gz; without it the bundled tasks")  # fmt: skip
    parser.add_argument(
        "--solutions", default="model", metavar="model|canonical|FILE", help="whose answers; a FILE.jsonl of solutions"
    )
    parser.add_argument("--subset", type=POSITIVE, metavar="N", help="a stratified part of the tasks; --seed draws it")
    parser.add_argument("--samples", type=POSITIVE, default=1, metavar="N", help="answers a task (above 1: sampled)")
    parser.add_argument("--k", type=_ks, default=(1,), metavar="1,5,10", help="for which k pass@k is told")
    parser.add_argument("--chat", action="store_true", help="ask through the chat template; without it a base prompt")
    parser.add_argument("--unsafe-no-sandbox", action="store_true", help="run answers even where nothing confines them")
    add_sampling(parser)
    add_output(parser)


def main(args: Namespace) -> int:
    """Run the suite; returns the exit code."""
    target = _with_suite_toggles(read_target(args, args.preset), args)
    tasks, programs = _read(args)
    settings = _settings(args, target, programs)
    sandbox = Sandbox(_confinement(args.unsafe_no_sandbox))
    suite, outcome = _run(args, target, tasks, settings, sandbox, programs)
    model = target.load.model if settings.solutions == "model" else settings.solutions
    report = code_report(suite, outcome.fold, model, outcome.conditions)
    print_table(report)
    print_trust(report.trust)
    save_report(report, args)
    wrong = args.solutions == "canonical" and report.totals["passed"] + report.totals["skipped"] < len(tasks)
    judged = report.totals["tasks"] > report.totals["skipped"]
    if not judged:
        say("no task was judged: see why each was skipped")
    return max(outcome.end(), int(suite.failed or wrong or not judged))


def _with_suite_toggles(target: Target, args: Namespace) -> Target:
    """The target with the suite's own values for toggles that the user did not set."""
    set_by_user = args.changes.keys() | (target.preset.options.keys() if target.preset else set())
    if target.engine != "transformers":
        return target
    left_out = set_by_user | ({"speculation"} if set_by_user & AGAINST_DRAFTS else set())
    chosen = {name: value for name, value in CHOSEN.items() if name not in left_out}
    return msgspec.structs.replace(
        target, load=msgspec.structs.replace(target.load, options=with_changes(target.options, chosen))
    )


def _read(args: Namespace) -> tuple[list[Task], dict[str, list[str]] | None]:
    """The tasks, and their programs if no model answers."""
    try:
        tasks = subset(read_tasks(args.tasks or BUNDLED), args.subset, args.seed or 0)
        if args.solutions == "model":
            return tasks, None
        if args.solutions == "canonical":
            return tasks, canonical(tasks)
        return tasks, read_solutions(Path(args.solutions), tasks)
    except TaskFileError as error:
        raise UsageError(error.message, error.advice) from None


def _settings(args: Namespace, target: Target, programs: dict[str, list[str]] | None) -> Settings:
    samples = args.samples if programs is None else max(map(len, programs.values()))
    if max(args.k) > samples:
        raise UsageError(f"pass@{max(args.k)} needs as many samples, and there are {samples}", "see --samples and --k")
    sampling = read_sampling(args, target.preset)
    if args.max_tokens is None:
        sampling = msgspec.structs.replace(sampling, max_tokens=MAX_TOKENS)
    if samples > 1 and args.temperature is None and not sampling.temperature:
        sampling = msgspec.structs.replace(sampling, temperature=SAMPLED_TEMPERATURE)
    prompting: Prompting = "chat" if args.chat else "base"
    return Settings(samples=samples, k=args.k, prompting=prompting, sampling=sampling, solutions=args.solutions)


def _confinement(unsafe: bool) -> Confinement:
    try:
        return find_confinement()
    except NoSandbox as error:
        if unsafe:
            return find_confinement(("none",))
        raise CommandError(
            f"nothing confines model-written code here ({error})",
            "install bubblewrap, allow user namespaces, or accept the risk with --unsafe-no-sandbox",
        ) from None


def _run(
    args: Namespace,
    target: Target,
    tasks: list[Task],
    settings: Settings,
    sandbox: Sandbox,
    programs: dict[str, list[str]] | None,
) -> tuple[CodeSuite, Outcome]:
    """Run the suite on an engine if a model answers, without one if a file does."""
    progress = ProgressLine()
    suite = CodeSuite(tasks, settings, sandbox, programs, watch=lambda at: progress.show(progress_line(at)))
    if programs is None:
        outcome = run_suite(args, target, suite.run)
    else:
        outcome = Outcome(Fold(), asyncio.run(interruption(suite.run(None))))
    progress.end()
    if not suite.items:
        for note in suite.notes:
            say(one_line(note))
    outcome.require(suite.items)
    return suite, outcome


def _ks(text: str) -> tuple[int, ...]:
    return tuple(sorted({POSITIVE(word) for word in text.split(",")}))
