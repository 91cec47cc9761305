"""Checkpoints to break: a valid one of some kilobytes, written tensor by tensor, and ways to damage it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from playground import paths

HIDDEN, INNER, HEADS, HEAD_DIM, VOCABULARY = 32, 64, 2, 16, 2048
CONFIG: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "dtype": "float32",
    "hidden_size": HIDDEN,
    "intermediate_size": INNER,
    "num_attention_heads": HEADS,
    "num_key_value_heads": HEADS,
    "head_dim": HEAD_DIM,
    "max_position_embeddings": 256,
    "vocab_size": VOCABULARY,
    "tie_word_embeddings": True,
    "eos_token_id": 0,
}
REMOTE_CODE = """
from transformers import LlamaConfig, LlamaForCausalLM

class PrivateConfig(LlamaConfig):
    model_type = "private"

class PrivateForCausalLM(LlamaForCausalLM):
    config_class = PrivateConfig
"""


def tensors(layers: int, hidden: int = HIDDEN, inner: int = INNER) -> dict[str, np.ndarray]:
    """Weights of a Llama of `layers` layers, seeded, by their names in a file."""
    random = np.random.default_rng(0)
    shapes = {"model.embed_tokens.weight": (VOCABULARY, hidden), "model.norm.weight": (hidden,)}
    for layer in range(layers):
        shapes |= {f"model.layers.{layer}.self_attn.{name}_proj.weight": (hidden, hidden) for name in "qkvo"}
        shapes |= {f"model.layers.{layer}.mlp.{name}_proj.weight": (inner, hidden) for name in ("gate", "up")}
        shapes[f"model.layers.{layer}.mlp.down_proj.weight"] = (hidden, inner)
        shapes |= {f"model.layers.{layer}.{name}_layernorm.weight": (hidden,) for name in ("input", "post_attention")}
    return {name: random.normal(0, 0.1, shape).astype(np.float32) for name, shape in shapes.items()}


def make(folder: Path, layers: int = 1, hidden: int = HIDDEN, inner: int = INNER, **config: Any) -> Path:
    """A checkpoint that loads, with the bundled model's tokenizer; `config` replaces keys of its config.json."""
    folder.mkdir(parents=True)
    sizes = {"hidden_size": hidden, "intermediate_size": inner, "num_hidden_layers": layers}
    heads = {"num_attention_heads": hidden // HEAD_DIM, "num_key_value_heads": hidden // HEAD_DIM}
    write_config(folder, CONFIG | sizes | heads | config)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(paths.bundled_model() / name, folder)
    save_file(tensors(layers, hidden, inner), folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def write_config(folder: Path, config: dict[str, Any]) -> None:
    """Replace the config."""
    (folder / "config.json").write_text(json.dumps(config))


def change_config(folder: Path, **changes: Any) -> None:
    """Replace keys of the config; None removes a key."""
    config = json.loads((folder / "config.json").read_text()) | changes
    write_config(folder, {key: value for key, value in config.items() if value is not None})


def cut(file: Path, size: int) -> None:
    """Leave the first `size` bytes of a file."""
    file.write_bytes(file.read_bytes()[:size])


def change_tensors(folder: Path, drop: str = "", **added: np.ndarray) -> None:
    """Remove the tensors whose name contains `drop`, and add others."""
    file = folder / "model.safetensors"
    kept = {name: tensor for name, tensor in load_file(file).items() if not drop or drop not in name}
    save_file(kept | added, file, metadata={"format": "pt"})


def shard(folder: Path) -> None:
    """The same weights in two files and an index."""
    whole = folder / "model.safetensors"
    weights = load_file(whole)
    whole.unlink()
    names = [f"model-0000{part}-of-00002.safetensors" for part in (1, 2)]
    places = {name: names[index % 2] for index, name in enumerate(weights)}
    for file in names:
        part = {name: tensor for name, tensor in weights.items() if places[name] == file}
        save_file(part, folder / file, metadata={"format": "pt"})
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": places}))


def pickle_weights(folder: Path) -> None:
    """The same weights only as a pickle."""
    import torch

    whole = folder / "model.safetensors"
    torch.save(
        {name: torch.from_numpy(array) for name, array in load_file(whole).items()}, folder / "pytorch_model.bin"
    )
    whole.unlink()


def remote_code(folder: Path) -> None:
    """The same model as an architecture that only code in the folder defines."""
    (folder / "modeling_private.py").write_text(REMOTE_CODE)
    names = {"AutoConfig": "PrivateConfig", "AutoModelForCausalLM": "PrivateForCausalLM"}
    change_config(
        folder,
        model_type="private",
        architectures=["PrivateForCausalLM"],
        auto_map={name: f"modeling_private.{value}" for name, value in names.items()},
    )
