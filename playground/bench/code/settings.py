"""Settings of the code suite."""

from __future__ import annotations

import msgspec

from playground.bench.code.task import Prompting
from playground.protocol.commands import SamplingParams


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How tasks are asked and counted; `solutions` names the source of the answers."""

    samples: int = 1
    k: tuple[int, ...] = (1,)
    prompting: Prompting = "base"
    sampling: SamplingParams = SamplingParams(max_tokens=512)
    solutions: str = "model"
