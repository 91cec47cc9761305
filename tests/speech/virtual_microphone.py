"""A microphone without a room: a PulseAudio server of the tests' own, whose default source hears what is played into a
sink that leads nowhere."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path
from time import monotonic, sleep

from playground.speech.vad import Samples
from tests.speech.speaking import write_wav

NEEDED = ("pulseaudio", "paplay", "pactl")
START_S = 10


class VirtualMicrophone:
    """`environment` leads programs to this server; `start` and `stop` are plugging in and pulling out."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server: subprocess.Popen[bytes] | None = None
        folder.chmod(0o700)
        self.environment = {
            "XDG_RUNTIME_DIR": str(folder),
            "PULSE_RUNTIME_PATH": str(folder / "pulse"),
            "PULSE_STATE_PATH": str(folder / "state"),
            "PULSE_COOKIE": str(folder / "cookie"),
            "PULSE_SERVER": f"unix:{folder / 'pulse' / 'native'}",
        }

    @property
    def missing(self) -> list[str]:
        """Programs that it needs and that are not installed."""
        return [name for name in NEEDED if shutil.which(name) is None]

    @property
    def running(self) -> bool:
        return self._server is not None

    def start(self) -> None:
        modules = ["module-null-sink sink_name=mouth", "module-native-protocol-unix"]
        with (self._folder / "log").open("ab") as log:
            self._server = subprocess.Popen(
                ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", *(f"--load={m}" for m in modules)],
                env=os.environ | self.environment,
                stdout=log,
                stderr=log,
            )
        deadline = monotonic() + START_S
        while subprocess.run(self._pactl("set-default-source", "mouth.monitor"), **self._quiet()).returncode:
            assert monotonic() < deadline, (self._folder / "log").read_text()
            sleep(0.1)

    def stop(self) -> None:
        if self._server:
            self._server.terminate()
            self._server.wait()
            self._server = None

    def stall(self) -> None:
        """The server answers no one until `resume`."""
        assert self._server
        self._server.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        if self._server:
            self._server.send_signal(signal.SIGCONT)

    def say(self, samples: Samples) -> subprocess.Popen[bytes]:
        """Begin to play; wait for the process to hear it all."""
        path = write_wav(self._folder / "said.wav", samples)
        return subprocess.Popen(["paplay", "--device=mouth", "--latency-msec=30", str(path)], **self._quiet())

    def listeners(self) -> int:
        """How many programs have the microphone open."""
        command = self._pactl("list", "short", "source-outputs")
        lines = subprocess.run(command, env=os.environ | self.environment, capture_output=True, check=True).stdout
        return len(lines.splitlines())

    def _pactl(self, *words: str) -> list[str]:
        return ["pactl", *words]

    def _quiet(self) -> dict:
        return {"env": os.environ | self.environment, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
