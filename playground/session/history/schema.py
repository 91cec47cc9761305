"""The tables, one migration per version: older files are migrated, newer ones are left alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

# Columns of the list are apart from those of a single run, so that a scan of all runs reads little.
_FIRST = """
CREATE TABLE runs (
  id INTEGER PRIMARY KEY,
  at REAL NOT NULL,
  kind TEXT NOT NULL,
  model TEXT NOT NULL,
  engine TEXT NOT NULL,
  title TEXT NOT NULL,
  options TEXT NOT NULL,
  flags TEXT NOT NULL,
  requests INTEGER NOT NULL,
  prompt_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  seconds REAL,
  ttft_s REAL,
  tps REAL,
  system_tps REAL,
  memory_bytes INTEGER,
  kv_bytes INTEGER,
  weights_bytes INTEGER,
  quality REAL,
  measure TEXT NOT NULL
);
CREATE TABLE details (
  id INTEGER PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
  model_path TEXT NOT NULL,
  prompt TEXT NOT NULL,
  chat INTEGER NOT NULL,
  effective TEXT NOT NULL,
  versions TEXT NOT NULL,
  result TEXT NOT NULL
);
CREATE INDEX runs_at ON runs (at);
"""

_TAGS_AND_SORTING = """
ALTER TABLE runs ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
CREATE INDEX runs_model ON runs (model, at);
CREATE INDEX runs_tps ON runs (tps, at);
CREATE INDEX runs_ttft ON runs (ttft_s, at);
CREATE INDEX runs_memory ON runs (memory_bytes, at);
CREATE INDEX runs_quality ON runs (quality, at);
"""

# The text to search is stored in the order of the list, so that one scan finds and sorts.
_COLUMNS = ("model", "kind", "engine", "title", "options", "flags", "tags")
_SEARCHED, _SEARCHED_NEW = (" || char(10) || ".join(f"{of}{name}" for name in _COLUMNS) for of in ("", "new."))
_WORDS_AND_MORE_SORTING = f"""
CREATE TABLE words (at REAL NOT NULL, id INTEGER NOT NULL, words TEXT NOT NULL, PRIMARY KEY (at, id)) WITHOUT ROWID;
INSERT INTO words SELECT at, id, lower({_SEARCHED}) FROM runs;
CREATE TRIGGER runs_added AFTER INSERT ON runs BEGIN
  INSERT INTO words VALUES (new.at, new.id, lower({_SEARCHED_NEW}));
END;
CREATE TRIGGER runs_tagged AFTER UPDATE OF tags ON runs BEGIN
  UPDATE words SET words = lower({_SEARCHED_NEW}) WHERE at = new.at AND id = new.id;
END;
CREATE INDEX runs_kind ON runs (kind, at);
CREATE INDEX runs_system_tps ON runs (system_tps, at);
CREATE INDEX runs_kv ON runs (kv_bytes, at);
"""

_SAMPLING = "ALTER TABLE details ADD COLUMN sampling TEXT NOT NULL DEFAULT 'null';"

MIGRATIONS = (_FIRST, _TAGS_AND_SORTING, _WORDS_AND_MORE_SORTING, _SAMPLING)
VERSION = len(MIGRATIONS)


class NewerSchema(Exception):
    """A newer version of the program wrote the file; it is left unchanged."""


def migrate(connection: sqlite3.Connection) -> None:
    """Migrate a file, or create the tables of an empty one; another process may do the same. Raises `NewerSchema`."""
    if _version(connection) == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        found = _version(connection)
        if found > VERSION:
            raise NewerSchema(f"its schema is version {found}, and this program reads up to {VERSION}")
        for migration in MIGRATIONS[found:]:
            for statement in _statements(migration):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _statements(script: str) -> Iterator[str]:
    """Single statements, since `executescript` would end the transaction."""
    statement = ""
    for part in script.split(";"):
        statement += f"{part};"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
