"""tiny-coder as a checkpoint with 8-bit weights and activations (compressed-tensors, W8A8), as a damaged one, and as
one too large for any machine."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from playground import paths

INT8 = {"num_bits": 8, "type": "int", "symmetric": True}
W8A8: dict[str, Any] = {
    "quant_method": "compressed-tensors",
    "format": "int-quantized",
    "quantization_status": "compressed",
    "ignore": ["lm_head"],
    "config_groups": {
        "group_0": {
            "targets": ["Linear"],
            "weights": INT8 | {"strategy": "channel", "dynamic": False},
            "input_activations": INT8 | {"strategy": "token", "dynamic": True},
        }
    },
}


def write_config(folder: Path, quantization: dict[str, Any]) -> Path:
    """tiny-coder's folder with this quantization config and its plain weights."""
    shutil.copytree(paths.bundled_model(), folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"quantization_config": quantization}))
    return folder


def write_w8a8(folder: Path) -> Path:
    """Plain rounding with a scale for each output of a linear layer; activations are quantized as they arrive."""
    file = write_config(folder, W8A8) / "model.safetensors"
    tensors: dict[str, torch.Tensor] = {}
    for name, tensor in load_file(file).items():
        if name.endswith("_proj.weight"):
            scale = tensor.float().abs().amax(1, keepdim=True) / 127
            tensors[name] = (tensor.float() / scale).round().to(torch.int8)
            tensors[f"{name}_scale"] = scale.to(tensor.dtype)
        else:
            tensors[name] = tensor
    save_file(tensors, file, {"format": "pt"})
    return folder


def write_torn(folder: Path) -> Path:
    """One tensor is half as large as the config says, which only loading reveals."""
    file = write_config(folder, {}) / "model.safetensors"
    tensors = load_file(file)
    name = "model.layers.0.mlp.down_proj.weight"
    save_file(tensors | {name: tensors[name][::2].contiguous()}, file, {"format": "pt"})
    return folder


def write_vast(folder: Path) -> Path:
    """Weights of half a terabyte, all of them a hole in the file."""
    file = write_config(folder, {}) / "model.safetensors"
    tensor = {"dtype": "BF16", "shape": [2**38], "data_offsets": [0, 2**39]}
    header = json.dumps({"model.embed_tokens.weight": tensor}).encode()
    with file.open("wb") as data:
        data.write(len(header).to_bytes(8, "little") + header)
        data.truncate(8 + len(header) + 2**39)
    return folder
