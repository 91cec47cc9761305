"""Which architectures would give wrong answers here and are refused: no answer is better than a wrong one."""

from __future__ import annotations

import inspect
from typing import Any

from transformers import PreTrainedModel
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING,
    MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING,
    MODEL_FOR_MULTIMODAL_LM_MAPPING,
)

from playground.engine.backends.base import EngineError

PAGED_LAYERS = {"full_attention", "sliding_attention"}
# Their positions follow from the attention mask, or only distances matter.
POSITIONS_FROM_MASK = {"bloom", "mpt"}
# Causal although `is_decoder` is off: a leftover field.
IDLE_IS_DECODER = {"gpt_neox"}
# Tested, and not equal to `generate`.
WENT_WRONG = {
    "moshi": "its mask ignores the window to which its own cache is cropped",
    "gpt_neox_japanese": "its attention reads keys in one fixed memory layout",
    "git": "it shifts every mask over a cache by the tokens of a picture, though there is none",
}


def caps_scores(config: Any) -> bool:
    """Whether the model caps its attention scores, which sdpa silently leaves out (transformers 5.19)."""
    return getattr(config, "attn_logit_softcapping", None) is not None


def has_windows(config: Any) -> bool:
    """Whether any layer attends to less than all earlier tokens."""
    text = config.get_text_config()
    kinds = set(getattr(text, "layer_types", None) or ())
    return bool(getattr(text, "sliding_window", None) or kinds - {"full_attention"})


def refuse_config(config: Any, trust_remote_code: bool) -> None:
    """Raises `EngineError` if the config shows that paged keys and values would give wrong answers."""
    name = type(config).__name__.removesuffix("Config")
    if config.is_encoder_decoder:
        raise EngineError(f"{name} is an encoder-decoder model", "only decoder-only language models run here")
    if type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING and not trust_remote_code:
        raise _no_language_model(name, config)
    if reason := WENT_WRONG.get(config.model_type):
        raise EngineError(f"{name} would not answer as in transformers: {reason}", "choose another checkpoint")
    heads = getattr(config, "architectures", None) or [f"{name}ForCausalLM"]
    if not getattr(config, "is_decoder", True) and config.model_type not in IDLE_IS_DECODER:
        raise EngineError(f"{heads[0]} reads in both directions", "choose a checkpoint that generates text")
    _refuse_layers(name, config.get_text_config())
    if kind := MODEL_FOR_CAUSAL_LM_MAPPING.get(type(config), None):
        refuse_class(kind, config)  # type: ignore[arg-type]


def _no_language_model(name: str, config: Any) -> EngineError:
    if type(config) in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING or type(config) in MODEL_FOR_MULTIMODAL_LM_MAPPING:
        return EngineError(f"{name} takes pictures or sound too, which does not run here", "choose one of text alone")
    return EngineError(f"{name} is not a causal language model", "choose a checkpoint that generates text")


def _refuse_layers(name: str, text: Any) -> None:
    if getattr(text, "num_hidden_layers", 1) < 1:
        raise EngineError(f"{name} has {text.num_hidden_layers} layers", "fetch the checkpoint again")
    layers = _layers(text)
    if "chunked_attention" in layers:
        raise EngineError(f"{name} has chunked attention, which is not tested here", "run it with vLLM instead")
    recurrent = layers - PAGED_LAYERS
    if recurrent or (not layers and (hasattr(text, "state_size") or hasattr(text, "mamba_d_state"))):
        kinds = ", ".join(sorted(recurrent)) or "state-space"
        raise EngineError(f"{name} has {kinds} layers, whose state is not keys and values", "run it with vLLM instead")


def _layers(text: Any) -> set[str]:
    """The kinds of layers; empty if the config does not name them."""
    return set(getattr(text, "layer_types", None) or ())


def refuse_class(kind: type[PreTrainedModel], config: Any) -> None:
    """Raises `EngineError` if the model's class keeps state that cannot be paged, or counts positions itself."""
    name, parameters = kind.__name__, inspect.signature(kind.forward).parameters
    layers = _layers(config.get_text_config())
    # The dense Granite 4, say: its class keeps a state for layers that the model does not have.
    attention_alone = layers and layers <= PAGED_LAYERS
    if getattr(kind, "_is_stateful", False) and not attention_alone:
        raise EngineError(f"{name} keeps a state that is not keys and values", "vLLM runs some of these")
    if "past_key_values" not in parameters:
        raise EngineError(f"{name} keeps no keys and values", "only models with a KV cache run here")
    if "position_ids" not in parameters and config.model_type not in POSITIONS_FROM_MASK:
        raise EngineError(f"{name} takes no positions, which padding in a batch would shift", "choose another one")
