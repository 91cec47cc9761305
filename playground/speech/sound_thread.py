"""The only thread that calls PortAudio, which is not thread-safe: a sound server that stalls keeps a call waiting, and
with it those that come after, but not the worker."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

from playground.speech.faults import SpeechError
from playground.speech.inputs import WAY_OUT

PATIENCE_S = 8.0  # looking for devices takes seconds on some machines

T = TypeVar("T")
_calls: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()
_starting = threading.Lock()
_thread: threading.Thread | None = None


def submit(call: Callable[[], T]) -> Future[T]:
    """Run `call` on the thread, after those that came before it; at once if this is that thread."""
    global _thread
    future: Future[T] = Future()
    if threading.current_thread() is _thread:
        _run(future, call)
        return future
    _calls.put((future, call))
    with _starting:
        if _thread is None:
            _thread = threading.Thread(target=_run_all, name="portaudio", daemon=True)
            _thread.start()
    return future


def wait_for(future: Future[T]) -> T:
    """The result of a call, or what it raised. Raises `SpeechError` if it does not return within `PATIENCE_S`."""
    try:
        return future.result(PATIENCE_S)
    except TimeoutError:
        future.cancel()
        message = "the sound system does not answer"
        raise SpeechError(message, f"start the sound server again, {WAY_OUT}") from None


def _run_all() -> None:
    while True:
        _run(*_calls.get())


def _run(future: Future[Any], call: Callable[[], Any]) -> None:
    if future.set_running_or_notify_cancel():
        try:
            result = call()
        except Exception as error:
            future.set_exception(error)
        else:
            future.set_result(result)
