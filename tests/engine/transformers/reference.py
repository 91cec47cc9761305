"""What `model.generate` answers: each prompt alone, unpadded, greedy, in float32."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, GenerationConfig, PreTrainedModel

from tests.engine.transformers.zoo.zoo import END

DEVICE = os.environ.get("PLAYGROUND_TEST_DEVICE", "cpu")  # cuda:0 runs the same tests on a GPU
LENGTHS = (3, 17, 40, 70, 33)
SHARED = 36
MOST = (24, 9, 16, 20, 12)


@dataclass(frozen=True)
class Reference:
    """A checkpoint, five prompts, and their greedy answers: `outputs` run past EOS for `MOST` tokens each, `ended` stop
    at EOS, which is included."""

    folder: Path
    prompts: list[list[int]]
    outputs: list[list[int]]
    end: int

    @property
    def ended(self) -> list[list[int]]:
        """The outputs, each up to its first EOS, of which there are two."""
        cuts = [[at for at, token in enumerate(output) if token in (END, self.end)] for output in self.outputs]
        return [output[: cut[0] + 1] if cut else output for output, cut in zip(self.outputs, cuts, strict=True)]


def prompts() -> list[list[int]]:
    """Ragged, longer than windows and blocks; the longest shares `SHARED` tokens with another."""
    generator = torch.Generator().manual_seed(1)
    made = [torch.randint(0, END, (length,), generator=generator).tolist() for length in LENGTHS]
    made[3][:SHARED] = made[2][:SHARED]
    return made


def ask_generate(folder: Path) -> Reference:
    """Answers without an EOS; then a token that occurred in the middle becomes the checkpoint's EOS."""
    model = reference_model(folder)
    asked = prompts()
    outputs = [generate(model, prompt, most) for prompt, most in zip(asked, MOST, strict=True)]
    middles = Counter(token for output in outputs for token in set(output[3:8]) - set(output[:3]))
    end = middles.most_common(1)[0][0]
    GenerationConfig(eos_token_id=[END, end]).save_pretrained(folder)
    return Reference(folder, asked, outputs, end)


def reference_model(folder: Path, attention: str | None = None) -> PreTrainedModel:
    """The checkpoint as transformers loads it; where scores are capped only eager is right."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation=attention)
    if attention is None and getattr(model.config, "attn_logit_softcapping", None):
        model.set_attn_implementation("eager")
    return model.eval().to(DEVICE)


def generate(model: PreTrainedModel, prompt: list[int], most: int, ends: list[int] | None = None) -> list[int]:
    """Greedy output ids of one prompt."""
    model.generation_config.eos_token_id = ends
    ids = torch.tensor([prompt], device=DEVICE)
    mask = torch.ones_like(ids)
    output = model.generate(ids, attention_mask=mask, max_new_tokens=most, do_sample=False, pad_token_id=END)
    return output[0, len(prompt) :].tolist()
