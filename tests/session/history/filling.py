"""A history of many runs, made in the file itself: one by one they would take a minute."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from playground.session.history.database import LISTED, Database
from playground.session.history.run import Run

TITLE = "write a function that adds two numbers"


def fill(path: Path, runs: int) -> Database:
    """All alike but for the numbers that they are sorted by."""
    database = Database(path)
    database.add(Run(at=1.0, kind="chat", model="tiny-coder", engine="transformers", title=TITLE, tps=1.0, ttft_s=0.1))
    database.close()
    others = ", ".join(name for name in LISTED if name not in ("id", "at", "tps", "kv_bytes"))
    numbers = f"WITH RECURSIVE n(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM n WHERE n < {runs})"
    filling = sqlite3.connect(path)
    filling.execute(
        f"{numbers} INSERT INTO runs (id, at, tps, kv_bytes, {others})"
        f" SELECT n, n, n * 7919 % 977, n * 7907 % 991, {others} FROM n, runs WHERE runs.id = 1"
    )
    filling.commit()
    filling.close()
    return Database(path)
