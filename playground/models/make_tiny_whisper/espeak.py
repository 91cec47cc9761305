"""espeak-ng through its library: the sound of a text, and which phoneme sounds when."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field
from functools import cache

import numpy as np

SYNCHRONOUS = 2
PHONEME_EVENTS = 1
UTF8 = 1
PHONEME_EVENT, END_OF_LIST = 7, 0
RATE, PITCH, WORD_GAP = 1, 3, 7  # parameter numbers of espeak_ng/speak_lib.h


class _Identifier(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    """espeak_EVENT of espeak_ng/speak_lib.h."""

    _fields_ = (
        ("type", ctypes.c_int), ("unique_identifier", ctypes.c_uint), ("text_position", ctypes.c_int),
        ("length", ctypes.c_int), ("audio_position", ctypes.c_int), ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p), ("id", _Identifier),
    )  # fmt: skip


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


@dataclass
class Sound:
    """16-bit samples, and each phoneme's first sample and name, in order."""

    samples: np.ndarray
    phonemes: list[tuple[int, str]]


@dataclass
class _Engine:
    library: ctypes.CDLL
    rate: int
    callback: object = None  # kept alive here: the library holds only its address
    chunks: list[bytes] = field(default_factory=list)
    phonemes: list[tuple[int, str]] = field(default_factory=list)

    def receive(self, samples: ctypes._Pointer[ctypes.c_short], count: int, events: ctypes._Pointer[_Event]) -> int:
        """What the library calls with each piece of sound; 0 means go on."""
        if samples and count > 0:
            self.chunks.append(ctypes.string_at(samples, 2 * count))
        index = 0
        while events[index].type != END_OF_LIST:
            if events[index].type == PHONEME_EVENT:
                self.phonemes.append((events[index].sample, events[index].id.string.decode()))
            index += 1
        return 0


@cache
def _engine() -> _Engine:
    """The library, started once per process; OSError where it is not installed."""
    library = ctypes.CDLL("libespeak-ng.so.1")
    rate = library.espeak_Initialize(SYNCHRONOUS, 0, None, PHONEME_EVENTS)
    if rate <= 0:
        raise OSError("espeak-ng found no voice data")
    engine = _Engine(library, rate)
    engine.callback = _CALLBACK(engine.receive)
    library.espeak_SetSynthCallback(engine.callback)
    return engine


def is_installed() -> bool:
    """Whether the library and its voices are there."""
    try:
        return _engine().rate > 0
    except OSError:
        return False


def sample_rate() -> int:
    """Samples a second of every sound, 22 050 in the releases known."""
    return _engine().rate


def synthesize(text: str, voice: str, speed: int, pitch: int, word_gap: int) -> Sound:
    """Speaks in a voice such as `en-us+f3`; ValueError where espeak-ng does not know it."""
    engine = _engine()
    engine.chunks.clear()
    engine.phonemes.clear()
    if engine.library.espeak_SetVoiceByName(voice.encode()):
        raise ValueError(f"espeak-ng has no voice {voice!r}")
    for parameter, value in ((RATE, speed), (PITCH, pitch), (WORD_GAP, word_gap)):
        engine.library.espeak_SetParameter(parameter, value, 0)
    spoken = text.encode()
    engine.library.espeak_Synth(spoken, len(spoken) + 1, 0, 1, 0, UTF8, None, None)
    return Sound(np.frombuffer(b"".join(engine.chunks), dtype="<i2"), list(engine.phonemes))
