"""faster-whisper behind one question: which words are in these utterances? With the model's measures of doubt."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec
import numpy as np

from playground.protocol.fault import error_line
from playground.protocol.speech import Segment, SpeechModelFacts, SpeechOptions
from playground.speech.devices import check_compute_type, choose
from playground.speech.faults import SpeechError
from playground.speech.model_files import STOCK_WINDOW_S, find_model, mels, weights_bytes, window_s
from playground.speech.transcript import HIGH_COMPRESSION, LOW_LOGPROB, NO_SPEECH
from playground.speech.utterances import Utterance
from playground.speech.vad import RATE, Samples

WORKERS = 2  # concurrent decodes: a final text never waits for a partial one


class Transcriber:
    """A loaded model. `decode` may be called from `WORKERS` threads at a time. Raises `SpeechError` if it cannot be
    loaded."""

    def __init__(self, options: SpeechOptions) -> None:
        started = perf_counter()
        folder = find_model(options.model)
        device = choose(options.device)
        check_compute_type(device, options.compute_type)
        self._model = _load(folder, device, options)
        self._trained_s = window_s(folder)
        self.facts = SpeechModelFacts(
            name=folder.name if folder.parent.name != "snapshots" else options.model,
            path=str(folder),
            device=device,
            compute_type=self._model.model.compute_type,
            mels=mels(folder),
            multilingual=self._model.model.is_multilingual,
            window_s=self.longest_s(options),
            weights_bytes=weights_bytes(folder),
            load_s=perf_counter() - started,
        )

    def longest_s(self, options: SpeechOptions) -> float:
        """The longest speech in one window, in seconds."""
        return min(options.window_s or self._trained_s, STOCK_WINDOW_S)

    def language(self, options: SpeechOptions, samples: Samples) -> tuple[str, float | None]:
        """The requested language, or with `auto` the one detected in `samples`, and its probability; None if it was not
        detected."""
        if options.language != "auto":
            return self._known(options.language), None
        if not self.facts.multilingual:
            return "en", None
        language, probability, _ = self._model.detect_language(audio=samples)
        return str(language), float(probability)

    def decode(self, utterances: Sequence[Utterance], options: SpeechOptions, language: str) -> list[Segment]:
        """One segment per utterance, in order: first all together at the first temperature, then each looping or
        unlikely one alone, at the other temperatures in turn."""
        if not utterances:
            return []
        first, *later = options.temperatures
        if first:  # faster-whisper's batch always decodes at temperature 0
            segments = [self._alone(utterance, options, language, first) for utterance in utterances]
        else:
            segments = self._together(utterances, options, language)
        return [
            self._again(utterance, segment, options, language) if later and _is_poor(segment) else segment
            for utterance, segment in zip(utterances, segments, strict=True)
        ]

    def close(self) -> None:
        """Unload the model."""
        self._model.model.unload_model()

    def _known(self, language: str) -> str:
        if not self.facts.multilingual and language != "en":
            raise SpeechError(f"{self.facts.name} knows English alone, not {language!r}", "choose another recogniser")
        if language not in self._model.supported_languages:
            names = ", ".join(self._model.supported_languages)
            raise SpeechError(f"the recogniser knows no language {language!r}", f"auto, or one of {names}")
        return language

    def _together(self, utterances: Sequence[Utterance], options: SpeechOptions, language: str) -> list[Segment]:
        from faster_whisper import BatchedInferencePipeline

        edges = np.cumsum([0, *(len(utterance.samples) for utterance in utterances)]) / RATE
        clips = [{"start": a, "end": b} for a, b in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)]
        found, _ = BatchedInferencePipeline(self._model).transcribe(
            np.concatenate([utterance.samples for utterance in utterances]),
            language=language,
            beam_size=options.beam,
            temperature=0.0,
            vad_filter=False,
            clip_timestamps=clips,
            batch_size=len(utterances),
            without_timestamps=True,
        )
        texts: list[list[Any]] = [[] for _ in utterances]
        for segment in found:  # a generator: the decoding runs here
            texts[int(np.searchsorted(edges, segment.start + 1e-3, side="right")) - 1].append(segment)
        return [_segment(utterance, parts) for utterance, parts in zip(utterances, texts, strict=True)]

    def _again(self, utterance: Utterance, poor: Segment, options: SpeechOptions, language: str) -> Segment:
        """The first text that is no longer poor; if all are, the likeliest that does not loop. One temperature at a
        time: of several, faster-whisper reports the last it tried, not that of the text it took."""
        tried = [poor]
        for temperature in options.temperatures[1:]:
            tried.append(self._alone(utterance, options, language, temperature))
            if not _is_poor(tried[-1]):
                break
        best = tried[-1]
        if _is_poor(best):
            candidates = [each for each in tried if each.compression_ratio <= HIGH_COMPRESSION] or tried
            best = max(candidates, key=lambda each: each.avg_logprob)
        return msgspec.structs.replace(best, tried=options.temperatures[: len(tried)])

    def _alone(self, utterance: Utterance, options: SpeechOptions, language: str, temperature: float) -> Segment:
        found, _ = self._model.transcribe(
            utterance.samples,
            language=language,
            beam_size=options.beam,
            temperature=temperature,
            condition_on_previous_text=False,
            no_speech_threshold=None,
            without_timestamps=True,
        )
        return _segment(utterance, list(found))


def _load(folder: Path, device: str, options: SpeechOptions) -> Any:
    from faster_whisper import WhisperModel

    kind, _, index = device.partition(":")
    threads = options.threads or os.cpu_count() or 1  # a single decode uses the whole machine
    try:
        return WhisperModel(
            str(folder),
            device=kind,
            device_index=int(index or 0),
            compute_type=options.compute_type,
            cpu_threads=threads,
            num_workers=WORKERS,
        )
    except (RuntimeError, ValueError, OSError) as error:
        advice = "choose another recogniser"
        raise SpeechError(f"{folder.name} cannot be loaded: {error_line(error)}", advice) from None
    except Exception as error:  # tokenizers raises a bare Exception
        message = f"{folder.name} has a tokenizer.json that cannot be read: {error_line(error)}"
        raise SpeechError(message, "convert it again") from None


def _segment(utterance: Utterance, parts: Sequence[Any]) -> Segment:
    """The text of an utterance; with several parts, the doubts of the worst one."""
    if not parts:
        return Segment(start=round(utterance.start_s, 3), end=round(utterance.end_s, 3), text="")
    return Segment(
        start=round(utterance.start_s, 3),
        end=round(utterance.end_s, 3),
        text=" ".join(part.text.strip() for part in parts if part.text.strip()),
        no_speech_prob=max(part.no_speech_prob for part in parts),
        avg_logprob=min(part.avg_logprob for part in parts),
        compression_ratio=max(part.compression_ratio for part in parts),
        temperature=max(part.temperature or 0.0 for part in parts),
    )


def _is_poor(segment: Segment) -> bool:
    """Whisper's own conditions for a retry at a higher temperature; a segment without speech does not need one."""
    if segment.no_speech_prob > NO_SPEECH and segment.avg_logprob < LOW_LOGPROB:
        return False
    return segment.compression_ratio > HIGH_COMPRESSION or segment.avg_logprob < LOW_LOGPROB


def partial_options(options: SpeechOptions) -> SpeechOptions:
    """Options for a text that will soon be replaced: greedy, once."""
    return msgspec.structs.replace(options, beam=1, temperatures=(0.0,))
