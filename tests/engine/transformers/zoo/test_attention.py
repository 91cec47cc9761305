"""The attention that the engine reports is what PyTorch's own profiler saw, in prefill and in decode."""

from __future__ import annotations

import pytest
from torch.profiler import ProfilerActivity, profile

from playground.engine.backends.base import EngineError
from playground.protocol.events import OptionsApplied
from tests.engine.transformers.conftest import Member
from tests.engine.transformers.driven import Driven, ask
from tests.engine.transformers.zoo.zoo import ZOO

KERNELS = {
    "aten::_scaled_dot_product_flash_attention_for_cpu": "sdpa-flash",
    "aten::_scaled_dot_product_attention_math": "sdpa-math",
}
VALUES = ("auto", "eager", "sdpa-math", "sdpa-flash")
NO_SDPA = {"gemma2", "bloom", "gptj", "gpt-oss"}


@pytest.mark.parametrize("name", ZOO)
def test_effective_attention_is_what_the_profiler_saw(member: Member, name: str) -> None:
    reference = member(name)
    driven = Driven(reference.folder)
    for value in VALUES:
        if name in NO_SDPA and value.startswith("sdpa"):
            with pytest.raises(EngineError, match="sdpa"):
                driven.set(attention=value)
            continue
        driven.set(attention=value)
        driven.submit(ask(reference.prompts[2:4], 3, name=value, ignore_eos=True))
        seen = {"prefill": kernel(driven), "decode": kernel(driven)}
        driven.finish()
        said = driven.of(OptionsApplied)[-1]
        assert {phase: said.effective[f"attention_{phase}"] for phase in seen} == seen, value
        as_asked = value == "auto" or set(seen.values()) == {value}
        assert as_asked == (not said.reasons.get("attention")), (value, said.reasons)


def kernel(driven: Driven) -> str:
    """The attention of one step by its profiled operators: a fused kernel, or materialised scores."""
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        driven.backend.step()
    # Names alone: what `key_averages` sums up besides takes longer than the step.
    names = {event.name() for event in profiled.profiler.kineto_results.events()}
    fused = sorted(KERNELS[name] for name in names & set(KERNELS))
    assert fused or "aten::_softmax" in names or "aten::softmax" in names
    return " + ".join(fused) or "eager"
