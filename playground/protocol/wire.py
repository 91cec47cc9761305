"""One JSON line per command or event."""

from __future__ import annotations

import msgspec

from playground.protocol import commands, events

AnyCommand = (
    commands.LoadModel
    | commands.CancelLoad
    | commands.SetOptions
    | commands.Submit
    | commands.Abort
    | commands.ResetPrefixCache
    | commands.UnloadModel
    | commands.Shutdown
)
AnyEvent = (
    events.WorkerReady
    | events.ModelLoading
    | events.ModelLoaded
    | events.LoadCancelled
    | events.OptionsApplied
    | events.StepsExecuted
    | events.TokensGenerated
    | events.RequestFinished
    | events.MemoryMeasured
    | events.Failed
    | events.WorkerExited
)

_encoder = msgspec.json.Encoder()
_commands: msgspec.json.Decoder[AnyCommand] = msgspec.json.Decoder(AnyCommand)
_events: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)


def encode_line(message: msgspec.Struct) -> bytes:
    """A message as one line of JSON, the line feed included."""
    return _encoder.encode(message) + b"\n"


def decode_command(line: bytes) -> AnyCommand:
    """Raises `msgspec.MsgspecError` on a line that is no command."""
    try:
        return _commands.decode(line)
    except UnicodeDecodeError as error:
        raise msgspec.DecodeError(str(error)) from None


def decode_event(line: bytes) -> AnyEvent:
    """Raises `msgspec.MsgspecError` on a line that is no event."""
    try:
        return _events.decode(line)
    except UnicodeDecodeError as error:
        raise msgspec.DecodeError(str(error)) from None
