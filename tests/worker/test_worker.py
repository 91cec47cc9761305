"""The worker as a process: what it prints, what it reads, how it ends."""

from __future__ import annotations

import pytest

from playground.protocol.commands import Abort, GenerationRequest, Lengths, LoadModel, SetOptions, Simulate, Submit
from playground.protocol.events import (
    Failed,
    ModelLoaded,
    ModelLoading,
    OptionsApplied,
    RequestFinished,
    Simulated,
    TokensGenerated,
)
from playground.protocol.wire import decode_event
from tests.worker.processes import alive, seconds_until_gone, write_answer


def ask(name: str) -> Submit:
    return Submit(requests=[GenerationRequest(request_id=name, prompt="hello")])


def test_what_libraries_print_goes_to_the_log_and_what_they_read_is_nothing(start):
    worker = start("noisy")
    worker.send(LoadModel(model="any"))
    worker.until(OptionsApplied)
    assert [decode_event(line) for line in worker.rest().splitlines()] == []
    log = worker.log.read_text()
    for said in ('{"type": "printed"}', "written to 1", "written to 2", "said by a child", "stdin gave b'' and \n"):
        assert said in log


def test_lines_that_are_no_commands_are_named_in_the_log_and_survived(start):
    worker = start()
    worker.write(b'garbage\n\n{"type": "Format"}\n\xff\xfe\n{"type": "LoadModel"}\n{"type": "LoadModel", "model": 3}\n')
    worker.write(b'{"type": "LoadModel", "model": "\xff"}\n' + b"[" * 100_000 + b"\n")
    worker.send(LoadModel(model="any"))
    failures = [event for event in worker.until(ModelLoaded) if isinstance(event, Failed)]
    assert worker.log.read_text().count("not a command") == len(failures) == 8
    assert all(failed.where == "worker" and "this is no command: " in failed.message for failed in failures)
    assert all("\n" not in failed.message and len(failed.message) < 300 for failed in failures)


def test_a_command_that_cannot_be_done_is_a_failure_and_the_worker_goes_on(start):
    worker = start()
    worker.send(ask("a"))
    *_, failed, finished = worker.until(RequestFinished)
    assert (finished.request_id, finished.reason, finished.message) == (
        "a",
        "error",
        "no script is loaded; load one first",
    )
    assert (failed.where, failed.message) == ("Submit", "no script is loaded")
    worker.send(LoadModel(model="/nowhere/answers.jsonl"))
    assert "cannot read /nowhere/answers.jsonl" in worker.until(Failed)[-1].message
    worker.send(LoadModel(model="any"))
    worker.until(OptionsApplied)
    worker.send(ask("b"))
    assert worker.until(RequestFinished)[-1].reason == "stop"


def test_a_request_that_arrives_never_ends_no_worker(start):
    worker = start()
    worker.send(LoadModel(model="any"))
    worker.until(OptionsApplied)
    worker.send(Submit(requests=[GenerationRequest(request_id="late", prompt="hello", delay_s=1e300)]))
    worker.send(ask("now"))
    assert worker.until(RequestFinished)[-1].request_id == "now"
    worker.send(Abort(request_id="late"))
    assert worker.until(RequestFinished)[-1].reason == "abort"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"slots": 0}, "1 to 512 slots, not 0"),
        ({"slots": 2**40}, "1 to 512 slots"),
        ({"token_budget": 0}, "1 to 65536 tokens a step, not 0"),
        ({"block_size": 0}, "1 to 10000000 tokens a block, not 0"),
        ({"blocks": 2**62}, "1 to 10000000 blocks"),
        ({"requests": [Lengths(request_id="a", prompt=2**40, output=1)]}, "1 to 10000000 tokens in all"),
    ],
)
def test_a_simulation_that_would_never_end_is_refused(start, changes, says):
    worker, numbers = start(), {"slots": 1, "token_budget": 8, "block_size": 16, "blocks": 4}
    requests = [Lengths(request_id="a", prompt=3, output=2)]
    worker.send(Simulate(**({"policy": "static", "requests": requests} | numbers | changes)))
    assert says in worker.until(Failed)[-1].message
    worker.send(Simulate(policy="static", requests=requests, **numbers))
    assert worker.until(Simulated)[-1].steps == 2


def test_a_switch_that_waited_for_a_step_of_the_model_before_is_forgotten(start):
    worker = start()
    worker.send(LoadModel(model="any"))
    worker.send(SetOptions(changes={"max_batch": 3}, at_step=1))
    worker.send(LoadModel(model="another"))
    worker.send(ask("a"))
    events = worker.until(RequestFinished)
    assert [event.changed for event in events if isinstance(event, OptionsApplied)] == [[], []]


def test_a_model_that_replaces_another_ends_its_requests_with_the_reason(start, tmp_path):
    worker = start()
    worker.send(LoadModel(model=write_answer(tmp_path, 1000)))
    worker.until(OptionsApplied)
    worker.send(ask("a"))
    worker.until(TokensGenerated)
    worker.send(LoadModel(model="another"))
    ended = worker.until(RequestFinished)[-1]
    assert (ended.reason, ended.message) == ("error", "the model was unloaded")


def test_an_abort_ends_a_request_in_mid_stream(start, tmp_path):
    worker = start()
    worker.send(LoadModel(model=write_answer(tmp_path, 1000)))
    worker.send(ask("a"))
    worker.until(TokensGenerated)
    worker.send(Abort(request_id="a"))
    ended = worker.until(RequestFinished)[-1]
    assert ended.reason == "abort" and 0 < ended.metrics.output_tokens < 256


def test_the_end_of_input_ends_the_worker_and_its_children_in_mid_stream(start, child_file, tmp_path):
    worker = start("noisy")
    worker.send(LoadModel(model=write_answer(tmp_path, 1000)))
    worker.send(ask("a"))
    worker.until(TokensGenerated)
    child = int(child_file.read_text())
    assert alive(child)
    worker.process.stdin.close()
    assert seconds_until_gone(worker.pid, child) < 2


def test_the_end_of_input_ends_a_worker_that_is_stuck(start):
    worker = start("stuck")
    worker.send(LoadModel(model="any"))
    worker.until(ModelLoading)
    worker.process.stdin.close()
    assert seconds_until_gone(worker.pid) < 2
