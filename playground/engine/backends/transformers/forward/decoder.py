"""A step through a model's own layers, without what `forward` checks and builds around them each time.

Most decoders of transformers run embedding, rotary positions, layers, norm and head in this order. Whether a model does
is tested: both ways must give the same logits, bit for bit, or `forward` stays in use.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor
from transformers import Cache, DynamicCache, PreTrainedModel

from playground.engine.backends.transformers.architecture import has_windows
from playground.engine.backends.transformers.attention.varlen import Ragged
from playground.engine.backends.transformers.forward.lean_decoder import LeanDecoder
from playground.engine.backends.transformers.forward.parts import Part
from playground.engine.backends.transformers.weights.laid_out_linear import stand_alone
from playground.engine.backends.transformers.weights.packed_linear import Packed

PARTS = {"embed_tokens", "rotary_emb", "layers", "norm"}


class Decode(Protocol):
    """One forward. `takes_prompts`: rows may have several tokens each. `joins`: parts may run as one without changing
    anyone's tokens."""

    takes_prompts: bool

    @property
    def joint(self) -> list[Packed]:
        """Layers held in addition to the model's, each replacing several."""

    @property
    def joins(self) -> bool:
        """See above."""

    def __call__(
        self, ids: Tensor, positions: Tensor, mask: Tensor | Ragged | None, cache: Cache, keep: int = 1
    ) -> Tensor:
        """Logits [B, keep, V] at the newest of ids, positions [B, q]. The mask is ready to use, [B, 1, q, columns], or
        a `Ragged`; None if each query sees all keys up to its own."""

    def together(self, parts: Sequence[Part]) -> list[Tensor]:
        """Logits of each part, which attends to its own cache; parts that join share everything else."""


class PlainDecode(Decode, Protocol):
    """Runs a model's own layers, in two halves that a graph can be compiled from."""

    def states(self, ids: Tensor, positions: Tensor, mask: Tensor | Ragged | None, cache: Cache) -> Tensor:
        """States [B, q, hidden] after the last layer."""

    def logits(self, states: Tensor) -> Tensor:
        """States [n, hidden] to logits [n, V]."""


class Decoder:
    """See `PlainDecode`. Hooks on whole layers do not fire, hooks inside them do."""

    takes_prompts, joins = True, False

    def __init__(self, model: PreTrainedModel) -> None:
        self.joint: list[Packed] = []
        base: Any = model.base_model
        self._embed, self._rotary, self._norm = base.embed_tokens, base.rotary_emb, base.norm
        self._layers = list(base.layers)
        self._head: Callable[[Tensor], Tensor] = model.get_output_embeddings()

    def __call__(
        self, ids: Tensor, positions: Tensor, mask: Tensor | Ragged | None, cache: Cache, keep: int = 1
    ) -> Tensor:
        """See `Decode`."""
        return self.logits(self.states(ids, positions, mask, cache)[:, -keep:])

    def together(self, parts: Sequence[Part]) -> list[Tensor]:
        """See `Decode`; runs one part after the other."""
        return [self(*part) for part in parts]

    def states(self, ids: Tensor, positions: Tensor, mask: Tensor | Ragged | None, cache: Cache) -> Tensor:
        """See `PlainDecode`."""
        states: Tensor = self._embed(ids)
        rotary = self._rotary(states, position_ids=positions)
        for layer in self._layers:
            # `forward` directly: calling a module costs a tenth of a tiny layer.
            states = layer.forward(
                states,
                attention_mask=mask,
                position_embeddings=rotary,
                position_ids=positions,
                past_key_values=cache,
                use_cache=True,
            )
        return states

    def logits(self, states: Tensor) -> Tensor:
        """See `PlainDecode`."""
        return self._head(self._norm(states))


def find_decoder(model: PreTrainedModel) -> PlainDecode | None:
    """The leanest decoder that answers exactly as `forward` does, if the model has these parts and no sliding
    windows."""
    if has_windows(model.config) or not type(model).__module__.startswith("transformers."):
        return None
    if {name for name, _ in model.base_model.named_children()} != PARTS or model.get_output_embeddings() is None:
        return None
    found = next((decoder for kind in (LeanDecoder, Decoder) if (decoder := _tried(kind, model))), None)
    if not isinstance(found, LeanDecoder):
        stand_alone(model)  # a lean decoder that was rejected has joined them
    return found


def _tried(kind: Callable[[PreTrainedModel], PlainDecode], model: PreTrainedModel) -> PlainDecode | None:
    try:
        decoder = kind(model)
        return decoder if _agrees(model, decoder) else None
    except (TypeError, AttributeError, ValueError, RuntimeError):
        return None


@torch.inference_mode()
def _agrees(model: PreTrainedModel, decoder: Decode) -> bool:
    """Whether logits are equal for a first part, a part that follows it, and one more token."""
    own, driven = DynamicCache(), DynamicCache()
    causal = model.config._attn_implementation != "eager"
    for start, ids in ((0, [1, 5, 2]), (3, [3, 4]), (5, [6])):
        token_ids = torch.tensor([ids], device=model.device)
        positions = torch.arange(start, start + len(ids), device=model.device).unsqueeze(0)
        hidden = torch.arange(start + len(ids), device=model.device) > positions[0, :, None]
        added = torch.zeros(hidden.shape, dtype=model.dtype, device=model.device).masked_fill_(hidden, -torch.inf)
        mask = None if len(ids) == 1 or (causal and not start) else added[None, None]
        inputs = {"input_ids": token_ids, "position_ids": positions, "past_key_values": own, "use_cache": True}
        if not torch.equal(model(**inputs).logits, decoder(token_ids, positions, mask, driven, len(ids))):
            return False
    return True
