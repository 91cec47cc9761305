"""Hub ids: what the hub refuses, what a dead connection reports and how soon, and that downloads are kept."""

from __future__ import annotations

import time

import pytest

from playground.protocol.commands import CancelLoad
from playground.protocol.events import Failed, LoadCancelled, ModelLoading
from tests.engine.transformers import checkpoints
from tests.engine.transformers.faults.live_worker import load_command, request

LONGEST_S = 15.0


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (404, "RepoNotFound", "the hub has no model our/refused; check the spelling; a private one needs HF_TOKEN"),
        (403, "GatedRepo", "our/refused asks for a licence to be accepted; accept it on its page, then set HF_TOKEN"),
        (503, "", "the hub answers 503 when asked for our/refused; try again later"),
    ],
)
def test_what_the_hub_refuses(worker, hub, status, code, said):
    hub.refusals["our/refused"] = (status, code)
    assert worker.refusal(load_command("our/refused")) == said


def test_a_line_that_is_dead_is_told_soon(worker, hub):
    hub.silent.add("our/silent")
    started = time.monotonic()
    line = worker.refusal(load_command("our/silent"))
    assert line == (
        "our/silent is not in the local cache and the hub cannot be reached; connect, or name a local folder"
    )
    assert time.monotonic() - started < LONGEST_S


def test_pickles_are_refused_before_the_download(worker, hub, checkpoint):
    path = checkpoint()
    checkpoints.pickle_weights(path)
    hub.folders["our/pickle"] = path
    assert "only pickled weights (pytorch_model.bin)" in worker.refusal(load_command("our/pickle"))
    assert not [asked for asked in hub.asked if "our/pickle/resolve" in asked]


def test_a_model_is_fetched_once(worker, hub, checkpoint):
    hub.folders["our/model"] = checkpoint()
    assert worker.load("our/model").facts.name == "our/model"
    assert worker.finish(request("fetched"))[0].reason == "length"
    asked = len(hub.asked)
    worker.load("our/model")
    assert len(hub.asked) == asked


def test_a_download_shows_its_bytes_and_can_be_cancelled(worker, hub, checkpoint):
    hub.folders["our/slow"] = checkpoint(layers=5, hidden=256, inner=1024)
    hub.slow.add("our/slow")
    worker.send(load_command("our/slow"))
    shown = worker.wait(ModelLoading, when=lambda event: event.total > 2**20)
    assert shown.detail == "fetching our/slow" and 0 < shown.done < shown.total
    worker.send(CancelLoad())
    started = time.monotonic()
    assert worker.wait(LoadCancelled, Failed) == LoadCancelled(model="our/slow")
    assert time.monotonic() - started < 5
    hub.slow.clear()
    assert worker.load("our/slow").facts.name == "our/slow"
