"""The program in a real terminal: what its user sees and presses, from the first frame to a clean shell."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path

import psutil
import pytest

from tests.worker.processes import seconds_until_gone

LOAD_S = 90.0
RECORDING = Path(__file__).parents[1] / "recordings" / "kv-switch.jsonl"
SCRIPTED = ("--engine", "scripted", "--preset", "endless")


def toggle(screen: str, label: str) -> str:
    """The value beside a toggle's label."""
    found = re.search(rf"^ *{re.escape(label)} +(\S+)", screen, re.MULTILINE)
    return found[1] if found else ""


def status(screen: str) -> str:
    """The status line."""
    return screen.splitlines()[0]


def tokens(screen: str) -> int:
    """Steps so far, as the board counts them."""
    found = re.search(r"step (\d[\d\u202f ]*)", screen)
    return int(re.sub(r"\D", "", found[1])) if found else 0


def worker_of(terminal) -> psutil.Process:
    """The engine's process."""
    return next(process for process in terminal.processes() if "playground.worker" in " ".join(process.cmdline()))


def loaded(screen: str) -> bool:
    return "idle" in status(screen) and "cpu" in status(screen)


def streaming(screen: str) -> bool:
    return "running" in status(screen) and tokens(screen) > 3


@pytest.fixture
def app(start):
    """The bundled model, loaded, with text that does not end by itself."""
    terminal = start("--preset", "endless")
    terminal.wait(loaded, LOAD_S)
    return terminal


def test_the_main_job(app):
    assert re.search(r"tiny-coder +[\d.]+ M +(bfloat16|float32) +cpu", status(app.screen()))
    app.type("def add(a, b):")
    app.wait(lambda screen: "> def add(a, b):" in screen)
    app.press("Enter")
    screen = app.wait(streaming)
    assert "def add(a, b):" in screen
    app.wait(lambda screen: re.search(r"\d tok/s", screen) and re.search(r"\d ms", screen))
    for key, label, value in (("C-k", "KV cache", "int8"), ("C-f", "attention", "eager"), ("C-w", "weights", "int8")):
        before = tokens(app.screen())
        app.press(key)
        screen = app.wait(lambda screen, label=label, value=value: toggle(screen, label) == value)
        assert "running" in status(screen), "it changed while text streamed"
        app.wait(lambda screen, before=before: tokens(screen) > before + 3)
    app.press("Escape")
    started = time.monotonic()
    app.wait(loaded)
    assert time.monotonic() - started < 5
    time.sleep(0.5)  # the transcript draws what came before the end
    stopped = tokens(app.screen())
    time.sleep(0.5)
    assert tokens(app.screen()) == stopped


def test_a_killed_engine_starts_again_by_one_key(app):
    app.press("C-k")
    app.wait(lambda screen: toggle(screen, "KV cache") == "int8")
    app.type("def f(x):")
    app.press("Enter")
    app.wait(streaming)
    worker_of(app).send_signal(signal.SIGKILL)
    said = "the engine process died (SIGKILL)"
    app.wait(lambda screen: "failed" in status(screen) and said in screen and "^Y" in screen)
    app.press("C-y")
    screen = app.wait(loaded, LOAD_S)
    assert "tiny-coder" in status(screen) and toggle(screen, "KV cache") == "int8"


def test_nothing_outlives_a_killed_ui(app):
    app.type("x")
    app.press("Enter")
    app.wait(streaming)
    family = app.processes()
    ui = next(process for process in family if "playground.worker" not in " ".join(process.cmdline()))
    os.kill(ui.pid, signal.SIGKILL)
    assert len(family) > 1
    assert seconds_until_gone(*(process.pid for process in family)) < 2


def test_words_and_lines_are_deleted_without_a_switch(app):
    def after(*keys):
        app.press("C-e", "C-u")
        app.wait(lambda screen: "> Type a prompt" in screen)
        app.type("one two three")
        app.wait(lambda screen: "> one two three" in screen)
        for key in keys:
            app.press(key)
            time.sleep(0.2)  # Esc and a letter are one key only if nothing follows at once
        return lambda screen: re.search(r"^ *> (.*?)  ", screen, re.MULTILINE)

    for keys, left in (
        (["M-BSpace"], "one two"),
        (["M-w"], "one two"),
        (["Home", "C-Right", "M-d"], "one three"),
        (["Home", "C-Right", "M-DC"], "one three"),
        (["Home", "C-Right", "M-k"], "one"),
        (["Home", "C-Right", "S-End", "DC"], "one"),
        (["M-BSpace", "C-z"], "one two three"),
    ):
        line = after(*keys)
        app.wait(lambda screen, line=line, left=left: (found := line(screen)) and found[1] == left)
    assert toggle(app.screen(), "weights") == toggle(app.screen(), "KV cache") == "model"
    app.press("C-w")
    app.wait(lambda screen: toggle(screen, "weights") == "int8" and "> one two three" in screen)
    app.press("C-o")
    app.wait(lambda screen: "Load a model" in screen)
    app.type("one two")
    app.press("M-BSpace")
    app.wait(lambda screen: "one two" not in screen.replace("> one two three", "") and "one" in screen)


