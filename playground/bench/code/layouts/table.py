"""All layouts, and how each is recognised."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from playground.bench.code.layouts.bigcodebench import BigCodeBench, from_bigcodebench
from playground.bench.code.layouts.ds1000 import Ds1000, from_ds1000
from playground.bench.code.layouts.humaneval import HumanEval, from_humaneval
from playground.bench.code.layouts.humaneval_x import HumanEvalX, from_humaneval_x
from playground.bench.code.layouts.mbpp import Mbpp, from_mbpp
from playground.bench.code.task import Layout, Task

# (name, keys that identify it, row type, row to task); the most specific keys come first.
LAYOUTS: tuple[tuple[Layout, frozenset[str], type[msgspec.Struct], Callable[..., Task]], ...] = (
    ("DS-1000", frozenset({"code_context", "reference_code"}), Ds1000, from_ds1000),
    ("BigCodeBench", frozenset({"complete_prompt", "instruct_prompt"}), BigCodeBench, from_bigcodebench),
    ("HumanEval-X", frozenset({"declaration", "canonical_solution"}), HumanEvalX, from_humaneval_x),
    ("HumanEval", frozenset({"entry_point", "canonical_solution"}), HumanEval, from_humaneval),
    ("MBPP", frozenset({"code", "test_list"}), Mbpp, from_mbpp),
)
