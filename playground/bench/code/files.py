"""Task files: .jsonl or one array of .json, plain or gzipped; the keys of a row identify its layout."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from playground.bench.code.layouts.table import LAYOUTS
from playground.bench.code.task import Task
from playground.protocol.fault import Fault

OWN_ID = "give each task an id of its own"
BUNDLED = Path(__file__).parent / "tasks.jsonl"


class TaskFileError(Fault):
    """A file without tasks: where, what is wrong, and what would be right."""


def read_tasks(path: Path) -> list[Task]:
    """Read every task of a file; raises `TaskFileError` with the file and the line."""
    tasks, numbers = list[Task](), dict[str, int]()
    for number, line in read_lines(path):
        task = _read_task(path, number, line)
        first = numbers.setdefault(task.task_id, number)
        if first != number:
            raise TaskFileError(f"{path}:{number}: the id {task.task_id} stands at {first} too", OWN_ID)
        tasks.append(task)
    if not tasks:
        raise TaskFileError(f"{path} holds no tasks", _layouts())
    return tasks


def read_lines(path: Path) -> list[tuple[int, dict[str, Any]]]:
    """Read the objects of a .jsonl file, with their line numbers, or of an array of .json, with their positions; raises
    `TaskFileError`."""
    try:
        body = path.read_bytes()
        body = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
    except (OSError, EOFError, zlib.error) as error:
        raise TaskFileError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None
    if body.lstrip()[:1] == b"[":
        return list(enumerate(_read_array(path, body), 1))
    lines = []
    for number, line in enumerate(body.splitlines(), 1):
        if line.strip():
            lines.append((number, _read_object(path, number, line)))
    return lines


def _read_array(path: Path, body: bytes) -> list[dict[str, Any]]:
    try:
        return msgspec.json.decode(body, type=list[dict[str, Any]])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise TaskFileError(f"{path}: {error}", "an array holds one JSON object a task") from None


def _read_object(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(line, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise TaskFileError(f"{path}:{number}: {error}", "a line is one JSON object") from None


def _read_task(path: Path, number: int, row: dict[str, Any]) -> Task:
    struct, build = _layout(path, number, row)
    try:
        return build(msgspec.convert(row, struct), number)
    except (msgspec.ValidationError, ValueError, SyntaxError) as error:
        takes = ", ".join(struct.__struct_fields__)
        raise TaskFileError(f"{path}:{number}: {error}", f"this layout has: {takes}") from None


def _layout(path: Path, number: int, row: dict[str, Any]) -> tuple[type[msgspec.Struct], Callable[..., Task]]:
    for _, keys, struct, build in LAYOUTS:
        if keys <= row.keys():
            return struct, build
    found = ", ".join(sorted(row)) or "no keys"
    raise TaskFileError(f"{path}:{number}: not a task of a known layout, it has {found}", _layouts())


def _layouts() -> str:
    known = (f"{name} ({', '.join(sorted(keys))}, …)" for name, keys, _, _ in LAYOUTS)
    return f"known are {', '.join(known)}"
