"""A checkpoint's config and tokenizer, read by transformers."""

from __future__ import annotations

from typing import Any

import transformers
from transformers import AutoConfig, AutoTokenizer

from playground.engine.backends.base import EngineError
from playground.engine.checkpoint.checkpoint import Checkpoint
from playground.engine.checkpoint.tokenizer import Tokenizer
from playground.protocol.fault import error_line

# What configs call the number of positions, the most telling name first.
LENGTHS = ("max_position_embeddings", "n_positions", "max_seq_len", "max_sequence_length", "seq_length", "n_ctx")
# Settings with which `generate` changes even a greedy answer; the values that change nothing.
CHANGE_GREEDY = (
    *("repetition_penalty", "no_repeat_ngram_size", "exponential_decay_length_penalty", "min_length", "min_new_tokens"),
    *("num_beams", "guidance_scale", "sequence_bias", "bad_words_ids", "suppress_tokens", "begin_suppress_tokens"),
    *("forced_bos_token_id", "forced_eos_token_id"),
)
IDLE: dict[str, float] = {"repetition_penalty": 1, "num_beams": 1, "guidance_scale": 1}
IDLE |= {"no_repeat_ngram_size": 0, "min_length": 0, "min_new_tokens": 0}
GENERATION = "generation_config.json"
END_ADVICE = "correct eos_token_id in config.json or generation_config.json"


def read_config(checkpoint: Checkpoint, trust_remote_code: bool) -> Any:
    """The checkpoint's config; raises `EngineError`."""
    try:
        return AutoConfig.from_pretrained(checkpoint.path, trust_remote_code=trust_remote_code)
    except ImportError as error:
        raise EngineError(
            f"the code of {checkpoint.name} cannot run: {error_line(error)}", "install what it asks for"
        ) from error
    except Exception as error:
        raise EngineError(
            f"config.json of {checkpoint.name} makes no model: {error_line(error)}", "fetch the checkpoint again"
        ) from error


def read_tokenizer(checkpoint: Checkpoint, config: Any, trust_remote_code: bool) -> Tokenizer:
    """The checkpoint's tokenizer with every end token that its files name; raises `EngineError`."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(checkpoint.path, trust_remote_code=trust_remote_code)
    except Exception as error:
        raise EngineError(
            f"the tokenizer of {checkpoint.name} cannot be read: {error_line(error)}", "fetch it again"
        ) from None
    text = config.get_text_config()
    return Tokenizer(tokenizer, text.vocab_size, context_of(config), end_ids(checkpoint, tokenizer, text))


def context_of(config: Any) -> int:
    """Positions that the model was made for; 2**20 if the config does not say. Raises `EngineError` if it is no
    length."""
    text = config.get_text_config()
    given = (getattr(text, name, None) for name in LENGTHS)
    length = next((length for length in given if length is not None), 2**20)
    if not isinstance(length, int) or length < 1:
        raise EngineError(f"config.json says that the context has {length!r} tokens", "correct it there")
    return length


def end_ids(checkpoint: Checkpoint, tokenizer: Any, text: Any) -> set[int]:
    """The token ids that end an answer: those of tokenizer, text config and generation config together, but not a
    default that config.json leaves to its class where the generation config names others; raises `EngineError` if one
    is no id."""
    generation = _as_list(getattr(_generation(checkpoint), "eos_token_id", None))
    ends = {tokenizer.eos_token_id, *generation}
    written = [checkpoint.config, *(part for part in checkpoint.config.values() if isinstance(part, dict))]
    if generation == [None] or any("eos_token_id" in part for part in written):
        ends.update(_as_list(getattr(text, "eos_token_id", None)))
    if wrong := [end for end in ends if end is not None and (not isinstance(end, int) or end < 0)]:
        raise EngineError(f"an end token of {checkpoint.name} is {wrong[0]!r}, which is no token id", END_ADVICE)
    return ends - {None}


def not_followed(checkpoint: Checkpoint) -> str:
    """What generation_config.json asks for and answers do not follow, though greedy ones of `generate` do, or that it
    cannot be read; empty if nothing."""
    generation = _generation(checkpoint)
    if generation is None and (checkpoint.path / GENERATION).exists():
        return f"not followed: {GENERATION} cannot be read, fetch it again"
    asked = {name: getattr(generation, name, None) for name in CHANGE_GREEDY}
    changing = [name for name, value in asked.items() if value not in (None, []) and value != IDLE.get(name)]
    return f"not followed of generation_config.json: {', '.join(changing)}" if changing else ""


def _generation(checkpoint: Checkpoint) -> transformers.GenerationConfig | None:
    try:
        return transformers.GenerationConfig.from_pretrained(checkpoint.path)
    except (OSError, ValueError):
        return None
    except TypeError:
        raise EngineError(f"generation_config.json of {checkpoint.name} is no JSON object", "fetch it again") from None


def _as_list(value: int | list[int] | None) -> list[int | None]:
    return list(value) if isinstance(value, list) else [value]
