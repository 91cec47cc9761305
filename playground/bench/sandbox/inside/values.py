"""Plain values as JSON between the checked process and the checker: no value that arrives can run code or equal
everything."""

import math
import sys
from collections.abc import Callable
from typing import Any

TAGS = {tuple: "t", set: "s", frozenset: "f"}
NUMBERS = "biufcSUmM"  # numpy dtype kinds that are bytes and nothing else


def pack(value: Any, keep: Callable[[Any], int]) -> Any:
    """Encode a value as JSON; subclasses of plain types become plain, and other objects are stored under a number."""
    match value:
        case None | bool() | str():
            return value if value is None or isinstance(value, bool) else str.__str__(value)
        case int():
            return {"i": hex(int(value))}
        case float():
            return {"n": float.hex(float(value))}
        case complex():
            return {"c": [value.real, value.imag]}
        case bytes() | bytearray():
            return {"b" if isinstance(value, bytes) else "a": bytes(value).hex()}
        case list():
            return [pack(item, keep) for item in value]
        case tuple() | set() | frozenset():
            tag = next(tag for kind, tag in TAGS.items() if isinstance(value, kind))
            return {tag: [pack(item, keep) for item in value]}
        case dict():
            return {"d": [[pack(key, keep), pack(item, keep)] for key, item in value.items()]}
    return _pack_array(value) or {"o": keep(value), "callable": callable(value)}


def unpack(packed: Any, find: Callable[[int, bool], Any]) -> Any:
    """Decode a value; `find` returns the stand-in for a stored object. Malformed data raises whatever it causes."""
    if isinstance(packed, list):
        return [unpack(item, find) for item in packed]
    if not isinstance(packed, dict):
        return packed
    if "o" in packed:
        return find(packed["o"], packed.get("callable", False))
    ((tag, body),) = packed.items()
    match tag:
        case "i":
            return int(body, 16)
        case "n":
            return float.fromhex(body) if body != "nan" else math.nan
        case "c":
            return complex(*body)
        case "b":
            return bytes.fromhex(body)
        case "a":
            return bytearray.fromhex(body)
        case "y":
            return _unpack_array(*body)
        case "d":
            return {unpack(key, find): unpack(item, find) for key, item in body}
    return {"t": tuple, "s": set, "f": frozenset}[tag](unpack(item, find) for item in body)


def _pack_array(value: Any) -> Any:
    """Encode a numpy array or scalar as its bytes; None for anything else. Only a value of a loaded numpy can be
    one."""
    numpy = sys.modules.get("numpy")
    if numpy is None or not isinstance(value, numpy.ndarray | numpy.generic) or value.dtype.kind not in NUMBERS:
        return None
    shape = list(value.shape) if isinstance(value, numpy.ndarray) else None
    return {"y": [value.dtype.str, shape, numpy.ascontiguousarray(value).tobytes().hex()]}


def _unpack_array(kind: str, shape: list[int] | None, body: str) -> Any:
    import numpy

    dtype = numpy.dtype(kind)
    if dtype.kind not in NUMBERS:
        raise ValueError(f"an array of {kind}")
    array = numpy.frombuffer(bytes.fromhex(body), dtype).copy()
    return array[0] if shape is None else array.reshape(shape)
