"""What only vLLM's own workers can see, one per rank. vLLM mixes this class into its worker class by name."""

from __future__ import annotations

import ctypes
import signal
from contextlib import suppress
from multiprocessing import parent_process
from typing import Any

import torch
from torch import nn

from playground.engine.device import uuid_of

PR_SET_PDEATHSIG = 1  # linux/prctl.h

# A rank in another process would outlive a worker that is killed together with the UI, so Linux ends it.
if parent_process() is not None:
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class FactsExtension:
    """Answers to `collective_rpc`."""

    model_runner: Any
    device: torch.device

    def playground_hold_generators(self) -> None:
        """Let a request with a seed prefill in several steps on a CPU. What all but the last of them sample is thrown
        away, and vLLM then winds the request's generator back, which one of a CPU does not allow."""
        if self.device.type != "cpu":
            return
        runner, sample = self.model_runner, self.model_runner.sample_tokens

        def sample_tokens(*args: Any, **named: Any) -> Any:
            batch = runner.input_batch
            thrown_away = runner.discard_request_mask.np[: batch.num_reqs].nonzero()[0].tolist()
            held = {row: batch.generators.pop(row) for row in thrown_away if row in batch.generators}
            try:
                return sample(*args, **named)
            finally:
                batch.generators.update(held)

        runner.sample_tokens = sample_tokens

    def playground_facts(self) -> dict[str, Any]:
        """Bytes of this rank's tensors, the model's class, the attention backends in use, and the GPU."""
        model: nn.Module = self.model_runner.get_model()
        tensors = [*model.parameters(), *model.buffers()]
        groups = [group for groups in self.model_runner.attn_groups for group in groups]
        return {
            "weights_bytes": sum(tensor.nbytes for tensor in tensors),
            "architecture": type(model).__name__,
            "attention": sorted({group.backend.get_name() for group in groups}),
            "device_uuid": uuid_of(self.device),
        }
