"""Where it is said: rooms, microphones, noise of several colours, gain, and silence without a word."""

from __future__ import annotations

import numpy as np

from playground.models.make_tiny_whisper.voices import SAMPLING_RATE

# Noise power falls or rises with frequency by this exponent.
COLOURS = {"white": 0.0, "pink": -1.0, "brown": -2.0, "blue": 1.0}


def _power_of_two(length: int) -> int:
    """The next one that is no shorter: transforms of it are fast."""
    return 1 << max(length - 1, 1).bit_length()


def _shaped(samples: np.ndarray, gains: np.ndarray) -> np.ndarray:
    """The samples with their spectrum multiplied; `gains` belong to the bins of a transform that is no shorter."""
    size = 2 * (len(gains) - 1)
    return np.fft.irfft(np.fft.rfft(samples, size) * gains, size)[: len(samples)].astype(np.float32)


def coloured_noise(random_source: np.random.Generator, length: int, colour: str) -> np.ndarray:
    """Noise of unit RMS."""
    size = _power_of_two(length)
    bins = np.maximum(np.fft.rfftfreq(size, 1 / SAMPLING_RATE), 40.0)
    noise = _shaped(random_source.standard_normal(size), bins ** (COLOURS[colour] / 2))[:length]
    return noise / rms(noise)


def hum(random_source: np.random.Generator, length: int) -> np.ndarray:
    """A mains or fan hum of unit RMS: a low tone with its overtones."""
    time = np.arange(length) / SAMPLING_RATE
    base = random_source.uniform(45, 400)
    tones = [np.sin(2 * np.pi * base * k * time + random_source.uniform(0, 6)) / k for k in range(1, 6)]
    tone: np.ndarray = np.sum(tones, axis=0).astype(np.float32)
    return tone / rms(tone)


def clicks(random_source: np.random.Generator, length: int) -> np.ndarray:
    """Keys and knocks of unit RMS: short decaying bursts at random times."""
    samples = np.zeros(length + 800, dtype=np.float32)
    for start in random_source.integers(0, length, size=max(1, length // 12_000)):
        decay = np.exp(-np.arange(800) / random_source.uniform(20, 200))
        samples[start : start + 800] += random_source.standard_normal(800) * decay
    return samples[:length] / rms(samples[:length])


def any_noise(random_source: np.random.Generator, length: int) -> np.ndarray:
    """Noise of unit RMS of a random kind, colours most of the time."""
    draw = random_source.random()
    if draw < 0.08:
        return hum(random_source, length)
    if draw < 0.14:
        return clicks(random_source, length)
    return coloured_noise(random_source, length, str(random_source.choice(list(COLOURS), p=(0.4, 0.3, 0.2, 0.1))))


def rms(samples: np.ndarray) -> float:
    """Root mean square, never zero."""
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) + 1e-9


def add_noise(samples: np.ndarray, noise: np.ndarray, snr_db: float, speech_rms: float) -> np.ndarray:
    """Speech with unit-RMS noise at this ratio to the speech's own level."""
    return samples + noise * (speech_rms * 10 ** (-snr_db / 20))


def _room(random_source: np.random.Generator, samples: np.ndarray) -> np.ndarray:
    """The sound of a room: a direct path and a tail of noise that decays by 60 dB in 0.1 to 0.5 s."""
    length = int(random_source.uniform(0.1, 0.5) * SAMPLING_RATE)
    response = random_source.standard_normal(length) * np.exp(-6.9 * np.arange(length) / length)
    response *= random_source.uniform(0.1, 0.7) / np.linalg.norm(response)
    response[0] = 1.0
    size = _power_of_two(len(samples) + length)
    wet = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(response, size), size)
    return wet[: len(samples)].astype(np.float32)


def _microphone(random_source: np.random.Generator, samples: np.ndarray) -> np.ndarray:
    """A tilt of up to 8 dB over the band, and sometimes a telephone's band."""
    bins = np.fft.rfftfreq(_power_of_two(len(samples)), 1 / SAMPLING_RATE)
    gains = 10 ** (random_source.uniform(-8, 8) * (bins / bins[-1] - 0.5) / 20)
    if random_source.random() < 0.3:
        gains = gains / (1 + (random_source.uniform(100, 300) / np.maximum(bins, 1)) ** 4)
        gains = gains / (1 + (bins / random_source.uniform(3200, 6000)) ** 8)
    return _shaped(samples, gains)


def change_scene(random_source: np.random.Generator, samples: np.ndarray, speech_rms: float) -> np.ndarray:
    """Room, microphone, noise at 3 to 35 dB and gain, each drawn; the samples include silence around the speech."""
    if random_source.random() < 0.3:
        samples = _room(random_source, samples)
    if random_source.random() < 0.4:
        samples = _microphone(random_source, samples)
    if random_source.random() < 0.6:
        noise = any_noise(random_source, len(samples))
        samples = add_noise(samples, noise, random_source.uniform(3, 35), speech_rms)
    return record(samples, random_source.uniform(-30, -0.5))


def record(samples: np.ndarray, peak_db: float) -> np.ndarray:
    """The samples with their peak at this many dB below full scale, rounded to 16 bits as a microphone would."""
    scaled: np.ndarray = samples * (10 ** (peak_db / 20) / (np.abs(samples).max() + 1e-9))
    return (np.round(scaled * 32767) / 32768).astype(np.float32)


def no_speech(random_source: np.random.Generator, seconds: float) -> np.ndarray:
    """Digital silence (one in five), noise of one or two kinds, at any level."""
    length = int(seconds * SAMPLING_RATE)
    if random_source.random() < 0.2:
        return np.zeros(length, dtype=np.float32)
    samples = any_noise(random_source, length)
    if random_source.random() < 0.4:
        samples = samples + any_noise(random_source, length) * random_source.uniform(0.1, 1)
    return record(samples, random_source.uniform(-70, -1))
