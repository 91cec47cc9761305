"""One load on two engines: what must be the same on both, and the result in a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from playground.protocol.options import TOGGLES, EngineOptions, Value


def same_options(options: EngineOptions, effective: Mapping[str, str], **changes: Value) -> EngineOptions:
    """Options for the second engine, in the dtype that the first really computes in, since `auto` differs between
    engines."""
    dtype = effective.get("dtype", "")
    chosen = dtype if dtype in TOGGLES["dtype"].values else options.dtype
    return msgspec.structs.replace(options, dtype=chosen, **changes)


def same_answers(one: Sequence[Sequence[int]], other: Sequence[Sequence[int]]) -> int:
    """Count requests that got the same token ids on both, compared in order."""
    return sum(list(mine) == list(theirs) for mine, theirs in zip(one, other, strict=True))


def faster(second: str, speed_up: float) -> str:
    """`vllm is 1.23x faster`; `speed_up` is the first engine's makespan over the second's."""
    factor = f"{max(speed_up, 1 / speed_up):.2f}"
    if factor == "1.00":
        return f"{second} is as fast"
    return f"{second} is {factor}x {'faster' if speed_up > 1 else 'slower'}"


def compared(speed_up: float | None, same: int, requests: int, dtypes: Mapping[str, str]) -> str:
    """One line about a load on two engines. `dtypes`: the dtype that each reports, the second engine last; an engine
    that does not compute reports `auto` or nothing. Different dtypes are named first, since then neither times nor
    tokens are of the same work."""
    parts = [faster([*dtypes][-1], speed_up)] if speed_up else []
    parts.append(f"the same tokens in {same} of {requests} requests")
    different = set(dtypes.values())
    if different & {"", "auto"}:
        return "; ".join(parts)
    if len(different) > 1:
        parts.insert(0, f"not the same work: {', '.join(f'{engine} in {dtype}' for engine, dtype in dtypes.items())}")
    else:
        parts.append(f"both in {different.pop()}")
    return "; ".join(parts)
