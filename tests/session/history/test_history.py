"""What goes wrong with the file costs the history, not the session, and is said in one line."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from time import perf_counter

import pytest

from playground.session.history.database import Database
from playground.session.history.history import History
from playground.session.history.keeper import HistoryFault, Keeper
from playground.session.history.query import parse_filter
from playground.session.history.schema import VERSION

EVERYTHING = parse_filter("")


def listed(history: History) -> list[str]:
    return [run.title for run in history.ask(lambda database: database.read(database.find(EVERYTHING))).result(10)]


@pytest.fixture
def faults() -> list[str]:
    return []


@pytest.fixture
def history(path, faults):
    history = History(path, faults.append)
    yield history
    assert history.close()


def test_what_is_added_is_found(history, make_run, faults):
    history.add(make_run(title="one"))
    assert listed(history) == ["one"]
    assert faults == []


def test_what_was_added_is_there_after_a_close(path, make_run):
    history = History(path)
    for number in range(50):
        history.add(make_run(at=float(number), title=str(number)))
    assert history.close()
    again = History(path)
    assert len(listed(again)) == 50
    assert again.close()


def test_adding_waits_for_nothing(history, path, make_run):
    listed(history)
    holder = sqlite3.connect(path)
    holder.execute("BEGIN EXCLUSIVE")
    start = perf_counter()
    history.add(make_run())
    assert perf_counter() - start < 0.1
    holder.rollback()
    holder.close()


def test_a_locked_file_costs_the_run_and_not_the_next(history, path, make_run, faults):
    history.add(make_run(title="before"))
    assert listed(history) == ["before"]
    holder = sqlite3.connect(path)
    holder.execute("BEGIN IMMEDIATE")
    history.add(make_run(title="lost"))
    assert listed(history) == ["before"], "reading goes on"
    holder.rollback()
    holder.close()
    assert faults == [f"this run was not kept: {path}: another program holds it locked"]
    history.add(make_run(title="after"))
    assert "after" in listed(history)


def test_a_damaged_file_is_set_aside(path, make_run, faults):
    path.parent.mkdir()
    path.write_bytes(b"no database " * 1000)
    history = History(path, faults.append)
    history.add(make_run(title="first of the new one"))
    assert listed(history) == ["first of the new one"]
    assert history.close()
    (aside,) = path.parent.glob("history.db.damaged-*")
    assert aside.read_bytes() == b"no database " * 1000
    assert len(faults) == 1 and "damaged" in faults[0] and aside.name in faults[0]


def test_a_file_damaged_in_the_middle_is_set_aside_too(path, make_run, faults):
    history = History(path)
    for number in range(300):
        history.add(make_run(title=str(number), prompt="x" * 500))
    assert history.close()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    history = History(path, faults.append)
    history.add(make_run(title="new"))
    assert listed(history) == ["new"]
    assert history.close()
    assert "set aside" in faults[0]


def test_two_programs_on_one_damaged_file_set_it_aside_once(path, make_run, faults):
    one, two = (Keeper(path, faults.append) for _ in range(2))
    for number in range(200):
        one.add(make_run(title="old", at=float(number), prompt="x" * 300))
    two.add(make_run(title="old"))
    one.close()
    journalled = sqlite3.connect(path)
    journalled.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    journalled.close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    for title, keeper in (("first", one), ("second", two), ("third", one)):
        keeper.add(make_run(title=title))
    two.close()
    one.close()
    database = Database(path)
    assert [run.title for run in database.read([1, 2, 3, 4])] == ["first", "second", "third"]
    database.close()
    asides = [each for each in path.parent.glob("history.db.damaged-*") if not each.name.endswith(("-wal", "-shm"))]
    assert [each.stat().st_size for each in asides] == [size] and len(faults) == 1


def test_two_programs_that_find_the_damage_at_once_set_it_aside_once(path):
    """Two processes, each slow between its look at the file and its removal."""
    code = """
