"""`run --json`: protocol events as on the wire, and a summary that can be computed again from them."""

from __future__ import annotations

import json

import pytest

from playground.protocol.options import EngineOptions
from playground.protocol.wire import decode_event, encode_line

REQUEST_KEYS = {
    "id", "prompt_tokens", "output_tokens", "token_ids", "text", "ttft_s", "tpot_s", "e2e_s", "queue_s", "finish_reason"
}  # fmt: skip
TOTAL_KEYS = {
    "output_tokens", "seconds", "tokens_per_second", "steps", "occupancy", "kv_bytes_peak", "load_seconds"
}  # fmt: skip
THREE = ({"prompt": "one two"}, {"prompt": "three", "max_tokens": 4}, {"messages": [{"role": "user", "content": "x"}]})


def test_summary_has_every_key_and_is_the_last_line(run):
    result = run("--prompt", "hello there", "--json")
    assert result.code == 0
    assert [message["type"] for message in result.messages].count("Summary") == 1
    summary = result.summary
    assert set(summary) == {"type", "requests", "options", "effective", "totals"}
    assert set(summary["requests"][0]) == REQUEST_KEYS
    assert set(summary["totals"]) == TOTAL_KEYS
    assert set(summary["options"]) == set(EngineOptions.__struct_fields__)


def test_every_other_line_is_an_event_as_on_the_wire(run):
    result = run("--prompt", "hello", "--json")
    lines = result.stdout.splitlines()[:-1]
    assert len(lines) > 3
    for line in lines:
        assert encode_line(decode_event(line.encode())) == line.encode() + b"\n"


def test_request_numbers_follow_from_the_events(run, prompts):
    result = run("--prompts", prompts(*THREE), "--json")
    finished = {event["request_id"]: event for event in result.events("RequestFinished")}
    assert [request["id"] for request in result.summary["requests"]] == ["r0", "r1", "r2"]
    for request in result.summary["requests"]:
        parts = [event for event in result.events("TokensGenerated") if event["request_id"] == request["id"]]
        times = [time for part in parts for time in part["times"]]
        assert request["token_ids"] == [token for part in parts for token in part["token_ids"]]
        assert request["output_tokens"] == len(request["token_ids"]) > 1
        assert request["text"] == "".join(part["text"] for part in parts)
        assert request["tpot_s"] == pytest.approx((times[-1] - times[0]) / (len(times) - 1))
        assert request["e2e_s"] == pytest.approx(request["ttft_s"] + times[-1] - times[0])
        assert request["finish_reason"] == finished[request["id"]]["reason"]


def test_totals_follow_from_the_events(run, prompts):
    result = run("--prompts", prompts(*THREE), "--json")
    steps = [step for event in result.events("StepsExecuted") for step in event["steps"]]
    slots = [slot for step in steps for slot in step["slots"]]
    busy = [slot for slot in slots if slot.get("phase") in ("prefill", "decode")]
    times = [time for event in result.events("TokensGenerated") for time in event["times"]]
    requests, totals = result.summary["requests"], result.summary["totals"]
    # All came in one command, so the first token of any gives the one moment of submission.
    submitted = min(times) - min(request["ttft_s"] for request in requests)
    assert totals["output_tokens"] == sum(request["output_tokens"] for request in requests) == len(times)
    assert totals["seconds"] == pytest.approx(max(times) - submitted)
    assert totals["tokens_per_second"] == pytest.approx(totals["output_tokens"] / totals["seconds"])
    assert totals["steps"] == len(steps) == steps[-1]["index"] + 1
    assert totals["occupancy"] == pytest.approx(len(busy) / len(slots))
    assert totals["kv_bytes_peak"] == max(step["kv_bytes"] for step in steps) > 0
    assert 0 < totals["load_seconds"] < 60


def test_requests_of_a_file_are_scheduled_together(run, prompts):
    result = run("--prompts", prompts(*THREE), "--json")
    first = result.events("StepsExecuted")[0]["steps"][0]
    assert [slot["request_id"] for slot in first["slots"] if "request_id" in slot] == ["r0", "r1", "r2"]


def test_seconds_are_those_of_the_requests_with_late_arrivals(run, prompts):
    file = prompts({"prompt": "a", "arrival_s": 0.3, "max_tokens": 2}, {"prompt": "b", "arrival_s": 0, "max_tokens": 2})
    totals = run("--prompts", file, "--arrivals", "recorded", "--json").summary["totals"]
    assert 0.3 <= totals["seconds"] < 5


def test_a_refused_request_carries_its_message_and_the_others_are_served(run, prompts):
    result = run("--prompts", prompts({"prompt": "fine"}, {"prompt": " "}), "--json")
    served, refused = result.summary["requests"]
    assert result.code == 1
    assert served["finish_reason"] == "stop" and "message" not in served
    assert refused["finish_reason"] == "error" and "empty" in refused["message"]
    assert refused["ttft_s"] is None and refused["output_tokens"] == 0
    assert result.stderr.splitlines() == [f"playground: r1: {refused['message']}"]


def test_a_load_that_fails_ends_in_one_line(run):
    result = run("missing.jsonl", "--prompt", "x", "--json")
    assert result.code == 1
    assert len(result.stderr.splitlines()) == 1 and "missing.jsonl" in result.stderr
    assert result.summary["requests"] == [] and result.summary["totals"]["seconds"] is None


def test_options_are_those_asked_for_and_effective_is_read_back(run):
    result = run("--prompt", "x", "--set", "kv_cache=int8", "--set", "max_batch=3", "--json")
    applied = result.events("OptionsApplied")[-1]
    assert result.summary["effective"] == applied["effective"]
    assert result.summary["options"]["kv_cache"] == "int8"
    assert result.summary["options"]["max_batch"] == "3"
    assert result.summary["options"]["prefix_cache"] == "on"


def test_one_token_has_no_rate(run):
    request = run("--prompt", "x", "--max-tokens", "1", "--json").summary["requests"][0]
    assert request["output_tokens"] == 1 and request["tpot_s"] is None and request["ttft_s"] > 0


def test_output_is_one_json_object_a_line(run, prompts):
    result = run("--prompts", prompts({"prompt": "a\nb\u2028c"}, "", {"prompt_token_ids": [1, 2]}), "--json")
    assert result.code == 0
    assert all(isinstance(json.loads(line), dict) for line in result.stdout.split("\n")[:-1])
