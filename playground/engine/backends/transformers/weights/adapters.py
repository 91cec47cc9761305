"""Attach, exchange and detach a LoRA adapter of PEFT; the layers under it stay what they are."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from playground import paths
from playground.engine.backends.base import EngineError, Progress
from playground.protocol.fault import error_line
from playground.text.sizes import format_bytes

CONFIG, SAFETENSORS, PICKLE = "adapter_config.json", "adapter_model.safetensors", "adapter_model.bin"
# They change the base model when attached, or need what the loop does not provide.
CHANGES_BASE = ("layer_replication", "alora_invocation_tokens")
PLAIN_STARTS = (True, False, None, "gaussian", "orthogonal")
WEIGHTS_FLAGS = {"int8": "is_loaded_in_8bit", "nf4": "is_loaded_in_4bit"}


class AdapterSwitch:
    """Attaches one adapter at a time. PEFT wraps the linear layers that it names; `off` restores the very same
    layers."""

    def __init__(self, model: PreTrainedModel, device: torch.device, allow_pickle: bool) -> None:
        self._model, self._device, self._allow_pickle = model, device, allow_pickle
        self._active: Any = None
        self.path = "off"

    @property
    def name(self) -> str:
        """The folder's name of the attached adapter, read back from the layers, or off."""
        return Path(self.path).name if self._active is not None and self._layers() else "off"

    @property
    def facts(self) -> str:
        """Rank, layers and bytes of the attached adapter; empty without one."""
        layers = self._layers() if self._active is not None else []
        if not layers:
            return ""
        config = self._active.peft_config["default"]
        rank = f"rank {config.r}, alpha {config.lora_alpha}"
        return f"LoRA, {rank}, on {len(layers)} layers, {format_bytes(self.bytes)} beside the weights"

    @property
    def bytes(self) -> int:
        """Bytes of the adapter's own tensors."""
        if self._active is None:
            return 0
        return sum(parameter.nbytes for name, parameter in self._model.named_parameters() if "lora_" in name)

    def switch(self, path: str, weights: str, progress: Progress) -> None:
        """Detach the current adapter and attach the requested one over layers of this kind of `weights`; on a fault the
        current one is attached again."""
        before = self.path
        if path != "off":
            inspect(path, self._allow_pickle)
            progress("converting", 0, 1, f"adapter {Path(path).name}")
        self._detach()
        try:
            if path != "off":
                self._attach(path, weights)
        except EngineError:
            if before != "off":
                self._attach(before, weights)
            raise

    def _attach(self, path: str, weights: str) -> None:
        from peft import PeftModel  # takes a second to import, and only this needs it

        flag = WEIGHTS_FLAGS.get(weights)
        if flag:
            setattr(self._model, flag, True)  # only with this flag does PEFT look for bitsandbytes' layers
        try:
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always")
                folder = Path(path).expanduser()
                self._active = PeftModel.from_pretrained(self._model, folder, torch_device=str(self._device))
            self.path = path
            self._active.eval()
            self._refuse_misfit(path, [str(warning.message) for warning in said])
        except EngineError:
            self._detach()
            raise
        except Exception as error:
            self._detach()
            raise _fault(path, *_explained(error)) from None
        finally:
            if flag:
                delattr(self._model, flag)

    def _refuse_misfit(self, path: str, said: list[str]) -> None:
        """Raises `EngineError` for tensors that are missing, of which PEFT only warns, or fit nowhere, which it
        ignores."""
        from peft import get_peft_model_state_dict

        if any("missing adapter keys" in line for line in said):
            raise _fault(path, "tensors of layers that it names are missing in its file", "save the adapter again")
        here = {
            name.removeprefix("base_model.model.")
            for name in get_peft_model_state_dict(self._active, save_embedding_layers=False)
        }
        extra = [name for name in tensor_names(path) if name.removeprefix("base_model.model.") not in here]
        if extra:
            raise _fault(
                path,
                f"it has tensors for layers that this model has not ({extra[0][:120]})",
                "choose one made for this model",
            )

    def _detach(self) -> None:
        """Put the wrapped layers back, including those of a half-finished attachment."""
        from_peft = [(name, layer.get_submodule("base_layer")) for name, layer in self._layers()]
        if self._active is not None:
            self._active.unload()
        for name, layer in from_peft:
            self._model.set_submodule(name, layer)
        for left in ("peft_config", "_hf_peft_config_loaded"):
            self._model.__dict__.pop(left, None)
        self._active, self.path = None, "off"

    def _layers(self) -> list[tuple[str, nn.Module]]:
        found = [(name, module) for name, module in self._model.named_modules() if hasattr(module, "base_layer")]
        return [(name, module) for name, module in found if type(module).__module__.startswith("peft.tuners.lora")]


