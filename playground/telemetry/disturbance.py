"""Disturbances of a measurement: throttled clocks, other processes on the GPU."""

from __future__ import annotations

import os

from playground.protocol.machine import GpuSample, MachineSampled
from playground.protocol.model_facts import ModelFacts
from playground.telemetry.devices import find_gpu


class Disturbance:
    """Folds samples, possibly on a sampler's thread. None means that this machine cannot tell.

    `device` is the engine's, as torch names it, and `uuid` its card's; samples are ignored until it is set.
    """

    def __init__(self, device: str = "", uuid: str = "") -> None:
        self.device, self.uuid = device, uuid
        self.throttled: tuple[str, ...] | None = None
        self.other_processes: int | None = None

    def follow(self, facts: ModelFacts) -> None:
        """Watch the card of this model from now on. Sets the UUID first: `add` may come in between."""
        self.uuid, self.device = facts.device_uuid, facts.device

    def add(self, machine: MachineSampled) -> None:
        """Add a sample."""
        gpu = find_gpu(machine.gpus, self.device, os.environ.get("CUDA_VISIBLE_DEVICES"), self.uuid)
        if gpu is not None:
            self._add_gpu(gpu)

    def _add_gpu(self, gpu: GpuSample) -> None:
        if gpu.board.throttle is not None:
            self.throttled = tuple(dict.fromkeys((*(self.throttled or ()), *gpu.board.throttle)))
        if gpu.processes:
            # One is the engine, it is not known which: the driver knows no PID namespaces. In a container it may list
            # no process, not even the engine; that says nothing of others.
            self.other_processes = max(self.other_processes or 0, len(gpu.processes) - 1)
