"""Samples the machine a few times a second on its own thread, so that a slow driver never blocks the screen."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread
from typing import Protocol

from playground.protocol.machine import MachineSampled


class Sensors(Protocol):
    """What the sampler reads from."""

    def read(self, worker_pid: int | None) -> MachineSampled:
        """Sample everything."""

    def close(self) -> None:
        """Release the sensors."""


class MachineSensors:
    """The sensors of this machine."""

    def __init__(self) -> None:
        # Imported here, in the sampler's thread: the first frame need not wait for them.
        from playground.telemetry.host import Host
        from playground.telemetry.nvml import Nvml

        self._host, self._nvml = Host(), Nvml()

    def read(self, worker_pid: int | None) -> MachineSampled:
        """Sample host and GPUs."""
        gpus, reason = self._nvml.sample()
        return MachineSampled(time=time.monotonic(), host=self._host.sample(worker_pid), gpus=gpus, gpu_reason=reason)

    def close(self) -> None:
        """Close NVML."""
        self._nvml.close()


class Sampler:
    """Calls `received` from its thread with every sample; set `worker_pid` at any time. A sample that fails is lost,
    and the next is taken."""

    def __init__(
        self,
        received: Callable[[MachineSampled], None],
        hertz: float = 2.0,
        sensors: Callable[[], Sensors] = MachineSensors,
    ) -> None:
        if not 1 <= hertz <= 4:
            raise ValueError(f"sampling runs at 1 to 4 Hz, not at {hertz}")
        self.worker_pid: int | None = None
        self._received, self._period, self._sensors = received, 1 / hertz, sensors
        self._stopped: Event | None = None

    def start(self) -> None:
        """Start sampling; does nothing while it runs."""
        if self._stopped is None:
            self._stopped = Event()
            Thread(target=self._run, args=(self._stopped,), name="telemetry", daemon=True).start()

    def stop(self) -> None:
        """Tell the thread to end without waiting for it: it may sit in a driver that hangs."""
        if self._stopped is not None:
            self._stopped.set()
            self._stopped = None

    def _run(self, stopped: Event) -> None:
        sensors: Sensors | None = None
        while not stopped.is_set():
            with suppress(Exception):  # whatever a sensor or a closing screen raises costs this sample alone
                sensors = sensors or self._sensors()
                self._sample(sensors, stopped)
            stopped.wait(self._period)
        if sensors is not None:
            sensors.close()

    def _sample(self, sensors: Sensors, stopped: Event) -> None:
        sample = sensors.read(self.worker_pid)
        if not stopped.is_set():
            self._received(sample)
