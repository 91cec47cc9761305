"""The attention heads of each layer, as a checkpoint's config tells them: layers may differ in number and in width."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Heads:
    """One layer's heads of queries, and of keys and values; `width`: numbers in a head of queries."""

    queries: int
    keys: int
    width: int

    @property
    def query_width(self) -> int:
        """Numbers of one token's queries."""
        return self.queries * self.width

    @property
    def key_width(self) -> int:
        """Numbers of one token's keys."""
        return self.keys * self.width


def heads_by_layer(config: Any) -> list[Heads]:
    """The heads of every layer, first layer first; empty where the config names none."""
    text = config.get_text_config()
    layers = range(getattr(text, "num_hidden_layers", 0))
    of_layers = getattr(text, "per_layer_config", None)  # transformers' own way to let layers differ
    found = [_heads(of_layers[at] if of_layers else text, at) for at in layers]
    return found if all(each.queries for each in found) else []


def _heads(layer: Any, at: int) -> Heads:
    queries = _named(layer, "num_attention_heads", at) or 0
    width = _named(layer, "head_dim", at) or (layer.hidden_size // queries if queries else 0)
    return Heads(queries, _named(layer, "num_key_value_heads", at) or queries, width)


def _named(layer: Any, name: str, at: int) -> int | None:
    """A figure of layer `at`; some configs list one for each, under the name itself or a longer one."""
    value = getattr(layer, f"{name}_per_layer", None) or getattr(layer, name, None)
    return value[at] if isinstance(value, list | tuple) else value
