"""vLLM from the command line through the settings, and what remains when one of its processes is killed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import sleep

import psutil
import pytest

from playground import paths
from playground.config import VLLM_PYTHON, load_settings
from playground.doctor.extras import check_vllm
from playground.protocol.commands import Submit
from playground.protocol.events import OptionsApplied, StepsExecuted, TokensGenerated
from tests.cli.conftest import Playground, home, playground  # noqa: F401
from tests.engine.transformers.faults.live_worker import request
from tests.engine.vllm.conftest import OPTIONS, VllmWorker
from tests.worker.processes import seconds_until_gone

GONE_S = 10.0


def test_run_finds_the_interpreter_in_the_settings_and_compares_with_transformers(
    vllm_python: str,
    playground: Playground,  # noqa: F811
    home: dict[str, str],  # noqa: F811
):
    settings = Path(home["XDG_CONFIG_HOME"]) / "playground" / "config.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text(f'[engines.vllm]\npython = "{vllm_python}"\n')
    words = ["--prompt", "def add(a, b):", "--max-tokens", "16", "--ignore-eos", "--set", "dtype=float32", "--json"]
    result = playground("run", *words, "--against", "vllm", timeout_s=VllmWorker.patience_s)
    assert result.code == 0, result.stderr
    found = result.messages[-1]
    assert (found["type"], found["same_tokens"]) == ("SideBySide", 1) and found["speed_up"] > 0
    assert [side["engine"] for side in found["sides"]] == ["transformers", "vllm"]
    theirs = found["sides"][1]["summary"]
    assert theirs["totals"]["output_tokens"] == 16 and theirs["effective"]["attention"] == "CPU_ATTN"
    assert theirs["effective"]["verified"] == "verified"
    ready = result.events("WorkerReady")
    assert [event["capabilities"]["engine"] for event in ready] == ["transformers", "vllm"]


def test_a_suite_runs_on_vllm(
    vllm_python: str,
    playground: Playground,  # noqa: F811
    home: dict[str, str],  # noqa: F811
    tmp_path: Path,
):
    home[VLLM_PYTHON], file = vllm_python, tmp_path / "code.json"
    words = ["--engine", "vllm", "--subset", "4", "--max-tokens", "96", "--set", "dtype=float32", "--json", str(file)]
    result = playground("bench", "code", *words, timeout_s=VllmWorker.patience_s)
    assert result.code == 0, result.stderr
    report = json.loads(file.read_text())
    totals, effective = report["totals"], report["effective"]
    assert (totals["tasks"], totals["timed_out"], totals["skipped"]) == (4, 0, 0) and totals["passed"] > 0
    assert (effective["attention"], effective["verified"]) == ("CPU_ATTN", "verified")
    assert report["engine"] == "vllm" and "vllm" in report["trust"]["versions"]


def test_without_vllm_one_line_says_what_to_install(playground: Playground):  # noqa: F811
    try:
        import vllm  # noqa: F401
    except ImportError:
        result = playground("run", "--engine", "vllm", "--prompt", "x")
        assert result.code == 1 and len(result.stderr.splitlines()) == 1
        assert "python3 -m venv ~/vllm" in result.stderr and VLLM_PYTHON in result.stderr
        assert sys.executable not in result.stderr  # vLLM's pins would break this environment
    else:
        pytest.skip("vLLM is in this very environment")


def test_ray_in_the_settings_is_passed_on_and_refused_in_one_line_on_a_cpu(
    vllm_python: str,
    playground: Playground,  # noqa: F811
    home: dict[str, str],  # noqa: F811
):
    settings = Path(home["XDG_CONFIG_HOME"]) / "playground" / "config.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text(f'[engines.vllm]\npython = "{vllm_python}"\nexecutor = "ray"\n')
    result = playground("run", "--engine", "vllm", "--tensor-parallel", "2", "--prompt", "x")
    assert (result.code, result.stdout) == (1, "")
    assert result.stderr == (
        "playground: executor=ray is for machines with GPUs: vLLM's Ray executor knows no CPU; [engines.vllm] executor"
        " = auto runs the ranks as processes of this machine\n"
    )


def test_doctor_says_which_interpreter_runs_vllm(vllm_python: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(VLLM_PYTHON)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "playground").mkdir()
    (tmp_path / "playground" / "config.toml").write_text(f'[engines.vllm]\npython = "{vllm_python}"\n')
    assert load_settings().engines.vllm.python == vllm_python
    finding = check_vllm()[0]
    assert finding.status == "ok" and vllm_python in finding.message


@pytest.fixture
def ranked(vllm_python: str, tmp_path: Path) -> Iterator[tuple[VllmWorker, list[psutil.Process]]]:
    """A worker that generates on two ranks, and the processes in which vLLM's own executor computes."""
    worker = VllmWorker(tmp_path)
    worker.load(paths.bundled_model(), tensor_parallel=2, **OPTIONS)
    children = psutil.Process(worker.process.pid).children(recursive=True)
    worker.send(Submit(requests=[request("cut", max_tokens=1900)]))
    worker.wait(TokensGenerated)
    yield worker, children
    worker.kill()
    for child in children:
        if child.is_running():
            child.kill()


