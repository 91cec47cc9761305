"""The History screen on a real database: runs are listed, found, compared, tagged, exported and run again."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from textual.widgets import Input, Static

from playground import paths
from playground.protocol.commands import SamplingParams
from playground.protocol.machine import GpuProcess, GpuSample, MachineSampled
from playground.session.history.run import Run
from playground.telemetry import disturbance
from playground.tui.app import PlaygroundApp
from playground.tui.screens.overlays.run_details import RunDetails
from playground.tui.widgets.notice import Notice
from playground.tui.widgets.prompt import Prompt
from playground.tui.widgets.run_table import RunTable
from playground.tui.widgets.scatter import Scatter
from playground.tui.widgets.text_entry import TextEntry
from tests.tui.runs import keep, make_runs


@pytest.fixture
def history(opened, until):
    """Opens the app with these runs in its history, and goes to the History screen."""

    async def show(app: PlaygroundApp, pilot, runs: int) -> RunTable:
        await pilot.press("f7")
        await until(pilot, lambda: app.screen.query(RunTable))
        table = app.screen.query_one(RunTable)
        await until(pilot, lambda: len(table.list.ids) == runs and (table.list.current or not runs))
        return table

    return show


def listed(table: RunTable) -> list[str]:
    return [run.model for _, run in table.list.rows(table.rows) if run]


async def type_filter(pilot, until, table: RunTable, text: str, runs: int) -> None:
    await pilot.press("slash")
    pilot.app.screen.query_one(Input).value = text
    await until(pilot, lambda: len(table.list.ids) == runs)
    await until(pilot, lambda: table.list.current or not runs)


async def test_a_prompt_is_listed_once_it_ends(opened, until, history, script):
    async with opened(script(["def", " add"])) as (app, pilot):
        table = await history(app, pilot, 0)
        assert "no runs yet" in table.render().plain
        await pilot.press("f2", *"add", "enter")
        await until(pilot, lambda: app.bridge.state.requests and not app.bridge.state.requests.unfinished)
        table = await history(app, pilot, 1)
        run = table.list.current
        (request,) = app.bridge.state.requests.values()
        assert (run.kind, run.title, run.engine) == ("chat", "add", "scripted")
        assert (run.output_tokens, run.ttft_s) == (request.tokens, request.metrics.ttft_s)


async def test_a_run_beside_another_process_on_the_gpu_is_flagged(opened, until, history, script, monkeypatch):
    shared = GpuSample(index=0, processes=(GpuProcess(pid=1, bytes=None), GpuProcess(pid=2, bytes=None)))
    monkeypatch.setattr(disturbance, "find_gpu", lambda gpus, device, visible, uuid: next(iter(gpus), None))
    async with opened(script(["def", " add"])) as (app, pilot):
        app.session.submit("add")
        app.bridge._sampled(MachineSampled(time=0.0, gpus=(shared,)))
        await until(pilot, lambda: not app.bridge.state.requests.unfinished)
        table = await history(app, pilot, 1)
        assert table.list.current.flags == ["GPU shared with 1"]


async def test_no_history_keeps_nothing(opened, until, history, script):
    keep(make_runs(1))
    async with opened(script(["def", " add"]), keep_history=False) as (app, pilot):
        await pilot.press(*"add", "enter")
        await until(pilot, lambda: app.bridge.state.requests and not app.bridge.state.requests.unfinished)
        table = await history(app, pilot, 1)
        assert table.list.current.title != "add"


async def test_filter_sort_and_marks(opened, until, history):
    keep(make_runs(60))
    async with opened() as (app, pilot):
        table = await history(app, pilot, 60)
        await type_filter(pilot, until, table, "model:tiny kv_cache=int8", 4)
        assert set(listed(table)) == {"tiny-coder"}
        app.screen.query_one(Input).value = "speed>3"
        await until(pilot, lambda: "speed> is not known" in app.screen.query_one(Notice).render().plain)
        assert len(table.list.ids) == 4, "the last filter that could be read stays"
        await type_filter(pilot, until, table, "", 60)
        await pilot.press("escape", "s", "s")
        await until(pilot, lambda: listed(table)[:2] == ["tiny-coder", "tiny-coder"])
        assert "TTFT▲" in table.render().plain
        await pilot.press("S")
        await until(pilot, lambda: listed(table)[:2] == ["Qwen3-0.6B", "Qwen3-0.6B"])
        await pilot.press("space", "space")
        assert "2 marked" in str(app.screen.query_one("#count", Static).render())
        await pilot.press("escape")
        assert table.list.marked == []


async def test_two_runs_side_by_side_and_one_in_full(opened, until, history):
    keep(make_runs(12))
    async with opened() as (app, pilot):
        await history(app, pilot, 12)
        await pilot.press("space", "space", "d")
        await until(pilot, lambda: isinstance(app.screen, RunDetails) and app.screen.query_one(Static).render())
        text = str(app.screen.query_one(Static).render())
        assert "SmolLM2-360M" in text and "Qwen3-0.6B" in text and "▲" in text and "spread is not known" in text
        await pilot.press("escape", "escape", "home", "enter")
        await until(pilot, lambda: isinstance(app.screen, RunDetails))
        await until(pilot, lambda: "pass@1" in str(app.screen.query_one(Static).render()))
        assert "▲" not in str(app.screen.query_one(Static).render())


async def test_tags_are_kept_and_found(opened, until, history):
    keep(make_runs(10))
    async with opened() as (app, pilot):
        table = await history(app, pilot, 10)
        await pilot.press("space", "space", "t")
        await until(pilot, lambda: isinstance(app.screen, TextEntry))
        app.screen.query_one(Input).value = "talk \x1b[31mred"
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.screen, TextEntry))
        await type_filter(pilot, until, table, "tag:talk", 2)
        assert table.list.current.tags == ["talk", "[31mred"]


@pytest.mark.parametrize("ending", ["json", "csv", "md", "html"])
async def test_exports(opened, until, history, tmp_path: Path, ending: str):
    keep(make_runs(10))
    path = tmp_path / f"out.{ending}"
    async with opened() as (app, pilot):
        await history(app, pilot, 10)
        for expected in ("10 runs written", "is there already"):
            await pilot.press("x")
            await until(pilot, lambda: isinstance(app.screen, TextEntry))
            app.screen.query_one(Input).value = str(path)
            await pilot.press("enter")
            await until(pilot, lambda said=expected: said in app.screen.query(Notice).first().render().plain)
    content = path.read_text()
    assert content.count("Qwen3-0.6B") >= 3 and "first token id available" in content
    if ending == "json":
        assert len(json.loads(content)["runs"]) == 10


async def test_an_export_says_where_it_went(opened, until, history, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    keep(make_runs(1))
    async with opened(size=(200, 60)) as (app, pilot):
        await history(app, pilot, 1)
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, TextEntry))
        app.screen.query_one(Input).value = "out.csv"
        await pilot.press("enter")
        said = f"written to {tmp_path / 'out.csv'}"
        await until(pilot, lambda: said in app.screen.query(Notice).first().render().plain)


async def test_a_name_without_a_format_says_which_there_are(opened, until, history, tmp_path: Path):
    keep(make_runs(1))
    async with opened() as (app, pilot):
        await history(app, pilot, 1)
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, TextEntry))
        app.screen.query_one(Input).value = str(tmp_path / "out.xls")
        await pilot.press("enter")
        await until(pilot, lambda: ".json, .csv, .md, .html" in app.screen.query(Notice).first().render().plain)
    assert list(tmp_path.glob("out*")) == []


async def test_rerun_brings_options_and_prompt_back(opened, until, history):
    async with opened() as (app, pilot):
        path = app.bridge.state.facts.path
        keep(
            [
                Run(
                    at=1.0,
                    kind="chat",
                    model="scripted",
                    model_path=path,
                    prompt="once more",
                    options={"max_batch": "4"},
                    sampling=SamplingParams(max_tokens=9, ignore_eos=True),
                )
            ]
        )
        await history(app, pilot, 1)
        await pilot.press("r")
        await until(pilot, lambda: app.screen.query(Prompt) and app.screen.query_one(Prompt).text == "once more")
        await until(pilot, lambda: app.bridge.state.toggles.requested.max_batch == 4)
        await pilot.press("enter")
        await until(pilot, lambda: app.bridge.state.requests and not app.bridge.state.requests.unfinished)
        assert next(iter(app.bridge.state.requests.values())).prompt == "once more"
        assert app.session.sampling == SamplingParams(max_tokens=9, ignore_eos=True)


async def test_rerun_on_another_engine_is_refused_with_the_reason(opened, until, history):
    keep([Run(at=1.0, kind="chat", model="m", engine="vllm", prompt="x")])
    async with opened() as (app, pilot):
        await history(app, pilot, 1)
        await pilot.press("r")
        await until(pilot, lambda: "on the vllm engine" in app.screen.query_one(Notice).render().plain)


async def test_function_keys_work_from_within_the_prompt_and_the_filter(opened, until, history):
    async with opened() as (app, pilot):
        await pilot.press(*"typed")
        await history(app, pilot, 0)
        await pilot.press("slash", *"x", "f2")
        await until(pilot, lambda: app.current_mode == "playground")
        assert app.screen.query_one(Prompt).text == "typed"


async def test_a_hundred_thousand_runs_are_no_slower_to_walk(opened, until, history):
    keep(make_runs(30))
    connection = sqlite3.connect(paths.history_database())
    columns = [row[1] for row in connection.execute("PRAGMA table_info(runs)") if row[1] not in ("id", "at")]
    numbers = "WITH RECURSIVE n(n) AS (SELECT 31 UNION ALL SELECT n + 1 FROM n WHERE n < 100000)"
    connection.execute(
        f"{numbers} INSERT INTO runs (id, at, {', '.join(columns)})"
        f" SELECT n, 1795608000 + n * 60, {', '.join(columns)} FROM n, runs WHERE runs.id = n % 30 + 1"
    )
    connection.commit()
    connection.close()
    async with opened() as (app, pilot):
        table = await history(app, pilot, 100_000)
        await pilot.press("end")
        await until(pilot, lambda: table.list.cursor == 99_999 and table.list.current)
        assert len(listed(table)) == table.rows
        await until(pilot, lambda: "best" in app.screen.query_one(Scatter).render().plain)


async def test_a_damaged_history_is_told_and_the_session_goes_on(opened, until, history, script):
    path = paths.history_database()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"nonsense" * 1000)
    async with opened(script(["def", " add"])) as (app, pilot):
        await pilot.press(*"add", "enter")
        await until(pilot, lambda: "set aside" in app.screen.query_one(Notice).render().plain)
        await history(app, pilot, 1)
