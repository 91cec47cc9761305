"""Config against weights: tensors that are missing, left over or of another shape. Reads only names and shapes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from transformers import AutoModelForCausalLM
from transformers.utils import logging as transformers_logging

from playground.engine.backends.base import Progress
from playground.engine.backends.transformers.check.values import finding
from playground.engine.checkpoint.checkpoint import Checkpoint
from playground.protocol.events import CheckFinding

ADVICE = "config and weights are not of one model"


def check_weights(checkpoint: Checkpoint, progress: Progress) -> Iterator[CheckFinding]:
    """Findings from placing weights as transformers would, on the meta device, so that renamed and merged tensors count
    as found."""
    if not checkpoint.safetensors:
        return
    if "quantization_config" in checkpoint.config:
        evidence = "not compared with config.json: the weights are stored as codes under other names and shapes"
        yield CheckFinding(name="tensors", verdict="warn", evidence=evidence, advice="see how it answers")
        return
    progress("checking", detail="config against weights")
    transformers_logging.set_verbosity_error()
    loaded: Any = AutoModelForCausalLM.from_pretrained(
        checkpoint.path,
        device_map="meta",
        dtype=torch.float32,  # one that every module can be made in, whatever config.json names
        use_safetensors=True,
        trust_remote_code=False,
        ignore_mismatched_sizes=True,
        output_loading_info=True,  # returns a pair, which its annotation leaves out
    )
    _, info = loaded
    mismatched = sorted(info["mismatched_keys"])
    wrong = [f"{name} is {list(found)}, config.json asks for {list(wanted)}" for name, found, wanted in mismatched]
    yield finding("missing tensors", sorted(info["missing_keys"]), "fail", ADVICE)
    yield finding("wrong shapes", wrong, "fail", ADVICE)
    yield finding("unexpected tensors", sorted(info["unexpected_keys"]), "warn", ADVICE)
