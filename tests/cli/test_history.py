"""`playground run` writes into the history, or does not, and never fails because of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from playground.session.history.database import Database
from playground.session.history.query import parse_filter
from playground.session.history.run import Run

WORDS = ("run", "--engine", "scripted", "--prompt", "add two numbers", "--set", "max_batch=4")


@pytest.fixture
def path(home) -> Path:
    return Path(home["XDG_DATA_HOME"]) / "playground" / "history.db"


def kept(path: Path) -> list[Run]:
    database = Database(path)
    runs = database.read_whole(database.find(parse_filter("")))
    database.close()
    return runs


def test_a_run_is_kept(playground, path):
    result = playground(*WORDS, "--json")
    (run,) = kept(path)
    (request,) = result.summary["requests"]
    assert (run.kind, run.title, run.prompt) == ("run", "add two numbers", "add two numbers")
    assert run.options == {"max_batch": "4"} and run.engine == "scripted"
    assert (run.ttft_s, run.output_tokens) == (request["ttft_s"], request["output_tokens"])


def test_no_history_by_the_flag(playground, path):
    assert playground(*WORDS, "--no-history").code == 0
    assert not path.exists()


def test_no_history_by_the_settings(playground, home, path):
    config = Path(home["XDG_CONFIG_HOME"]) / "playground" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text("history = false\n")
    assert playground(*WORDS).code == 0
    assert not path.exists()


def test_a_damaged_history_is_one_line_and_no_failure(playground, path):
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x" * 5000)
    result = playground(*WORDS)
    assert result.code == 0
    lines = [line for line in result.stderr.splitlines() if "history" in line]
    assert len(lines) == 1 and "set aside" in lines[0]
    assert len(kept(path)) == 1


def test_a_data_folder_that_is_a_file(playground, path):
    path.parent.parent.mkdir(parents=True)
    path.parent.write_text("in the way")
    result = playground(*WORDS)
    assert result.code == 0 and "this run was not kept" in result.stderr and "Traceback" not in result.stderr


def test_a_home_that_cannot_be_written_costs_the_history_alone(playground, home):
    """Not even root makes a folder in /proc."""
    for name in ("XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        home[name] = "/proc/nowhere"
    result = playground(*WORDS)
    assert result.code == 0 and result.stdout
    (line,) = (line for line in result.stderr.splitlines() if "/proc" in line)
    assert "this run was not kept: /proc/nowhere" in line and line.endswith("; XDG_DATA_HOME names another folder")
