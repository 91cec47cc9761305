"""What vLLM says of its toggles and of its start before anyone tries them. Needs no vLLM."""

from __future__ import annotations

from typing import Any

from playground.engine.backends.vllm.report import report
from playground.engine.backends.vllm.stages import Stages
from playground.protocol.options import EngineOptions


def test_that_there_is_no_lora_is_told_in_advance() -> None:
    toggle = next(each for each in report(EngineOptions(), "", None) if each.name == "adapter")
    assert [(value.value, value.possible) for value in toggle.values] == [("off", False)] and not toggle.form
    assert "LoRA in the transformers engine only" in toggle.values[0].reason


def test_the_progress_of_a_start_that_was_timed_before_names_its_stage_first() -> None:
    told = list[tuple[Any, ...]]()
    Stages(lambda *words: told.append(words), expected=4.0).report("weights", "reading the weights")
    assert told == [("weights", 0, 4, "reading the weights; seconds, as here before")]
