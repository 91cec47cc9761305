"""Keeps the database open through its faults: full, locked, damaged, newer, out of reach."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TypeVar

from playground.session.history.database import Database
from playground.session.history.run import Run
from playground.session.history.schema import NewerSchema

T = TypeVar("T")
DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
ELSEWHERE = "XDG_DATA_HOME names another folder"
REASONS = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_BUSY: "another program holds it locked",
    sqlite3.SQLITE_LOCKED: "another program holds it locked",
    sqlite3.SQLITE_READONLY: f"it is read-only; {ELSEWHERE}",
    sqlite3.SQLITE_CANTOPEN: f"it cannot be opened; {ELSEWHERE}",
    sqlite3.SQLITE_IOERR: "the disk does not answer",
}


class HistoryFault(Exception):
    """The history is not available now; the message is one line."""


class Keeper:
    """Lives on the history's thread. A fault costs one call; the next is tried again."""

    def __init__(self, path: Path, on_fault: Callable[[str], None]) -> None:
        self._path, self._on_fault = path, on_fault
        self._database: Database | None = None
        self._opened: tuple[int, int] | None = None
        self._said = ""

    def add(self, run: Run) -> None:
        """Keep a run, or report why it is not kept."""
        try:
            self._do(lambda database: database.add(run))
            self._said = ""
        except HistoryFault as fault:
            self._say(f"this run was not kept: {fault}")

    def answer(self, question: Callable[[Database], T], answer: Future[T]) -> None:
        """Answer a question, unless it was cancelled."""
        if not answer.set_running_or_notify_cancel():
            return
        try:
            answer.set_result(self._do(question))
        except HistoryFault as fault:
            answer.set_exception(fault)

    def close(self) -> None:
        """Close the file."""
        if self._database:
            with suppress(sqlite3.Error):
                self._database.close()
            self._database = None

    def _do(self, deed: Callable[[Database], T]) -> T:
        try:
            try:
                return self._try(deed)
            except sqlite3.DatabaseError as error:
                if _code(error) not in DAMAGED:
                    raise
            with _locked(self._path.parent, fcntl.LOCK_EX):
                if not self._moved:
                    self._set_aside()
            return self._try(deed)
        except Exception as error:  # the thread must survive any error
            raise HistoryFault(self._explain(error)) from None

    def _try(self, deed: Callable[[Database], T]) -> T:
        with _locked(self._path.parent, fcntl.LOCK_SH):
            if self._database and not self._moved:
                return deed(self._database)
        with _locked(self._path.parent, fcntl.LOCK_EX):  # two that make a new file at once would refuse each other
            return deed(self._open())

    def _open(self) -> Database:
        self.close()
        self._opened = _identity(self._path)
        self._database = Database(self._path)
        self._opened = _identity(self._path)
        return self._database

    @property
    def _moved(self) -> bool:
        """Another program has put another file in the place of that which was opened."""
        return self._opened is not None and self._opened != _identity(self._path)

    def _set_aside(self) -> None:
        """Move a damaged file and its journal away, so that the user may repair it."""
        self.close()
        stem = f"{self._path.name}.damaged-{datetime.now(UTC):%Y%m%d-%H%M%S}-{os.getpid()}"
        names = (f"{stem}-{number}" for number in count(1))
        name = next(name for name in names if not self._path.with_name(name).exists())
        for suffix in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                self._path.with_name(self._path.name + suffix).rename(self._path.with_name(name + suffix))
        self._say(f"{self._path} was damaged: it is set aside as {name}, and a new one is begun")

    def _explain(self, error: Exception) -> str:
        if isinstance(error, NewerSchema):
            return f"{self._path} is of a newer version of this program ({error})"
        if isinstance(error, OSError):
            return f"{error.filename or self._path}: {error.strerror or error}; {ELSEWHERE}"
        reason = REASONS.get(_code(error), str(error))
        return f"{self._path}: {reason}"

    def _say(self, line: str) -> None:
        if line != self._said:
            self._said = line
            self._on_fault(line)


@contextmanager
def _locked(folder: Path, kind: int) -> Iterator[None]:
    """Hold a lock on the folder of the file: no program replaces the file while another uses it. A folder that is not
    there yet, or on a file system without such locks, is not locked."""
    with ExitStack() as stack:
        with suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, descriptor)
            fcntl.flock(descriptor, kind)
        yield


def _identity(path: Path) -> tuple[int, int] | None:
    """Device and inode of the file at `path`; None if there is no file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _code(error: Exception) -> int:
    """SQLite's primary result code; 0 without one."""
    return int(getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF
