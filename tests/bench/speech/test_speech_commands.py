"""`transcribe` and `bench speech` as people run them, with the bundled recogniser."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from playground.bench.speech.manifest import BUNDLED
from tests.cli.screens import read_until
from tests.speech.speaking import known_and_unheard, write_wav
from tests.worker.processes import seconds_until_gone

CLEAN = BUNDLED.parent / "03-clean.opus"
SAID = "write a function that reverses a string"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("home")
    kinds = ("CONFIG", "STATE", "DATA", "CACHE")
    return os.environ | {f"XDG_{kind}_HOME": str(folder / kind.lower()) for kind in kinds} | {"HF_HUB_OFFLINE": "1"}


def run(home: dict[str, str], *words: str, stdin: bytes = b"") -> tuple[int, str, str]:
    command = [sys.executable, "-m", "playground", *words]
    done = subprocess.run(command, env=home, input=stdin, capture_output=True, timeout=180, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_a_sound_file_as_text_and_as_json(home):
    code, stdout, stderr = run(home, "transcribe", str(CLEAN))
    assert (code, stdout) == (0, SAID + "\n") and "RTF" in stderr
    code, stdout, _ = run(home, "transcribe", "-", "--json", stdin=CLEAN.read_bytes())
    last = json.loads(stdout.splitlines()[-1])
    assert code == 0 and last["type"] == "Transcript" and last["text"] == SAID
    assert last["audio_seconds"] > 2 and last["rtf"] == pytest.approx(last["seconds"] / last["audio_seconds"])
    assert last["segments"][0]["text"] == SAID and last["dropped"] == []


@pytest.mark.parametrize(
    ("name", "says"), [("x.wav", "x.wav is no sound file"), ("-", "standard input is no sound file")]
)
def test_what_cannot_be_heard_is_one_line(home, tmp_path, name, says):
    noise = b"no sound at all" * 99
    (tmp_path / "x.wav").write_bytes(noise)
    code, stdout, stderr = run(home, "transcribe", name.replace("x.wav", str(tmp_path / "x.wav")), stdin=noise)
    assert code == 1 and stdout == "" and len(stderr.splitlines()) == 1 and says in stderr


def test_a_transcript_in_windows_becomes_clean_text(home, tmp_path):
    path = tmp_path / "talk.txt"
    path.write_text(
        "[Chunk start 0.00s]: Кэш ключей растёт вместе с разговором\n"
        "[Chunk start 25.00s]: вместе с разговором, слово за словом.\n[Chunk start 50.00s]:\n",
        encoding="utf-8",
    )
    code, stdout, stderr = run(home, "transcribe", "--clean", str(path))
    assert code == 0 and stdout == "Кэш ключей растёт вместе с разговором, слово за словом.\n"
    assert "[50.00s] empty" in stderr and "1 of 1 overlaps found" in stderr
    code, stdout, _ = run(home, "transcribe", "--clean", str(path), "--json")
    said = json.loads(stdout)
    assert said["type"] == "CleanTranscript" and said["marked"][0]["reason"] == "empty"


def test_the_bundled_recordings(home, tmp_path):
    out = tmp_path / "speech.json"
    code, stdout, stderr = run(home, "bench", "speech", "--json", str(out))
    report = json.loads(out.read_text())
    assert code == 0 and len(report["items"]) == 12 and report["suite"] == "speech"
    errors = report["totals"]["errors"]
    assert errors["wer"] < 0.08 and errors["words"] == 122
    assert errors["wer"] == pytest.approx(
        (errors["substitutions"] + errors["insertions"] + errors["deletions"]) / errors["words"]
    )
    rates = stdout.splitlines()[-1]
    assert rates.startswith("WER") and rates.endswith(" deleted   normalizer basic")
    assert report["totals"]["normalizer"] == "basic" and "playground:" not in stderr


def test_spoken_questions_are_answered_and_judged(home, tmp_path):
    answer = tmp_path / "right.json"
    manifest = tmp_path / "questions.jsonl"
    question = {"audio": str(CLEAN), "question": SAID, "answer": "42"}
    manifest.write_text(json.dumps(question) + "\n")
    code, _, _ = run(home, "bench", "speech", "--questions", str(manifest), "--json", str(answer))
    (item,) = json.loads(answer.read_text())["items"]
    assert code == 0 and not item["correct"] and item["heard"] == SAID and item["answer"].startswith("def ")
    published = {"id": 0, "category": "navigate", "file_name": str(CLEAN), "official_answer": item["answer"]}
    manifest.write_text(json.dumps(published) + "\n")
    code, stdout, _ = run(home, "bench", "speech", "--questions", str(manifest), "--json", str(answer))
    assert code == 0 and stdout.splitlines()[-1] == "exact match 1 of 1, 100 %"
    errors = json.loads(answer.read_text())["totals"]["hearing"]["errors"]
    assert errors["wer"] is None and errors["insertions"] == 0, "nobody wrote down what is said"


def spoken_question(folder: Path, answer: str = "42") -> Path:
    manifest = folder / "questions.jsonl"
    manifest.write_text(json.dumps({"audio": str(CLEAN), "question": SAID, "answer": answer}) + "\n")
    return manifest


def test_a_model_that_cannot_be_loaded_is_told_before_anything_is_heard(home, tmp_path):
    words = ("--questions", str(spoken_question(tmp_path)), "--llm", "nobody/nothing")
    code, stdout, stderr = run(home, "bench", "speech", *words)
    assert (code, stdout) == (1, "") and "nobody/nothing" in stderr and len(stderr.splitlines()) == 1


def test_what_was_heard_outlives_the_model_that_was_to_answer(home, tmp_path):
    out = tmp_path / "out.json"
    words = ("bench", "speech", "--questions", str(spoken_question(tmp_path)), "--json", str(out))
    command, pipe = [sys.executable, "-m", "playground", *words], subprocess.PIPE
    process = subprocess.Popen(command, env=home, stdout=pipe, stderr=pipe, text=True)
    deadline, workers = time.monotonic() + 60, {}
    while "speech" not in workers:  # it is started once the language model is loaded
        assert time.monotonic() < deadline and process.poll() is None
        lines = {child: child.cmdline() for child in psutil.Process(process.pid).children()}
        workers = {line[3]: child for child, line in lines.items() if line[2:3] == ["playground.worker"]}
        time.sleep(0.01)
    workers["engine"].kill()
    stdout, stderr = process.communicate(timeout=60)
    report = json.loads(out.read_text())
    (item,) = report["items"]
    assert process.returncode == 1 and "Traceback" not in stderr
    assert item["heard"] == SAID and item["correct"] is None and report["totals"]["exact_match"] is None
    assert report["totals"]["hearing"]["errors"]["wer"] == 0
    assert any("the engine process ended" in note for note in report["trust"]["notes"]), stderr
    assert stdout.splitlines()[-1] == "exact match 0 of 0, – %"


@pytest.mark.parametrize(
    ("number", "name", "kind"),
    [(signal.SIGINT, b"Ctrl+C", "text"), (signal.SIGTERM, b"SIGTERM", "text"), (signal.SIGINT, b"Ctrl+C", "question")],
)
def test_what_interrupts_keeps_what_was_heard(home, tmp_path, number, name, kind):
    manifest, out = tmp_path / "m.jsonl", tmp_path / "out.json"
    line = {"audio": str(CLEAN), kind: SAID} | ({"answer": "42"} if kind == "question" else {})
    manifest.write_text(f"{json.dumps(line)}\n" * 500)
    words = ("bench", "speech", "--manifest" if kind == "text" else "--questions", str(manifest), "--json", str(out))
    screen, other = pty.openpty()  # progress is shown where somebody looks
    command = [sys.executable, "-m", "playground", *words]
    process = subprocess.Popen(command, env=home, stdout=subprocess.PIPE, stderr=other)
    os.close(other)
    said = read_until(screen, b" of 500: ")
    family = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(number)
    said += read_until(screen, None)
    os.close(screen)
    stdout, _ = process.communicate(timeout=30)
    report = json.loads(out.read_text())
    heard = report["items"]
    assert process.returncode == 1 and b"Traceback" not in said and 0 < len(heard) < 500
    assert f"stopped by {name.decode()}: {len(heard)} of 500 recordings" in report["trust"]["notes"]
    assert b"stopped by " + name in said and {item["heard"] for item in heard} == {SAID}
    assert (b"of %d words" % (7 * len(heard)) if kind == "text" else b"exact match 0 of 0") in stdout
    assert seconds_until_gone(*(each.pid for each in family)) < 2


def test_a_recording_that_is_not_there_does_not_end_the_rest(home, tmp_path):
    manifest = tmp_path / "m.jsonl"
    lines = [{"audio": "gone.wav", "text": "x"}, {"audio": str(CLEAN), "text": SAID}]
    manifest.write_text("\n".join(map(json.dumps, lines)))
    out = tmp_path / "out.json"
    code, stdout, stderr = run(home, "bench", "speech", "--manifest", str(manifest), "--json", str(out))
    report = json.loads(out.read_text())
    totals, trust = report["totals"], report["trust"]
    assert totals["failed"] == 1 and totals["errors"]["wer"] == 0 and "gone.wav" in stderr
    assert code == 1 and stdout.splitlines()[-1].startswith("1 of 2 failed, in no rate"), "the rates are of one alone"
    (note,) = trust["notes"]
    assert note.startswith("1 of 2 recordings failed, in no rate: ") and "gone.wav" in note
    assert trust["n"] == 1 and trust["start"] == "cold", "the first recording is the recogniser's first"


def test_a_folder_as_librispeech_and_a_list_as_openstt_are_heard_to_the_end(home, tmp_path):
    chapter = tmp_path / "dev-clean" / "84" / "121123"
    chapter.mkdir(parents=True)
    shutil.copy(CLEAN, chapter / "84-121123-0000.opus")
    (chapter / "84-121123.trans.txt").write_text(f"84-121123-0000 {SAID.upper()}\n")
    (tmp_path / "sounds").mkdir()
    shutil.copy(CLEAN, tmp_path / "sounds" / "a.opus")
    (tmp_path / "sounds" / "a.txt").write_text(SAID)
    (tmp_path / "list.csv").write_text("0,2.4,sounds/a.opus,sounds/a.txt\n")
    for manifest in (tmp_path / "dev-clean", tmp_path / "list.csv"):
        out = tmp_path / "out.json"
        code, _, stderr = run(home, "bench", "speech", "--manifest", str(manifest), "--json", str(out))
        assert code == 0, stderr
        report = json.loads(out.read_text())
        assert [item["heard"] for item in report["items"]] == [SAID]
        assert report["totals"]["errors"]["wer"] == 0 and report["totals"]["errors"]["words"] == len(SAID.split())


def test_what_was_decoded_again_is_said(home, tmp_path):
    if not shutil.which("espeak-ng"):
        pytest.skip("espeak-ng speaks the sentence")
    path = write_wav(tmp_path / "said.wav", known_and_unheard())
    code, _, stderr = run(home, "transcribe", str(path), "--beam", "1")
    said = [line for line in stderr.splitlines() if "decoded again" in line]
    line = re.compile(r"playground: decoded again \[\d+\.\d\ds\] at 0, 0\.2[0-9., ]*: the text is that of (0|1|0\.\d)")
    assert code == 0 and said and all(map(line.fullmatch, said)), stderr


def test_a_manifest_with_a_fault_is_a_usage_error(home, tmp_path):
    (tmp_path / "m.jsonl").write_text('{"audio": "a.wav"}\n')
    code, _, stderr = run(home, "bench", "speech", "--manifest", str(tmp_path / "m.jsonl"))
    assert code == 2 and "m.jsonl:1: the text is missing" in stderr


def test_a_recogniser_that_is_not_there_is_one_line_with_its_advice(home, tmp_path):
    code, stdout, stderr = run(home, "bench", "speech", str(tmp_path / "gone"))
    assert (code, stdout) == (2, "") and len(stderr.splitlines()) == 1
    assert "gone; check the spelling" in stderr
