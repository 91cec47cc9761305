"""What is kept comes back as it was; what a filter names is what it says; old files are brought up to date."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from time import thread_time

import pytest

from playground.protocol.commands import SamplingParams
from playground.session.history.database import Database
from playground.session.history.query import NUMBER_FIELDS, FilterError, parse_filter
from playground.session.history.schema import MIGRATIONS, VERSION, NewerSchema
from tests.session.history.filling import fill

OLD = Path(__file__).with_name("version1.sql")


def found(database: Database, text: str, **how) -> list[str]:
    return [run.title for run in database.read(database.find(parse_filter(text, **how)))]


def test_a_run_comes_back_whole(database, make_run):
    run = make_run(
        title="ä 'quoted' [b]",
        options={"kv_cache": "int8"},
        flags=["cold", "prefix 45 %"],
        ttft_s=0.0184,
        tps=352.1,
        memory_bytes=3 << 33,
        quality=0.75,
        measure="pass@1",
        prompt="line\nline\x1b[31m",
        chat=True,
        sampling=SamplingParams(max_tokens=9, seed=1, stop=["\n"]),
        effective={"attention": "sdpa-flash"},
        versions={"torch": "2.13"},
        result={"totals": {"tasks": 40}, "items": [{"name": "x"}]},
    )
    kept = database.add(run)
    (back,) = database.read_whole([kept])
    assert back == type(run)(**{name: getattr(run, name) for name in run.__struct_fields__} | {"id": kept})


def test_a_lone_surrogate_in_an_answer_is_no_fault(database, make_run):
    kept = database.add(make_run(title="\ud800", prompt="a\udfffb"))
    assert database.read_whole([kept])[0].prompt == "a?b"


def test_the_file_and_its_journal_are_the_users_alone(database, path, make_run):
    database.add(make_run(prompt="a secret"))
    files = [path.parent, *path.parent.iterdir()]
    assert {file.name for file in files} >= {"history.db", "history.db-wal", "history.db-shm"}
    assert not any(file.stat().st_mode & 0o077 for file in files)


def test_a_file_that_others_may_read_becomes_private(path, make_run):
    path.parent.mkdir()
    for name in ("history.db", "history.db-wal"):
        (path.parent / name).touch(0o644)
    database = Database(path)
    database.add(make_run())
    assert not any(file.stat().st_mode & 0o077 for file in path.parent.iterdir())
    database.close()


def test_filters_and_orders(database, make_run):
    for run in (
        make_run(at=1.0, title="one", model="tiny-coder", tps=50.0, ttft_s=0.010, options={"kv_cache": "int8"}),
        make_run(at=2.0, title="two", model="Qwen3-0.6B", tps=150.0, ttft_s=1.5, memory_bytes=2 << 30),
        make_run(at=3.0, title="three", kind="bench code", tps=None, quality=0.5, tags=["slides"]),
        make_run(at=4.0, title="100 % of_it", tps=250.0, options={"kv_cache": "int8", "prefix_cache": "off"}),
    ):
        database.add(run)
    assert found(database, "") == ["100 % of_it", "three", "two", "one"]
    assert found(database, "tps>100") == ["100 % of_it", "two"]
    assert found(database, "tps>100 model:TINY kv_cache=int8") == ["100 % of_it"]
    assert found(database, "kv_cache=model") == ["three", "two"]
    assert found(database, "prefix_cache=off") == ["100 % of_it"]
    assert found(database, "ttft<=10") == found(database, "ttft<=10ms") == found(database, "ttft<0.0101s") == ["one"]
    assert found(database, "memory>=2GiB") == found(database, "memory=2048") == ["two"]
    assert found(database, "slides") == found(database, "tag:slid") == ["three"]
    assert found(database, "INT8 coder") == ["100 % of_it", "one"], "in any column, all of them"
    assert found(database, "int8", sort="tps", descending=False) == ["one", "100 % of_it"]
    assert found(database, "int8 tps>100") == ["100 % of_it"]
    assert [run.title for run in database.newest(parse_filter("coder"), 5)] == ["one"]
    assert found(database, "kind:bench quality=0.5") == ["three"]
    assert found(database, "%") == found(database, "of_it") == ["100 % of_it"], "no wildcards"
    assert found(database, "", sort="tps") == ["100 % of_it", "two", "one", "three"], "unknown comes last"
    assert found(database, "", sort="tps", descending=False) == ["one", "two", "100 % of_it", "three"]
    assert found(database, "model:o", sort="tps", descending=False) == ["one", "100 % of_it", "three"]
    assert found(database, "", sort="at", descending=False)[0] == "one"


@pytest.mark.parametrize("name", NUMBER_FIELDS)
def test_every_number_can_be_asked_for(database, make_run, name):
    database.add(make_run())
    assert len(database.find(parse_filter(f"{name}<1"))) in (0, 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("speed>3", "one of: tps"),
        ("tps>fast", "a number, not 'fast'"),
        ("tps>3furlong", "units: ms, s"),
        ("tps>1.2.3", "a number"),
        ("kv_cache=in8", "it takes model, fp8"),
        ("kv_cache>int8", "one of: tps"),
    ],
)
def test_a_term_that_is_no_term_says_what_would_do(text, said):
    with pytest.raises(FilterError, match=said):
        parse_filter(text)


@pytest.mark.parametrize("text", ["'; DROP TABLE runs; --", "model:'OR'1", "adapter=x'y", '"', "\\"])
def test_a_filter_is_never_sql(database, make_run, text):
    database.add(make_run())
    assert found(database, text) == []
    assert found(database, "") == [""]


def test_tags_replace_those_before(database, make_run):
    one, two = database.add(make_run()), database.add(make_run())
    database.tag([one], ["a", "slides"])
    database.tag([one, two], ["b"])
    assert len(found(database, "b")) == 2 and found(database, "slides") == [], "words follow the tags"
    assert [run.tags for run in database.read([one, two])] == [["b"], ["b"]]


def test_a_file_of_version_1_is_brought_up_to_date(path):
    path.parent.mkdir()
    old = sqlite3.connect(path)
    old.executescript(OLD.read_text())
    old.close()
    database = Database(path)
    code, chat = database.read_whole(database.find(parse_filter("")))
    assert chat.sampling is None
    assert (chat.options, chat.flags, chat.tags, chat.chat) == ({"kv_cache": "int8"}, ["cold"], [], True)
    assert (code.quality, code.measure, code.result) == (0.75, "pass@1", {"suite": "code"})
    database.tag([1], ["old"])
    assert len(database.find(parse_filter("tag:old"))) == len(database.find(parse_filter("old"))) == 1
    assert len(database.find(parse_filter("int8"))) == 1, "words of runs that were there before"
    database.close()
    assert _schema(path) == _schema_of_new(path.with_name("new.db")), "the same as a file that was never old"


def test_a_migration_that_fails_leaves_the_file_as_it_was(path, monkeypatch):
    path.parent.mkdir()
    old = sqlite3.connect(path)
    old.executescript(OLD.read_text())
    old.close()
    broken = (MIGRATIONS[0], MIGRATIONS[1] + "nonsense;", *MIGRATIONS[2:])
    monkeypatch.setattr("playground.session.history.schema.MIGRATIONS", broken)
    with pytest.raises(sqlite3.OperationalError):
        Database(path)
    monkeypatch.undo()
    database = Database(path)
    assert len(database.find(parse_filter(""))) == 2
    database.close()


def test_a_file_of_a_newer_version_is_not_touched(path):
    Database(path).close()
    newer = sqlite3.connect(path)
    newer.execute(f"PRAGMA user_version = {VERSION + 1}")
    newer.close()
    with pytest.raises(NewerSchema, match=f"version {VERSION + 1}"):
        Database(path)


def test_two_processes_worth_of_connections_write_at_once(path, make_run):
    one, two = Database(path), Database(path)
    one.add(make_run(title="one"))
    two.add(make_run(title="two"))
    assert len(one.find(parse_filter(""))) == len(two.find(parse_filter(""))) == 2
    one.close(), two.close()


@pytest.mark.slow
def test_a_hundred_thousand_runs_list_in_time(path):
    database = fill(path, 100_000)
    for text, sort in (("", "at"), ("", "tps"), ("", "kv_bytes"), ("function", "at"), ("adds function", "kv_bytes")):
        took = []
        for _ in range(5):
            start = thread_time()  # of this machine's other work the history knows nothing
            ids = database.find(parse_filter(text, sort))
            shown = database.read(ids[:60])
            took.append(thread_time() - start)
        assert (len(ids), len(shown)) == (100_000, 60)
        assert min(took) < 0.2, f"{text} by {sort}: {took}"
    database.close()


def _schema(path: Path) -> list[tuple[str, str]]:
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT name, type FROM sqlite_master ORDER BY name").fetchall()
    columns = connection.execute("SELECT name FROM pragma_table_info('runs') ORDER BY name").fetchall()
    connection.close()
    return rows + columns


def _schema_of_new(path: Path) -> list[tuple[str, str]]:
    Database(path).close()
    return _schema(path)
