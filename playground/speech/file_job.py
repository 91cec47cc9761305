"""The transcription of one sound file, read, cut and decoded on threads; events wait to be taken."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from time import perf_counter

from playground.protocol.speech import DroppedSegment, Segment, SpeechOptions
from playground.protocol.speech_events import TranscriptFinished, TranscriptUpdated
from playground.speech.audio_file import AudioFile
from playground.speech.decoding import Decoded, Decoder
from playground.speech.model_files import STOCK_WINDOW_S
from playground.speech.transcriber import WORKERS
from playground.speech.transcript import joined
from playground.speech.utterances import Utterance, UtteranceCutter, packed
from playground.speech.vad import RATE

AHEAD = WORKERS + 1  # batches that wait or run: decoding never waits for reading, and no file is in memory as a whole


class FileJob:
    """Starts at once. `take` returns the events so far, the last of them `TranscriptFinished`, or raises the fault;
    `wake` is called for each new event."""

    def __init__(
        self,
        key: str,
        audio: AudioFile,
        options: SpeechOptions,
        decoder: Decoder,
        load_s: float,
        wake: Callable[[], None],
    ) -> None:
        self._key, self._audio, self._options, self._decoder, self._wake = key, audio, options, decoder, wake
        self._load_s, self._started = load_s, perf_counter()
        self._events: queue.SimpleQueue[TranscriptUpdated | TranscriptFinished | Exception] = queue.SimpleQueue()
        self._stopped = threading.Event()
        self._segments: list[Segment] = []
        self._dropped: list[DroppedSegment] = []
        self._language = ""
        self._language_probability: float | None = None
        self._heard_s = self._vad_s = self._decode_s = 0.0
        threading.Thread(target=self._work, name="file", daemon=True).start()

    def take(self) -> Iterator[TranscriptUpdated | TranscriptFinished]:
        """The new events."""
        for _ in range(self._events.qsize()):
            event = self._events.get()
            if isinstance(event, Exception):
                raise event
            yield event

    def stop(self) -> None:
        """End after the running batches; the text so far is reported."""
        self._stopped.set()

    def _work(self) -> None:
        try:
            running: deque[Future[Decoded]] = deque()
            for batch in self._batches():
                running.append(self._decoder.submit(batch, self._options, self._known_language(batch)))
                if len(running) == AHEAD:
                    self._add(running.popleft().result())
                if self._stopped.is_set():
                    break
            for future in running:
                self._add(future.result())
            self._tell(self._finish())
        except Exception as error:
            self._tell(error)

    def _tell(self, event: TranscriptUpdated | TranscriptFinished | Exception) -> None:
        self._events.put(event)
        self._wake()

    def _known_language(self, batch: list[Utterance]) -> str:
        """The language, detected once in the first batch."""
        if not self._language:
            heard = self._decoder.transcriber.language(self._options, batch[0].samples)
            self._language, self._language_probability = heard
        return self._language

    def _batches(self) -> Iterator[list[Utterance]]:
        """Batches of a size that keeps all decoding threads busy in a short file too."""
        batch: list[Utterance] = []
        size = max(1, self._options.batch // WORKERS)
        for window in self._windows():
            batch.append(window)
            if len(batch) == size:
                yield batch
                batch = []
        if batch:
            yield batch

    def _windows(self) -> Iterator[Utterance]:
        """Utterances; for a model of full windows, as many joined as fit into one."""
        longest = self._decoder.transcriber.longest_s(self._options)
        together: list[Utterance] = []
        for utterance in self._utterances(longest):
            seconds = sum(len(each.samples) for each in (*together, utterance)) / RATE
            if together and (longest < STOCK_WINDOW_S or seconds > longest):
                yield packed(together)
                together = []
            together.append(utterance)
        if together:
            yield packed(together)

    def _utterances(self, longest_s: float) -> Iterator[Utterance]:
        cutter = UtteranceCutter(longest_s)
        for samples in self._audio:
            started = perf_counter()
            ended = cutter.feed(samples)
            self._vad_s += perf_counter() - started
            self._heard_s += len(samples) / RATE
            yield from ended
            if self._stopped.is_set():
                return
        yield from cutter.flush()

    def _add(self, decoded: Decoded) -> None:
        segments = [verdict for verdict in decoded.verdicts if isinstance(verdict, Segment)]
        dropped = [verdict for verdict in decoded.verdicts if isinstance(verdict, DroppedSegment)]
        self._segments += segments
        self._dropped += dropped
        self._decode_s += decoded.ended - decoded.started
        ends = [each.end for each in segments] + [each.segment.end for each in dropped]
        update = TranscriptUpdated(
            key=self._key,
            segments=segments,
            dropped=dropped,
            position_s=max(ends),
            total_s=self._audio.duration_s,
        )
        self._tell(update)

    def _finish(self) -> TranscriptFinished:
        damaged = self._audio.damaged
        return TranscriptFinished(
            key=self._key,
            text=joined(self._segments),
            segments=self._segments,
            dropped=self._dropped,
            audio_seconds=round(self._heard_s, 3),
            language=self._language,
            language_probability=self._language_probability,
            vad_s=self._vad_s,
            decode_s=self._decode_s,
            load_s=self._load_s,
            seconds=perf_counter() - self._started,
            reason="abort" if self._stopped.is_set() else "stop",
            message=f"{damaged} damaged pieces of the file were left out" if damaged else "",
        )
