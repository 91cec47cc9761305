"""The file of the history: open, add, find, read, tag. All of it blocks: only the history's own thread calls it."""

from __future__ import annotations

import os
import sqlite3
from array import array
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from playground.protocol.commands import SamplingParams
from playground.session.history.query import Query
from playground.session.history.run import Run
from playground.session.history.schema import migrate

BUSY_S = 2.0
CHUNK = 500
JOURNALS = ("-wal", "-shm")
DETAILS = ("model_path", "prompt", "chat", "sampling", "effective", "versions", "result")
JSON = {"options": dict[str, str], "flags": list[str], "tags": list[str]}
JSON_DETAILS = {
    "sampling": SamplingParams | None,
    "effective": dict[str, str],
    "versions": dict[str, str],
    "result": dict[str, Any],
}
LISTED = tuple(name for name in Run.__struct_fields__ if name not in DETAILS)


class Database:
    """The tables. Raises `sqlite3.Error`, `OSError` if its folder cannot be made, and `NewerSchema`."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _keep_private(path)
        self._connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
        try:
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._connection.execute("PRAGMA foreign_keys = ON")
            migrate(self._connection)
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def add(self, run: Run) -> int:
        """Keep a run; returns its id."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            run_id = self._insert(run)
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:  # a full disk rolls back by itself
                self._connection.execute("ROLLBACK")
            raise
        return run_id

    def find(self, query: Query) -> array[int]:
        """The ids of the runs that a query selects, in its order. SQLite sorts by an index alone and finds words in a
        table of their own: each is several times faster than both at once."""
        ids: Iterable[int] = [each for order in query.orders for each in self._ids(order)]
        for select, values in query.narrowings:
            ids = filter(set(self._ids(select, values)).__contains__, ids)
        return array("q", ids)

    def read(self, ids: Sequence[int]) -> list[Run]:
        """What a list shows of runs, in this order, without runs that are gone."""
        return self._read(ids, f"SELECT {', '.join(LISTED)} FROM runs WHERE id IN")

    def read_whole(self, ids: Sequence[int]) -> list[Run]:
        """Runs with all their details, in this order."""
        columns = ", ".join((*LISTED, *DETAILS))
        return self._read(ids, f"SELECT {columns} FROM runs JOIN details USING (id) WHERE id IN")

    def newest(self, query: Query, limit: int) -> list[Run]:
        """The newest runs that have both a TTFT and a TPS, as a list shows them."""
        sql = f"SELECT id FROM runs WHERE {query.condition} AND ttft_s IS NOT NULL AND tps IS NOT NULL"
        ids = self._connection.execute(f"{sql} ORDER BY at DESC LIMIT ?", (*query.values, limit))
        return self.read([row[0] for row in ids])

    def tag(self, ids: Sequence[int], tags: Sequence[str]) -> None:
        """Replace the tags of runs."""
        text = msgspec.json.encode(list(tags)).decode()
        self._connection.executemany("UPDATE runs SET tags = ? WHERE id = ?", [(text, each) for each in ids])

    def _ids(self, select: str, values: Sequence[Any] = ()) -> list[int]:
        """Ids, fetched as one text: a hundred thousand rows of one number each take three times as long."""
        text = self._connection.execute(f"SELECT group_concat(id) FROM ({select})", values).fetchone()[0]
        return msgspec.json.decode(f"[{text or ''}]", type=list[int])

    def _insert(self, run: Run) -> int:
        values = _encoded(run, LISTED[1:], JSON)
        columns, marks = ", ".join(LISTED[1:]), ", ".join("?" * (len(LISTED) - 1))
        cursor = self._connection.execute(f"INSERT INTO runs ({columns}) VALUES ({marks})", values)
        details = [cursor.lastrowid, *_encoded(run, DETAILS, JSON_DETAILS)]
        columns, marks = ", ".join(("id", *DETAILS)), ", ".join("?" * len(details))
        self._connection.execute(f"INSERT INTO details ({columns}) VALUES ({marks})", details)
        return cursor.lastrowid or 0

    def _read(self, ids: Sequence[int], select: str) -> list[Run]:
        found: dict[int, Run] = {}
        for start in range(0, len(ids), CHUNK):
            some = list(ids[start : start + CHUNK])
            cursor = self._connection.execute(f"{select} ({', '.join('?' * len(some))})", some)
            names = [column[0] for column in cursor.description]
            for row in cursor:
                run = _decoded(dict(zip(names, row, strict=True)))
                found[run.id] = run
        return [found[each] for each in ids if each in found]


def _encoded(run: Run, names: Sequence[str], json: dict[str, Any]) -> list[Any]:
    values = [getattr(run, name) for name in names]
    return [
        msgspec.json.encode(value).decode() if name in json else _storable(value)
        for name, value in zip(names, values, strict=True)
    ]


def _storable(value: Any) -> Any:
    """Text that SQLite accepts: a lone surrogate in a model's answer is not UTF-8."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else value


def _decoded(row: dict[str, Any]) -> Run:
    for name, kind in (JSON | JSON_DETAILS).items():
        if name in row:
            row[name] = msgspec.json.decode(row[name], type=kind)
    if "chat" in row:
        row["chat"] = bool(row["chat"])
    return Run(**row)


def _keep_private(path: Path) -> None:
    """Make the file, and what SQLite writes beside it, private: prompts must not be readable by other users. SQLite
    gives its journals the mode that the file has when it opens it."""
    if os.name != "posix":
        return
    with suppress(FileExistsError):  # closing one that exists would end the locks that this process holds on it
        os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))
    for file in (path, *(path.with_name(path.name + suffix) for suffix in JOURNALS)):
        with suppress(FileNotFoundError):
            if file.stat().st_mode & 0o077:
                file.chmod(0o600)
