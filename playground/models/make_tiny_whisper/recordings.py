"""Makes the recordings of `bench speech`: held-out requests in held-out voices, as Opus, with what is said.

`python -m playground.models.make_tiny_whisper.recordings [--out DIR]`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import av
import numpy as np

from playground.models.make_tiny_whisper.evaluate import Utterance, held_out_utterances, with_noise
from playground.models.make_tiny_whisper.voices import SAMPLING_RATE

DEFAULT_OUT = Path(__file__).parents[2] / "bench" / "speech" / "recordings"
SEED, CLEAN, NOISY = 2026, 8, 4
BIT_RATE = 24_000


def main() -> None:
    """Write sounds and manifest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT)
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    spoken = held_out_utterances(SEED, CLEAN + NOISY)
    spoken = [*spoken[:CLEAN], *with_noise(spoken[CLEAN:], SEED)]
    lines = []
    for number, utterance in enumerate(spoken, 1):
        name = f"{number:02}-{'clean' if number <= CLEAN else 'noisy'}.opus"
        write_opus(out / name, utterance)
        lines.append(json.dumps({"id": name.removesuffix(".opus"), "audio": name, "text": utterance.text}))
    (out / "manifest.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_opus(path: Path, utterance: Utterance) -> None:
    """Mono at 16 kHz."""
    samples = (np.clip(utterance.samples, -1, 1) * 32767).astype(np.int16)
    with av.open(str(path), "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=SAMPLING_RATE, layout="mono", bit_rate=BIT_RATE)
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.rate = SAMPLING_RATE
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)


if __name__ == "__main__":
    main()
