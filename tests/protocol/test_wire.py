"""Every command and event survives the wire."""

from __future__ import annotations

from types import UnionType
from typing import get_args

import msgspec
import pytest

from playground.protocol.capabilities import Capabilities, Effects, ToggleSupport, ValueSupport
from playground.protocol.commands import ChatMessage, Command, GenerationRequest, SamplingParams
from playground.protocol.events import Event
from playground.protocol.metrics import Memory, RequestMetrics
from playground.protocol.model_facts import ModelFacts
from playground.protocol.options import EngineOptions
from playground.protocol.steps import SlotWork, Step
from playground.protocol.wire import AnyCommand, AnyEvent, decode_command, decode_event, encode_line

# One value per type of field, none of them a default, so that a field that gets lost on the way is seen.
SAMPLES: dict[object, object] = {
    int: 7,
    float: 0.1,
    bool: True,
    str: 'é\n"\x1b[31m[b]\u2028',
    EngineOptions: EngineOptions(kv_cache="int8", prefix_cache=False, int8_threshold=5.5, max_batch=3),
    SamplingParams: SamplingParams(max_tokens=3, temperature=0.7, seed=0, stop=["\n\n"], ignore_eos=True),
    ChatMessage: ChatMessage(role="user", content="hi"),
    Memory: Memory(weights=5, process=9, kv_peak=3),
    RequestMetrics: RequestMetrics(prompt_tokens=3, output_tokens=2, ttft_s=0.25, preemptions=1),
    SlotWork: SlotWork(request_id="a", phase="decode", tokens=1, speculated=3, accepted=2),
}


def sample(annotation: object) -> object:
    """A value of a field's type."""
    if annotation in SAMPLES:
        return SAMPLES[annotation]
    origin, arguments = getattr(annotation, "__origin__", None), get_args(annotation)
    if isinstance(annotation, UnionType) or type(None) in arguments:
        return sample(next(argument for argument in arguments if argument is not type(None)))
    if origin is list:
        return [sample(arguments[0])] * 2
    if origin is tuple:
        return tuple(sample(argument) for argument in arguments if argument is not Ellipsis)
    if origin is dict:
        return {sample(arguments[0]): sample(arguments[1])}
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return fill(annotation)
    return arguments[-1]  # of a Literal


def fill(struct: type[msgspec.Struct]) -> msgspec.Struct:
    """A struct with every field set."""
    return struct(**{field.name: sample(field.type) for field in msgspec.structs.fields(struct)})


def members(union: object) -> list[type[msgspec.Struct]]:
    return list(get_args(union))


@pytest.mark.parametrize("kind", members(AnyCommand), ids=lambda kind: kind.__name__)
def test_every_command_round_trips(kind):
    for command in (fill(kind), _bare(kind)):
        line = encode_line(command)
        assert line.count(b"\n") == 1 and decode_command(line) == command
        assert msgspec.json.decode(line)["type"] == kind.__name__


@pytest.mark.parametrize("kind", members(AnyEvent), ids=lambda kind: kind.__name__)
def test_every_event_round_trips(kind):
    for event in (fill(kind), _bare(kind)):
        line = encode_line(event)
        assert line.count(b"\n") == 1 and decode_event(line) == event
        assert msgspec.json.decode(line)["type"] == kind.__name__


def _bare(kind: type[msgspec.Struct]) -> msgspec.Struct:
    """Only the required fields."""
    required = [field for field in msgspec.structs.fields(kind) if field.required]
    return kind(**{field.name: sample(field.type) for field in required})


@pytest.mark.parametrize(
    "struct",
    [GenerationRequest, SamplingParams, ModelFacts, Step, Capabilities, ToggleSupport, ValueSupport, Effects],
    ids=lambda struct: struct.__name__,
)
def test_every_part_of_a_message_round_trips(struct):
    filled = fill(struct)
    assert msgspec.json.decode(msgspec.json.encode(filled), type=struct) == filled


@pytest.mark.parametrize(("base", "union"), [(Command, AnyCommand), (Event, AnyEvent)])
def test_the_unions_know_every_message(base, union):
    assert set(base.__subclasses__()) == set(members(union))


@pytest.mark.parametrize("decode", [decode_command, decode_event])
@pytest.mark.parametrize(
    "line",
    [b"", b"null", b"[]", b"{}", b'{"type": "Format"}', b'{"type": 3}', b"\xff", b'{"type": "\xff"}', b"[" * 100_000],
    ids=repr,
)
def test_what_is_no_message_is_refused_with_one_kind_of_error(decode, line):
    with pytest.raises(msgspec.MsgspecError):
        decode(line)


def test_commands_are_no_events_and_events_no_commands():
    for kind in members(AnyCommand):
        with pytest.raises(msgspec.ValidationError, match=kind.__name__):
            decode_event(encode_line(fill(kind)))
    for kind in members(AnyEvent):
        with pytest.raises(msgspec.ValidationError, match=kind.__name__):
            decode_command(encode_line(fill(kind)))


def test_a_missing_or_mistyped_field_is_named():
    with pytest.raises(msgspec.ValidationError, match="model"):
        decode_command(b'{"type": "LoadModel"}')
    with pytest.raises(msgspec.ValidationError, match=r"\$\.model"):
        decode_command(b'{"type": "LoadModel", "model": 3}')


def test_a_newer_sender_may_say_more():
    assert decode_command(b'{"type": "CancelLoad", "tomorrow": 1}') == decode_command(b'{"type": "CancelLoad"}')


@pytest.mark.parametrize("value", [True, False, 3, 0.5, "int8"])
def test_the_value_of_a_switch_keeps_its_type(value):
    line = b'{"type": "SetOptions", "changes": {"x": ' + msgspec.json.encode(value) + b"}}"
    read = decode_command(line).changes["x"]
    assert read == value and type(read) is type(value)


def test_messages_cannot_be_changed():
    for kind in (*members(AnyCommand), *members(AnyEvent)):
        assert kind.__struct_config__.frozen
