"""Attention: what is requested, what PyTorch really runs, and why they differ."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from transformers import PreTrainedModel

from playground.engine.backends.base import EngineError, first_line
from playground.engine.backends.transformers.architecture import caps_scores, has_windows
from playground.engine.backends.transformers.attention.grouped_sdpa import GROUPED, MASKS_MATTER
from playground.engine.backends.transformers.attention.kernel_watch import KernelWatch, LayerWatch
from playground.engine.backends.transformers.attention.varlen import Kernel
from playground.engine.backends.transformers.attention.varlen_trial import Forward, working_kernel
from playground.engine.backends.transformers.kv.cache import PagedCache
from playground.engine.backends.transformers.kv.codes_attention import FUSED
from playground.engine.capabilities import missing_package
from playground.protocol.effective import KERNEL_JOIN, NOT_REPORTED, ran_as_asked

SDPA_BACKENDS = {
    "sdpa-math": [SDPBackend.MATH],
    "sdpa-flash": [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH],
}


class AttentionSwitch:
    """The attention of one loaded model: sets it, observes it, says why it is not the requested one."""

    def __init__(self, model: PreTrainedModel) -> None:
        self._model, self.device = model, model.device
        self._softcap, self._windows = caps_scores(model.config), has_windows(model.config)
        self.requested = "auto"
        self.effective: dict[str, str] = {}
        self.reason = ""
        self._watched: set[tuple[str, bool]] = set()
        self._codes = False
        self._varlen: Kernel | None = None
        self._why_masks: str | None = None
        self._implementation = self._read_back()

    def why_not(self, value: str) -> str:
        """Why a value is unavailable with this model here; empty if it is available."""
        if value in ("auto", "eager"):
            return ""
        if value.startswith("flash_attention"):
            return _why_not_flash(self._model, value)
        if self._softcap:
            return "this model caps its attention scores, which sdpa would silently leave out"
        return "" if self._model._supports_sdpa else f"{type(self._model).__name__} has no sdpa path"

    def set(self, value: str) -> None:
        """Switch; raises `EngineError` and keeps the previous kernel if the value is unavailable."""
        if reason := self.why_not(value):
            raise EngineError(f"attention={value} is not possible: {reason}", "eager always is")
        before = self._implementation
        wanted = self._wanted(value)
        try:
            self._model.set_attn_implementation(wanted)
        except (ValueError, ImportError) as error:
            self._model.set_attn_implementation(before)
            raise EngineError(f"attention={value} is not possible: {first_line(error)}") from None
        self._implementation = self._read_back()
        self.requested, self.effective, self._watched = value, {}, set()
        self.reason = (
            "" if self._implementation == wanted else f"{type(self._model).__name__} keeps {self._implementation}"
        )

    def try_varlen(self, decoder: Forward | None) -> None:
        """Test, once, whether ragged batches of this model can run through the requested kernel: see `varlen_trial`."""
        asked = self.requested == "sdpa-flash" and self.device.type in MASKS_MATTER and self.takes_ready_masks
        if asked and decoder and self._why_masks is None:
            with self.context():
                self._varlen, self._why_masks = working_kernel(decoder, self.device, self._model.dtype)

    @property
    def varlen(self) -> Kernel | None:
        """The kernel that ragged batches run through instead of under a mask; None where masks are used."""
        return self._varlen if self.requested == "sdpa-flash" and self.takes_ready_masks else None

    @property
    def takes_ready_masks(self) -> bool:
        """Whether a 4-D boolean mask is used as it is: sdpa through the attention interface, and no sliding windows."""
        return self._implementation == GROUPED and not self._windows

    @property
    def takes_any_mask(self) -> bool:
        """Whether a 4-D mask of our own decides what every query sees, whatever the positions of the keys."""
        return self.takes_ready_masks or (
            self._implementation == "eager" and self._model._supports_attention_backend and not self._windows
        )

    def allow_codes(self, allowed: bool) -> None:
        """Allow decoding rows to attend over a quantized cache as it is stored, or no longer. If that is a change,
        their kernel is unknown until they run."""
        before = self.over_codes
        self._codes = allowed
        if self.over_codes != before:
            self.effective.pop("decode", None)
            self._watched = {kind for kind in self._watched if kind[0] != "decode"}

    def forget_observed(self) -> None:
        """Forget what was observed over the previous cache: another one may bring other masks, which matter on a
        GPU."""
        if self.device.type in MASKS_MATTER:
            self.effective.clear()
            self._watched.clear()

    @property
    def over_codes(self) -> bool:
        """Whether decoding rows attend over a quantized cache as it is stored."""
        return self._codes and self.requested == "auto" and self.takes_ready_masks

    def ready(self, mask: Tensor) -> Tensor:
        """A 4-D mask, true where a query sees a key, in the form that the current attention takes."""
        if self.takes_ready_masks:
            return mask
        added = torch.zeros(mask.shape, dtype=self._model.dtype, device=mask.device)
        return added.masked_fill_(~mask, torch.finfo(self._model.dtype).min)

    def context(self) -> AbstractContextManager[Any]:
        """Restrict PyTorch's choice of kernel while the model runs. On a GPU it might choose cuDNN, which plans anew,
        for tens of milliseconds, whenever a context has grown by a token."""
        chosen = "sdpa-flash" if self.requested == "auto" and self.device.type == "cuda" else self.requested
        if self._implementation in ("sdpa", GROUPED) and chosen in SDPA_BACKENDS:
            return sdpa_kernel(SDPA_BACKENDS[chosen], set_priority=True)
        return nullcontext()

    def watches(self, phase: str, masked: bool) -> bool:
        """Whether the next forward of a phase, with a mask or without, is the first of its kind after a switch."""
        return self._kind(phase, masked) not in self._watched

    @contextmanager
    def watched(self, phase: str, cache: PagedCache, masked: bool) -> Iterator[None]:
        """Watch, by layers, the first forward of a phase (prefill or decode) through `cache` after a switch; on a GPU
        also the first under a mask, which may run another kernel. Other forwards just run."""
        if not self.watches(phase, masked):
            yield
            return
        cache.watch = watch = LayerWatch(self._windows)
        try:
            yield
        finally:
            cache.watch = None
            watch.end()
        if watch.kernels.seen or watch.kinds:
            self._watched.add(self._kind(phase, masked))
            self._note(phase, watch.kernels)

    @contextmanager
    def watched_whole(self, phase: str) -> Iterator[None]:
        """Watch every operator of this forward, over a plain cache."""
        with KernelWatch() as watch:
            yield
        if self.over_codes and phase == "decode":
            return  # it will run another way
        self._watched.add((phase, False))
        self._note(phase, watch)

    def _kind(self, phase: str, masked: bool) -> tuple[str, bool]:
        return phase, self.device.type in MASKS_MATTER and masked

    def _note(self, phase: str, watch: KernelWatch) -> None:
        flash = self._implementation.startswith("flash_attention")
        ran = self._implementation if flash else watch.kernel(self._implementation == "eager")
        known = self.effective.get(phase, ran).split(KERNEL_JOIN)
        self.effective[phase] = KERNEL_JOIN.join(sorted({*known, *ran.split(KERNEL_JOIN)}))

    @property
    def known(self) -> bool:
        """Whether both phases have run since the last switch, or can only run with a request."""
        return "prefill" in self.effective and ("decode" in self.effective or self.over_codes)

    def summary(self) -> dict[str, str]:
        """Effective attention, overall and per phase; a dash for a phase that has not run since the switch."""
        prefill, decode = (self.effective.get(phase, NOT_REPORTED) for phase in ("prefill", "decode"))
        ran = set(self.effective.values())
        every = KERNEL_JOIN.join(sorted({kernel for kernels in ran for kernel in kernels.split(KERNEL_JOIN)}))
        as_one = len(ran) == 1 or (ran and ran_as_asked(self.requested, every))
        both = every if as_one else f"prefill {prefill}, decode {decode}"
        return {"attention": both, "attention_prefill": prefill, "attention_decode": decode}

    @property
    def difference(self) -> str:
        """Why the effective attention is not the requested one, or what decides it; empty if there is nothing to
        say."""
        if FUSED in self.effective.get("decode", ""):
            return "compiled: decode reads the KV cache's codes as they are stored"
        if self.requested == "auto" or all(ran_as_asked(self.requested, ran) for ran in self.effective.values()):
            return ""
        if self._why_masks and self.requested == "sdpa-flash":
            return f"PyTorch's flash kernel takes no mask here, and without one: {self._why_masks}"
        return self.reason or "PyTorch has no such kernel for these shapes, this mask and this dtype"

    def _read_back(self) -> str:
        modules = (module for module in self._model.modules() if isinstance(module, PreTrainedModel))
        return next(str(module.config._attn_implementation) for module in modules)

    def _wanted(self, value: str) -> str:
        if value == "auto":
            value = "sdpa" if not self.why_not("sdpa-flash") else "eager"
        if value == "eager" or value.startswith("flash_attention"):
            return value
        return GROUPED if self._model._supports_attention_backend else "sdpa"


def _why_not_flash(model: PreTrainedModel, value: str) -> str:
    package = {"flash_attention_2": "flash_attn", "flash_attention_3": "flash_attn_interface"}[value]
    if model.device.type != "cuda":
        return "it needs an NVIDIA GPU; sdpa-flash is PyTorch's own FlashAttention and runs here"
    if reason := missing_package(package):
        return reason
    return "" if model.dtype in (torch.float16, torch.bfloat16) else "it needs float16 or bfloat16"
