"""The page loads nothing, runs nothing, and holds what it should: figures, plots, trust flags, formulas."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from playground.bench.html.history_page import history_html
from playground.bench.html.labels import label
from playground.bench.html.report_page import report_html
from playground.bench.html.svg import Dot, Series, plot
from playground.bench.report import Report, Trust
from playground.session.history.run import Run

HOSTILE = "</td><script>alert(1)</script><img src=x onerror=y>&\"'"
TEXT = "html head meta title style body h1 h2 h3 p span i div dl dt dd details summary pre"
TABLES_AND_PLOTS = "table thead tbody tr th td figure figcaption svg path text circle polyline"
SAFE_TAGS = {*TEXT.split(), *TABLES_AND_PLOTS.split()}


class Page(HTMLParser):
    """Every tag, every attribute that could load or run, and the text."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.words: list[str] = []
        self.feed(content)
        self.text = " ".join(self.words)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data):
        self.words.append(data)


def report(**fields) -> Report:
    trust = Trust(
        start="cold",
        prefix_hit=0.25,
        throttled=("thermal",),
        other_processes=2,
        differs={"attention": "eager alone reads codes"},
        n=40,
        versions={"torch": "2.13"},
        formulas={"pass@k": "1 − C(n−c,k)/C(n,k)"},
        notes=["stopped by Ctrl+C: 12 of 40 tasks"],
    )
    given = {
        "suite": "code",
        "model": "tiny-coder",
        "options": {"attention": "sdpa-flash"},
        "effective": {"attention": "eager"},
        "totals": {"tasks": 40, "pass_at_k": {"1": 0.75}},
        "items": [
            {"task": f"t{i}", "status": "passed" if i % 3 else "failed", "seconds": i / 10, "spread": {"p50": i * 2.0}}
            for i in range(12)
        ],
        "trust": trust,
    }
    return Report(**given | fields)


def test_everything_a_reader_must_know_is_there():
    page = Page(report_html(report()))
    for word in ("tiny-coder: code", "cold", "n = 40", "prefix hits 25%", "throttled: thermal", "2 other processes"):
        assert word in page.text
    for word in ("eager alone reads codes", "12 of 40 tasks", "pass@1", "75 %", "1 − C(n−c,k)/C(n,k)", "2.13"):
        assert word in page.text
    assert "eager (asked for: sdpa-flash)" in page.text


def test_measured_columns_are_plotted_in_groups():
    content = report_html(report())
    assert content.count("<svg") == 2, "seconds and spread.p50"
    assert content.count("<circle") == 24 and "passed</span>" in content and "failed</span>" in content


def test_keys_are_told_in_words():
    said = {"pass_at_k.1": "pass@1", "intervals.10": "pass@10, 95 % interval", "samples.output_tokens": "output tokens"}
    said |= {"tasks_at_k.10": "pass@10, tasks"}
    said |= {"ttft.p50": "TTFT p50", "generation_s": "generation, s", "kv_cache": "KV cache", "a-b.c": "a-b c", "": ""}
    assert {name: label(name) for name in said} == said
    totals = {"intervals": {"1": [0.258, 0.657]}, "by_stratum": {"easy": {"tasks": 7, "passed": 6}}}
    page = Page(report_html(report(totals=totals | {"pass_at_k": {"1": 0.45}, "tokens_per_second": 553.5})))
    assert "25.8 % to 65.7 %" in page.text and "all requests together" in page.text and "by stratum" in page.text
    assert not any(raw in page.text for raw in ("intervals", "by_stratum", "tokens_per_second", "pass_at_k"))


def test_a_column_that_says_nothing_of_its_own_is_told_once_or_not_at_all():
    items = [
        {"task": f"t{i}", "detail": str(i), "samples": [{"detail": str(i), "limit_s": 4.0, "seconds": i}]}
        for i in range(9)
    ]
    page = Page(report_html(report(items=items)))
    assert "in all of them  limit, s: 4" in page.text and page.words.count("detail") == 1


def test_items_are_counted_on_an_even_axis():
    items = [{"task": f"t{i}", "seconds": i % 3} for i in range(40)]
    content = report_html(report(items=items))
    places = [float(place) for place in re.findall(r'cx="([\d.]+)"', content)]
    assert places[1] - places[0] == pytest.approx(places[39] - places[38], abs=0.2)


def test_a_sweep_is_plotted_over_what_was_varied():
    items = [{"rate": 2.0**i, "goodput": 3.0 - i, "kind": "x"} for i in range(4)]
    content = report_html(report(items=items))
    assert content.count("<svg") == 1 and "<polyline" in content and "rate →" in content


@pytest.mark.parametrize(
    "content",
    [
        report_html(
            report(
                suite=HOSTILE,
                model=HOSTILE,
                effective={HOSTILE: HOSTILE},
                totals={HOSTILE: HOSTILE},
                items=[{HOSTILE: HOSTILE * 9, "status": HOSTILE + str(i), "n": i} for i in range(3)],
            )
        ),
        history_html(
            [
                Run(
                    at=0.0,
                    kind=HOSTILE,
                    model=HOSTILE,
                    title=HOSTILE,
                    flags=[HOSTILE],
                    tags=[HOSTILE],
                    options={HOSTILE: HOSTILE},
                    measure=HOSTILE,
                    versions={HOSTILE: HOSTILE},
                    ttft_s=0.1,
                    tps=float(tps),
                    quality=0.5,
                )
                for tps in (1, 2)
            ]
        ),
    ],
    ids=["report", "history"],
)
def test_what_was_said_is_only_text(content):
    page = Page(content)
    assert page.tags <= SAFE_TAGS
    assert not {name for name in page.attributes if name.startswith("on") or name in ("src", "href", "srcset")}
    assert "http://" not in content and "https://" not in content and "url(" not in content and "@import" not in content
    assert "alert(1)" in page.text


def test_the_history_has_three_plots_and_the_formulas():
    runs = [
        Run(at=0.0, kind="chat", model=m, ttft_s=0.1, tps=9.0, memory_bytes=9, quality=q, measure="pass@1")
        for m, q in (("a", 0.5), ("b", 1.0))
    ]
    content = history_html(runs)
    assert content.count("<svg") == 3 and "first token id available" in content and "2 runs" in content
    assert history_html([]).count("<svg") == 0


@pytest.mark.parametrize("values", [[1.0], [0.0, 0.0], [1e-9, 1e9], [-3.0, 5.0], [1e12, 2e12]])
def test_a_plot_is_well_formed_for_any_numbers(values):
    svg = plot([Series("a", [Dot(value, value, HOSTILE) for value in values], joined=True)], "x", "y")
    figure = ElementTree.fromstring(svg)
    numbers = [float(each.get(name)) for each in figure.iter("circle") for name in ("cx", "cy")]
    assert len(numbers) == 2 * len(values) and all(0 <= number <= 640 for number in numbers)
