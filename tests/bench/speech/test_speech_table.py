"""What `bench speech` prints: each kind of error in its own colour, and the figures under it."""

from __future__ import annotations

import pytest

from playground.bench.speech.words import Hearing, total
from playground.headless.bench.speech_table import print_words


def hearing(seconds: float, reference: str = "one", heard: str = "one") -> Hearing:
    return Hearing(id="a", reference=reference, heard=heard, audio_seconds=10.0, seconds=seconds, rtf=seconds / 10)


def test_words_are_coloured_by_what_became_of_them(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm-256color", "COLORTERM": ""}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)
    hearings = [hearing(1.0, "the cat sat on the mat", "the bat sat on big mat")]
    hearings.append(hearing(1.0, "good day \x1b[5m", "good"))
    print_words(hearings, total(hearings, "basic"))
    said = capsys.readouterr()
    assert "\x1b[33mcat▸bat \x1b[0m" in said.out and "the \x1b[33m" in said.out
    assert "\x1b[33mthe▸big \x1b[0m" in said.out and "\x1b[9;31mday" in said.out and "\x1b[5m" not in said.out
    inserted = [hearing(1.0, "good day", "good big day")]
    print_words(inserted, total(inserted, "basic"))
    assert "good \x1b[32mbig \x1b[0mday" in capsys.readouterr().out


def test_rates_and_latencies_stand_under_them(capsys: pytest.CaptureFixture[str]):
    hearings = [hearing(float(second)) for second in range(1, 21)]
    hearings.append(Hearing(id="gone", reference="x", heard="", fault="it does not exist"))
    totals = total(hearings, "basic")
    assert (totals.recordings, totals.failed, totals.audio_seconds) == (21, 1, 200.0)
    assert totals.rtf == pytest.approx(210 / 200)
    assert totals.latency_p50_s == pytest.approx(10.5, abs=0.5) and totals.latency_p95_s == pytest.approx(19, abs=0.5)
    print_words(hearings, totals)
    said = capsys.readouterr()
    rates, failed = said.out.splitlines()[-2:]
    assert rates.startswith("WER 0.0%   CER 0.0%   SER 0.0%   of 20 words: 0 substituted")
    assert failed == "1 of 21 failed, in no rate"
    assert said.err.startswith("RTF 1.05   latency p50 1") and "p95 1" in said.err
