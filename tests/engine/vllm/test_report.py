"""What vLLM says of its toggles before anyone tries them. Needs no vLLM."""

from __future__ import annotations

from playground.engine.backends.vllm.report import report
from playground.protocol.options import EngineOptions


def test_that_there_is_no_lora_is_told_in_advance() -> None:
    toggle = next(each for each in report(EngineOptions(), "", None) if each.name == "adapter")
    assert [(value.value, value.possible) for value in toggle.values] == [("off", False)] and not toggle.form
    assert "LoRA in the transformers engine only" in toggle.values[0].reason
