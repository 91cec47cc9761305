"""What only vLLM's own workers can see, one per rank: mixed into their class by name."""

from __future__ import annotations

from typing import Any

from torch import nn


class FactsExtension:
    """Answers over `collective_rpc`."""

    model_runner: Any

    def playground_facts(self) -> dict[str, Any]:
        """Bytes of this rank's tensors, the model's class, and the attention backends that were built."""
        model: nn.Module = self.model_runner.get_model()
        tensors = [*model.parameters(), *model.buffers()]
        groups = [group for groups in self.model_runner.attn_groups for group in groups]
        return {
            "weights_bytes": sum(tensor.nbytes for tensor in tensors),
            "architecture": type(model).__name__,
            "attention": sorted({group.backend.get_name() for group in groups}),
        }