import sys, time
from pathlib import Path
from playground.session.history.keeper import Keeper
from playground.session.history.run import Run
set_aside = Keeper._set_aside
Keeper._set_aside = lambda keeper: (time.sleep(0.5), set_aside(keeper))
keeper = Keeper(Path(sys.argv[1]), print)
sys.stdin.readline()
keeper.add(Run(at=1.0, kind="chat", model="m", title="kept"))
keeper.close()
"""
    path.parent.mkdir()
    path.write_bytes(b"no database " * 1000)
    pipe, command = subprocess.PIPE, [sys.executable, "-c", code, str(path)]
    both = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(2)]
    for each in both:
        each.stdin.write("\n")
        each.stdin.flush()
    said = "".join(each.communicate(timeout=60)[0] for each in both)
    assert len(list(path.parent.glob("history.db.damaged-*"))) == 1 and said.count("set aside") == 1
    assert "not kept" not in said
    database = Database(path)
    assert [run.title for run in database.read([1, 2])] == ["kept", "kept"]
    database.close()


def test_each_damaged_file_keeps_its_own_name(path, make_run, faults):
    keeper = Keeper(path, faults.append)
    for content in (b"no database " * 1000, b"nor is this " * 1000):
        keeper.close()
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        keeper.add(make_run())
    keeper.close()
    asides = path.parent.glob("history.db.damaged-*")
    assert {each.read_bytes()[:5] for each in asides if not each.name.endswith(("-wal", "-shm"))} == {
        b"no da",
        b"nor i",
    }


def test_a_newer_file_is_left_alone_and_said_once(path, make_run, faults):
    history = History(path)
    history.add(make_run())
    assert history.close()
    newer = sqlite3.connect(path)
    newer.execute(f"PRAGMA user_version = {VERSION + 1}")
    newer.close()
    history = History(path, faults.append)
    history.add(make_run())
    history.add(make_run())
    with pytest.raises(HistoryFault, match="newer version"):
        listed(history)
    assert history.close()
    assert len(faults) == 1 and "newer version" in faults[0]


def test_a_folder_that_cannot_be_made(tmp_path, make_run, faults):
    (tmp_path / "file").write_text("")
    history = History(tmp_path / "file" / "data" / "history.db", faults.append)
    history.add(make_run())
    with pytest.raises(HistoryFault, match="Not a directory"):
        listed(history)
    assert history.close()
    assert len(faults) == 1 and "Not a directory" in faults[0]


def test_a_full_disk_and_then_room_again(history, make_run, faults):
    history.add(make_run(title="before"))
    full = history.ask(lambda database: database._connection.execute("PRAGMA max_page_count = 1").fetchone()[0])
    assert full.result(10) > 1
    history.add(make_run(title="lost", prompt="x" * 100_000))
    assert listed(history) == ["before"]
    assert len(faults) == 1 and "the disk is full" in faults[0]
    history.ask(lambda database: database._connection.execute("PRAGMA max_page_count = 1000000")).result(10)
    history.add(make_run(title="after", prompt="x" * 100_000))
    assert sorted(listed(history)) == ["after", "before"]


def test_the_system_refuses_to_write(path):
    """A real refusal of the system's, in a process of its own: files may not grow beyond 64 KiB."""
    code = """
import resource, signal, sys
from pathlib import Path
from playground.session.history.history import History
from playground.session.history.run import Run
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
history = History(Path(sys.argv[1]), print)
for number in range(20):
    history.add(Run(at=float(number), kind="chat", model="m", prompt="x" * 20000))
print("closed", history.close(20))
"""
    result = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=60)
    lines = result.stdout.splitlines()
    assert result.returncode == 0 and result.stderr == ""
    assert lines[-1] == "closed True" and len(lines) == 2 and lines[0].startswith("this run was not kept")


def test_a_question_that_fails_does_not_end_the_thread(history, make_run):
    with pytest.raises(HistoryFault):
        history.ask(lambda database: 1 / 0).result(10)
    history.add(make_run(title="one"))
    assert listed(history) == ["one"]
