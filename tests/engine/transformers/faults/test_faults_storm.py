"""Two hundred switches on running requests: every request ends, and every block is freed."""

from __future__ import annotations

from random import Random

from playground import paths
from playground.protocol.commands import SetOptions, Submit
from playground.protocol.events import Failed, OptionsApplied, RequestFinished, StepsExecuted
from playground.protocol.option_text import parse_value
from playground.protocol.options import TOGGLES
from tests.engine.transformers.faults.live_worker import line_of, request

SWITCHES = 200
NUMBERS = {"int8_threshold": ("0", "3.5", "6"), "max_batch": ("1", "3", "8"), "token_budget": ("5", "64", "256")}
RARE = ("dtype", "device")  # a reload each
APART = ("compile",)  # a compiler runs for half a minute; its switches have tests of their own


def test_every_request_survives_a_storm_of_switches(worker):
    random, submitted, thrown = Random(20), 0, []
    capabilities = worker.load(paths.bundled_model(), kv_blocks="24").capabilities
    choices = _choices(capabilities)
    for number in range(SWITCHES):
        while submitted - len(_ended(worker)) < 5:
            tokens = [random.randrange(2, 2048) for _ in range(random.randrange(1, 120))]
            worker.send(Submit(requests=[request(f"s{submitted}", tokens, max_tokens=random.randrange(5, 60))]))
            submitted += 1
        name = random.choice(RARE if number % 40 == 39 else [name for name in choices if name not in RARE])
        value = parse_value(name, random.choice(choices[name]))
        worker.send(SetOptions(changes={name: value}))
        answer = worker.wait(OptionsApplied, Failed)
        if isinstance(answer, Failed):  # nothing but a pair that the table names
            assert "does not go with" in answer.message, f"{name}={value}: {line_of(answer)}"
        else:
            thrown.append((name, value))
        worker.wait(StepsExecuted)
    while len(_ended(worker)) < submitted:
        worker.wait(RequestFinished)
    worker.send(Submit(requests=[request("last", max_tokens=3)]))
    executed = worker.wait(StepsExecuted, when=lambda event: "last" in event.steps[-1].finished)
    assert {end.reason for end in _ended(worker)} == {"length"}
    assert {name for name, _ in thrown} >= {"weights", "kv_cache", "attention", "batching", "block_size", "kv_blocks"}
    assert (executed.steps[-1].blocks_used, executed.steps[-1].waiting) == (0, [])


def _ended(worker):
    return [
        end for end in worker.of(RequestFinished) if end.request_id.startswith("s") and end.request_id[1:].isdigit()
    ]


def _choices(capabilities):
    """Values available on this machine; `auto` blocks depend on the machine, so fixed numbers replace them."""
    possible = {
        toggle.name: [support.value for support in toggle.values if support.possible] for toggle in capabilities.toggles
    }
    choices = possible | {name: list(values) for name, values in NUMBERS.items()} | {"kv_blocks": ["16", "24", "40"]}
    return {
        name: values for name, values in choices.items() if name in TOGGLES and name not in APART and len(values) > 1
    }
