"""Does the main job once: the transformers engine loads the bundled model and answers."""

from __future__ import annotations

import asyncio
import shlex
import sys
import tempfile
from pathlib import Path

from playground import paths
from playground.doctor.finding import Finding
from playground.headless.summary import summarize
from playground.headless.worker_run import Job, WorkerRun
from playground.protocol.commands import GenerationRequest, LoadModel, SamplingParams
from playground.protocol.fault import with_advice
from playground.session.fold import Fold
from playground.text.numbers import rate, seconds
from playground.text.plain import one_line

TIMEOUT_S = 180.0


def check_main_job() -> Finding:
    """Check that it works, and how fast."""
    model = paths.bundled_model()
    if not (model / "config.json").exists():
        return _failed(f"the bundled model is not in {model}", _bring_back(model))
    try:
        fold = asyncio.run(_answer(model))
    except TimeoutError:
        return _failed(f"no answer within {TIMEOUT_S:.0f} s", "playground run --prompt hello --debug")
    except OSError as error:
        return _failed(f"{error.filename}: {error.strerror}", "")
    return _judge(fold)


async def _answer(model: Path) -> Fold:
    sampling = SamplingParams(max_tokens=16, ignore_eos=True)
    request = GenerationRequest(request_id="trial", prompt="def add(a, b):\n", sampling=sampling)
    job = Job("transformers", LoadModel(model=str(model)), (), (request,))
    with tempfile.TemporaryDirectory() as folder:
        run = WorkerRun(job, Path(folder) / "worker.log", lambda entry: None)
        await asyncio.wait_for(run.run(), TIMEOUT_S)
    return run.fold


def _judge(fold: Fold) -> Finding:
    if fold.exited:
        last = fold.exited.log_tail.strip().rsplit("\n", 1)[-1]
        return _failed(f"the engine process ended with code {fold.exited.code}: {last}", "")
    if fold.failures:
        failed = fold.failures[0]
        return _failed(one_line(with_advice(failed.message, failed.advice)), "")
    totals, loaded = summarize(fold).totals, fold.loaded
    if not totals.output_tokens or loaded is None:
        return _failed("the bundled model did not answer", "")
    facts = loaded.facts
    speed = f"{rate(totals.tokens_per_second, 'tok/s')} after a load of {seconds(totals.load_seconds)}"
    return Finding(name="main job", status="ok", message=f"{facts.name} answers on {facts.device}: {speed}")


def _bring_back(model: Path) -> str:
    root = paths.package_folder().parent
    if (root / ".git").exists():
        return f"git -C {shlex.quote(str(root))} checkout -- {model.relative_to(root)}"
    return f"{sys.executable} -m pip install --force-reinstall --no-deps inference-playground"


def _failed(message: str, fix: str) -> Finding:
    return Finding(name="main job", status="missing", message=message, fix=fix)