def inspect(path: str, allow_pickle: bool) -> dict[str, Any]:
    """The config of an adapter that can be attached; raises `EngineError`. Runs none of its code."""
    folder = paths.expand(path)
    if not _is_folder(folder):
        raise _fault(path, "there is no such folder", "name the folder of a PEFT LoRA adapter")
    if not (folder / CONFIG).is_file():
        raise _fault(path, f"the folder has no {CONFIG}", "name the folder that PEFT's save_pretrained wrote")
    try:
        config = json.loads((folder / CONFIG).read_text())
        kind, task = str(config.get("peft_type")), config.get("task_type") or "CAUSAL_LM"
    except (OSError, ValueError, AttributeError) as error:
        raise _fault(path, f"{CONFIG} cannot be read: {error_line(error)}", "save the adapter again") from None
    if kind != "LORA":
        raise _fault(path, f"it is a PEFT adapter of type {kind[:40]}", "only LoRA adapters can be put on here")
    if task != "CAUSAL_LM":
        raise _fault(path, f"it was made for the task {str(task)[:40]}", "only CAUSAL_LM adapters generate text")
    if changes := [key for key in CHANGES_BASE if config.get(key)]:
        raise _fault(path, f"{changes[0]} cannot be switched on a running model", "use an adapter without it")
    if (start := config.get("init_lora_weights")) not in PLAIN_STARTS:
        raise _fault(path, f"it starts from a changed base ({str(start)[:40]})", "convert it to a plain LoRA with PEFT")
    _refuse_file(path, folder, allow_pickle)
    return dict(config)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name that no file system accepts
        return False


def tensor_names(path: str) -> list[str]:
    """Names of the tensors in the weights file; empty for a pickle."""
    from safetensors import safe_open

    file = Path(path).expanduser() / SAFETENSORS
    if not file.is_file():
        return []
    with safe_open(file, framework="pt") as tensors:
        return list(tensors.keys())


def _refuse_file(path: str, folder: Path, allow_pickle: bool) -> None:
    if (folder / SAFETENSORS).is_file() or ((folder / PICKLE).is_file() and allow_pickle):
        return
    if (folder / PICKLE).is_file():
        raise _fault(
            path,
            f"{PICKLE} is a pickle, which can run any code",
            "save it as safetensors, or start with --allow-pickle if you trust it",
        )
    raise _fault(path, f"the folder has no {SAFETENSORS}", "fetch the adapter again")


def _explained(error: Exception) -> tuple[str, str]:
    """What PEFT's error means, and what to do."""
    text = str(error)
    if "size mismatch" in text:
        line = next(line for line in text.splitlines() if "size mismatch" in line)
        return (
            f"its shapes are not this model's: {error_line(ValueError(line.strip()))}",
            "choose one made for this model",
        )
    if "arget modules" in text:
        return "this model has none of the layers that it names", "choose an adapter made for this architecture"
    return error_line(error), "save the adapter again, or choose another one"


def _fault(path: str, what: str, advice: str) -> EngineError:
    return EngineError(f"adapter={path} is not possible: {what}", advice)
