"""One load on two engines: what must be the same on both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from playground.protocol.options import TOGGLES, EngineOptions, Value


def same_options(options: EngineOptions, effective: Mapping[str, str], **changes: Value) -> EngineOptions:
    """Options for another engine, in the dtype that the first really computes in: what the other calls auto is its
    own choice."""
    dtype = effective.get("dtype", "")
    chosen = dtype if dtype in TOGGLES["dtype"].values else options.dtype
    return msgspec.structs.replace(options, dtype=chosen, **changes)


def same_answers(one: Sequence[Sequence[int]], other: Sequence[Sequence[int]]) -> int:
    """Requests that got the same token ids on both, in their order."""
    return sum(list(mine) == list(theirs) for mine, theirs in zip(one, other, strict=True))


def faster(second: str, speed_up: float) -> str:
    """`vllm is 1.23x faster`; `speed_up` is the first's makespan over the second's."""
    factor = f"{max(speed_up, 1 / speed_up):.2f}"
    if factor == "1.00":
        return f"{second} is as fast"
    return f"{second} is {factor}x {'faster' if speed_up > 1 else 'slower'}"


def compared(speed_up: float | None, same: int, requests: int, dtypes: Mapping[str, str]) -> str:
    """One line about a load on two engines; `dtypes`: what each says that it computed in, the second's last. Where
    these differ that comes first, since neither times nor tokens are of the same work; one that does not compute says
    `auto`, or nothing."""
    said = [faster([*dtypes][-1], speed_up)] if speed_up else []
    said.append(f"the same tokens in {same} of {requests} requests")
    different = set(dtypes.values())
    if different & {"", "auto"}:
        return "; ".join(said)
    if len(different) > 1:
        said.insert(0, f"not the same work: {', '.join(f'{engine} in {dtype}' for engine, dtype in dtypes.items())}")
    else:
        said.append(f"both in {different.pop()}")
    return "; ".join(said)