def test_a_replay_obeys_its_keys(start):
    terminal = start("replay", str(RECORDING), "--speed", "0.1")
    terminal.wait(lambda screen: "REPLAY" in screen and "playing" in screen)
    terminal.press("Space")
    terminal.wait(lambda screen: "paused" in screen)
    for step in range(3):
        terminal.press("Right")
        terminal.wait(lambda screen, step=step: re.search(rf"step {step} ", screen))
    terminal.press("Left", "+", "Space")
    terminal.wait(lambda screen: "playing" in screen and "0.25x" in screen)
    terminal.press("Right", "Right")
    terminal.wait(lambda screen: "ended" in screen and "Space plays it again   ^Q quits" in screen)
    terminal.press("Space")
    terminal.wait(lambda screen: "playing" in screen)


def test_a_model_that_is_not_there(start):
    terminal = start("/nowhere/at/all")
    screen = terminal.wait(lambda screen: "EXIT 2" in screen)
    assert "there is no /nowhere/at/all; check the spelling" in screen and "Traceback" not in screen


def test_a_folder_that_holds_no_model(start, tmp_path):
    terminal = start(str(tmp_path))
    said = "no config.json"  # painted after the status
    terminal.wait(lambda screen: "failed" in status(screen) and said in screen, LOAD_S)
    terminal.press("C-q")
    terminal.wait(lambda screen: "EXIT 0" in screen)


def test_a_window_of_20x5_and_back(start):
    terminal = start(*SCRIPTED)
    terminal.wait(loaded, LOAD_S)
    terminal.type("x")
    terminal.press("Enter")
    terminal.wait(streaming)
    for columns, rows in ((20, 5), (250, 70), (80, 24), (5, 2), (120, 40)):
        terminal.resize(columns, rows)
        screen = terminal.wait(lambda screen, rows=rows: len(screen.splitlines()) <= rows and screen.strip() != "")
        assert "Traceback" not in screen
    terminal.wait(lambda screen: streaming(screen) and all(panel in screen for panel in ("Toggles", "Memory", "Batch")))
    terminal.press("Escape")
    terminal.wait(loaded)


def test_escapes_and_markup_are_only_text(start):
    terminal = start(*SCRIPTED)
    terminal.wait(loaded, LOAD_S)
    terminal.type("[bold red]loud[/] [/nothing] [@click=app.quit]go[/]")
    terminal.press("Enter")
    said = ("[bold red]loud[/] [/nothing]", "[@click=app.quit]go[/]")
    terminal.wait(lambda screen: streaming(screen) and all(text in screen for text in said))


def test_a_megabyte_is_pasted_and_the_keys_go_on(start, tmp_path):
    terminal = start(*SCRIPTED)
    terminal.wait(loaded, LOAD_S)
    terminal.paste("def add(a, b): return a + b\n" * 37_500, tmp_path / "paste")
    terminal.wait(lambda screen: "1.0 MB" in screen or "1.1 MB" in screen, 30)
    terminal.press("F1")
    terminal.wait(lambda screen: "─ Help ─" in screen, 10)


def test_quitting_leaves_a_clean_shell(start):
    terminal = start(*SCRIPTED)
    terminal.wait(loaded, LOAD_S)
    terminal.type("x")
    terminal.press("Enter")
    terminal.wait(streaming)
    family = terminal.processes()
    terminal.press("C-q")
    terminal.wait(lambda screen: "EXIT 0" in screen)
    assert seconds_until_gone(*(process.pid for process in family)) < 2
    assert terminal.flags() == "0 0 0 0 1 0"
    terminal.type("echo still $((20 + 1)) here")
    terminal.press("Enter")
    screen = terminal.wait(lambda screen: "still 21 here" in screen)
    *_, typed, answer, prompt = [line for line in screen.splitlines() if line.strip()]
    assert typed.endswith("echo still $((20 + 1)) here") and answer == "still 21 here"
    assert prompt.strip() in ("#", "$"), "nothing was left to be typed"
