"""One JSON line per command or event."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec

from playground.protocol import commands, comparison, events, machine, server, speech_events

AnyCommand = (
    commands.LoadModel
    | commands.CancelLoad
    | commands.SetOptions
    | commands.Submit
    | commands.BeginConversation
    | commands.Abort
    | commands.ResetPrefixCache
    | commands.MapBlocks
    | commands.Simulate
    | commands.Tokenize
    | commands.Score
    | commands.ListInputs
    | commands.StartListening
    | commands.StopListening
    | commands.Transcribe
    | commands.MeasureAttention
    | commands.MeasureOutliers
    | commands.CheckModel
    | commands.UnloadModel
    | commands.Shutdown
)
AnyEvent = (
    events.WorkerReady
    | events.ModelLoading
    | events.ModelLoaded
    | events.LoadCancelled
    | events.OptionsApplied
    | events.RequestQueued
    | events.StepsExecuted
    | events.BlocksMapped
    | events.Simulated
    | events.TokensGenerated
    | events.Tokenized
    | events.Scored
    | events.AttentionMeasured
    | events.OutliersMeasured
    | events.ModelChecked
    | events.RequestFinished
    | events.MemoryMeasured
    | server.ServerMeasured
    | machine.MachineSampled
    | comparison.ComparisonAdvanced
    | speech_events.InputsListed
    | speech_events.SpeechModelLoaded
    | speech_events.MicrophoneChanged
    | speech_events.AudioLevel
    | speech_events.TranscriptUpdated
    | speech_events.TranscriptFinished
    | events.Failed
    | events.WorkerExited
)

_encoder = msgspec.json.Encoder()


@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    """Built on first use, so that it does not delay the first frame."""
    return msgspec.json.Decoder(kind)


def encode_line(message: msgspec.Struct) -> bytes:
    """A message as one line of JSON, with its line feed; lone surrogates (a broken argument) become `?`."""
    try:
        return _encoder.encode(message) + b"\n"
    except UnicodeEncodeError:
        return _encoder.encode(without_surrogates(msgspec.to_builtins(message))) + b"\n"


def decode_command(line: bytes) -> AnyCommand:
    """Decode one line; raises `msgspec.MsgspecError` if it is not a command."""
    command: AnyCommand = _decode(AnyCommand, line)
    return command


def decode_event(line: bytes) -> AnyEvent:
    """Decode one line; raises `msgspec.MsgspecError` if it is not an event."""
    event: AnyEvent = _decode(AnyEvent, line)
    return event


def _decode(kind: Any, line: bytes) -> Any:
    try:
        return _decoder(kind).decode(line)
    except UnicodeDecodeError as error:
        raise msgspec.DecodeError(str(error)) from None


def without_surrogates(value: object) -> object:
    """Builtins with `?` for each lone surrogate in their texts."""
    match value:
        case str():
            return value.encode(errors="replace").decode()
        case list():
            return [without_surrogates(item) for item in value]
        case dict():
            return {without_surrogates(key): without_surrogates(item) for key, item in value.items()}
    return value