def ranks(children: list[psutil.Process]) -> list[psutil.Process]:
    return [child for child in children if child.name().startswith("VLLM")]


def test_a_process_of_vllm_that_dies_ends_the_worker_which_is_an_event_for_the_ui(ranked):
    worker, children = ranked
    assert worker.of(OptionsApplied)[-1].effective["verified"] == "verified" and len(ranks(children)) == 2
    steps = [step for _ in range(2) for step in worker.wait(StepsExecuted).steps]
    works = [work for step in steps for work in step.slots if work.request_id == "cut"]
    assert works[0].phase == "prefill" and {(work.phase, work.tokens) for work in works[1:]} == {("decode", 1)}
    ranks(children)[0].kill()
    assert worker.process.wait(timeout=30) != 0
    assert "engine died" in worker.log.read_text()
    assert seconds_until_gone(*(child.pid for child in children)) < GONE_S


@pytest.mark.parametrize(("killed", "stage"), [("ui", "device"), ("ui", ""), ("both", "")])
def test_nothing_of_vllm_outlives_the_ui(vllm_python: str, tmp_path: Path, killed: str, stage: str):
    words = [vllm_python, "vllm", str(paths.bundled_model()), str(tmp_path / "worker.log"), stage]
    with subprocess.Popen([sys.executable, "-m", "tests.worker.ui_stand_in", *words], stdout=subprocess.PIPE) as ui:
        worker = psutil.Process(int(ui.stdout.readline()))
        assert ui.stdout.readline() == b"working\n"
        while not (children := worker.children(recursive=True)):
            assert worker.is_running()
            sleep(0.05)
        processes = [worker, *children]
        assert stage or len(ranks(processes)) == 1
        ui.send_signal(signal.SIGKILL)
        if killed == "both":
            worker.send_signal(signal.SIGKILL)
        assert seconds_until_gone(*(each.pid for each in processes)) < GONE_S


def test_ctrl_c_ends_a_start_and_every_process_of_it(vllm_python: str, home: dict[str, str]):  # noqa: F811
    command = [sys.executable, "-m", "playground", "run", "--engine", "vllm", "--prompt", "x", "--json"]
    environment = home | {VLLM_PYTHON: vllm_python}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        assert any(b'"stage":"tokenizer"' in line for line in run.stdout)
        processes = psutil.Process(run.pid).children(recursive=True)
        assert processes
        run.send_signal(signal.SIGINT)
        assert run.wait(timeout=30) == 1
        assert run.stderr.read() == b"playground: stopped by Ctrl+C\n"
    assert seconds_until_gone(*(each.pid for each in processes)) < GONE_S
