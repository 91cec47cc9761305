"""What is exported can be read back, and what models said is only text in it."""

from __future__ import annotations

import csv
import io
import json

import pytest

from playground.bench.compare.history import MEASURE
from playground.bench.html.history_page import history_html
from playground.bench.report_run import QUALITY
from playground.protocol.metrics import FORMULAS
from playground.session.history.export import as_csv, as_json, as_markdown


@pytest.fixture
def runs(make_run):
    return [
        make_run(id=1, title="=HYPERLINK(1)", options={"kv_cache": "int8"}, ttft_s=0.0184, tps=352.1, flags=["cold"]),
        make_run(id=2, model="a|b <b>\n# x", memory_bytes=3 << 20, quality=0.75, measure="pass@1"),
    ]


def test_json(runs):
    content = json.loads(as_json(runs))
    assert content["formulas"]["TTFT"] and "N < 2" in content["formulas"]["TPS"]
    one, two = content["runs"]
    assert (one["tps"], one["ttft_s"], one["options"], one["when"]) == (
        352.1,
        0.0184,
        {"kv_cache": "int8"},
        "2023-11-14T22:13:20Z",
    )
    assert two["quality"] == 0.75 and "tps" not in two


def test_csv(runs):
    one, two = csv.DictReader(io.StringIO(as_csv(runs)))
    assert (one["title"], one["options"], one["ttft_s"], one["tps"]) == (
        "'=HYPERLINK(1)",
        "kv_cache=int8",
        "0.0184",
        "352.1",
    )
    assert two["options"] == "defaults" and two["tps"] == "" and two["memory_bytes"] == str(3 << 20)
    assert "first token" in one["definitions"] and two["definitions"] == ""


def test_markdown(runs):
    lines = as_markdown(runs).splitlines()
    assert {line.replace("\\|", "").count("|") for line in lines[:4]} == {11}
    assert "18.4" in lines[2] and "kv\\_cache=int8" in lines[2]
    assert "<b>" not in lines[3] and "pass@1 0.75" in lines[3]
    assert any(line.startswith("- **TTFT**") for line in lines)


@pytest.mark.parametrize("measure", [*(measure for _, measure in QUALITY), MEASURE, "pass@10"])
def test_the_formula_of_a_measure_stands_in_every_export(make_run, measure):
    runs, known = [make_run(quality=0.5, measure=measure)], {name.lower(): name for name in FORMULAS}
    name = "pass@k" if measure.startswith("pass@") else known[measure.lower()]
    assert json.loads(as_json(runs))["formulas"][name] == FORMULAS[name]
    assert f"{name}: {FORMULAS[name]}" in next(csv.DictReader(io.StringIO(as_csv(runs))))["definitions"]
    assert f"- **{name}**: " in as_markdown(runs)
    assert f"<dt>{name}</dt>" in history_html(runs)


def test_a_measure_without_a_formula_is_no_fault(make_run):
    assert "Perplexity" not in as_markdown([make_run(quality=0.5, measure="of an older version"), make_run()])
