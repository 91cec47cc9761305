"""`playground doctor`: prints findings as they are made, or all of them as one JSON line."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

from playground.doctor.extras import check_speech, check_vllm
from playground.doctor.files import check_files
from playground.doctor.finding import Diagnosis, Finding
from playground.doctor.gpu import check_gpu
from playground.doctor.libraries import check_libraries, check_python, import_libraries
from playground.doctor.machine import check_memory, check_sandbox, check_terminal
from playground.doctor.trial import check_main_job
from playground.protocol.wire import encode_line
from playground.text.plain import one_line

STYLES = {"ok": "green", "warn": "yellow", "missing": "red"}


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of `doctor`."""
    parser.add_argument("--json", action="store_true", help="one JSON line with all findings")


def main(args: Namespace) -> int:
    """Make all findings; returns 1 if the main job cannot work."""
    findings = []
    for finding in examine():
        findings.append(finding)
        if not args.json:
            _print(finding)
    works = findings[-1].status == "ok"
    if args.json:
        sys.stdout.write(encode_line(Diagnosis(works=works, findings=findings)).decode())
    return 0 if works else 1


def examine() -> Iterator[Finding]:
    """Yield the findings, quick ones first, the main job last."""
    yield from check_python()
    yield from check_memory()
    yield from check_terminal()
    yield from check_files()
    yield from check_sandbox()
    imports = import_libraries()
    yield from check_libraries(imports)
    yield from check_gpu(imports["torch"])
    yield from check_speech()
    yield from check_vllm()
    yield check_main_job()


def _print(finding: Finding) -> None:
    from rich.console import Console
    from rich.text import Text

    line = Text.assemble(
        (f"{finding.status:8}", STYLES[finding.status]),
        (f"{finding.name:16}", "bold"),
        one_line(finding.message),
    )
    if finding.fix:
        line.append(f"\n{'':24}{finding.fix}", "cyan")
    Console(soft_wrap=True).print(line)
