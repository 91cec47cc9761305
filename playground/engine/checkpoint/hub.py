"""Fetch a checkpoint by its hub id: from the local cache without a network, else by a download that can be stopped."""

from __future__ import annotations

import re
import threading
from concurrent.futures import Future, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playground.engine.backends.base import Cancelled, EngineError, Progress

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
FILES = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja", "*.tiktoken"]
REACH_S = 4.0
REPORT_EVERY_S = 0.1


def fetch(model: str, trust_remote_code: bool, allow_pickle: bool, progress: Progress) -> Path:
    """The folder of a hub id; raises `EngineError`, within seconds if the hub cannot be reached."""
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import GatedRepoError, LocalEntryNotFoundError, RepositoryNotFoundError

    patterns = [*FILES, *(["*.py"] if trust_remote_code else []), *(["*.bin"] if allow_pickle else [])]
    try:
        return Path(snapshot_download(model, allow_patterns=patterns, local_files_only=True))
    except LocalEntryNotFoundError:
        pass
    progress("checking", detail=f"fetching {model}")
    try:
        # Ask once without retries first: a snapshot would retry a dead connection for a minute.
        info = HfApi().model_info(model, timeout=REACH_S)
        _refuse_pickles(model, [file.rfilename for file in info.siblings or ()], allow_pickle)
        return _download(model, patterns, progress)
    except (Cancelled, EngineError):
        raise
    except GatedRepoError:
        raise EngineError(
            f"{model} asks for a licence to be accepted", "accept it on its page, then set HF_TOKEN"
        ) from None
    except RepositoryNotFoundError:
        raise EngineError(f"the hub has no model {model}", "check the spelling; a private one needs HF_TOKEN") from None
    except Exception as error:
        raise _unreachable(model, error) from error


def _unreachable(model: str, error: Exception) -> EngineError:
    response = getattr(error, "response", None)
    if response is not None:
        return EngineError(f"the hub answers {response.status_code} when asked for {model}", "try again later")
    if isinstance(error, OSError) and error.errno is not None and not isinstance(error, ConnectionError):
        return EngineError(f"{model} cannot be kept: {error.strerror}", "free some room in the hub cache")
    return EngineError(
        f"{model} is not in the local cache and the hub cannot be reached", "connect, or name a local folder"
    )


def _refuse_pickles(model: str, files: list[str], allow_pickle: bool) -> None:
    """Refuse before the download rather than after it."""
    if not allow_pickle and files and not any(name.endswith(".safetensors") for name in files):
        pickles = [name for name in files if name.endswith((".bin", ".pt", ".pth"))]
        if not pickles:
            raise EngineError(f"{model} has no weights that run here", "name a model with safetensors files")
        raise pickled(model, pickles[0])


def pickled(name: str, file: str) -> EngineError:
    """The error for weights that are not safetensors, which are only loaded with --allow-pickle."""
    return EngineError(
        f"{name} has only pickled weights ({file}), and a pickle can run any code",
        "convert them to safetensors, or start again with --allow-pickle",
    )


@dataclass
class _Download:
    """Bytes downloaded so far, and whether to stop."""

    done: int = 0
    total: int = 0
    stopped: bool = False


def _download(model: str, patterns: list[str], progress: Progress) -> Path:
    """Download on a thread of its own, since a slow line can block for long and a cancel must not wait for that."""
    from huggingface_hub import snapshot_download

    state, folder = _Download(), Future[str]()

    def run() -> None:
        try:
            bar = _bar(state)
            folder.set_result(snapshot_download(model, allow_patterns=patterns, etag_timeout=REACH_S, tqdm_class=bar))
        except BaseException as error:
            folder.set_exception(error)

    threading.Thread(target=run, name="download", daemon=True).start()
    try:
        while wait([folder], timeout=REPORT_EVERY_S).not_done:
            progress("checking", state.done, state.total, f"fetching {model}")
    except Cancelled:
        state.stopped = True
        raise
    return Path(folder.result())


def _bar(state: _Download) -> type:
    """A progress bar class that draws nothing; each of its updates is a chance to stop."""
    from tqdm.std import tqdm

    class Bar(tqdm):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs | {"gui": True})  # the GUI flag keeps tqdm itself from drawing

        def update(self, n: float | None = 1) -> None:
            if state.stopped:
                raise Cancelled
            self.n += n or 0
            if self.unit == "B" and "Reconstruct" in str(self.desc):  # the other bar in bytes counts the network
                state.done, state.total = int(self.n), int(self.total or 0)

        def refresh(self, *_: Any, **__: Any) -> None: ...

        def close(self) -> None: ...

    return Bar
