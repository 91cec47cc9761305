"""The conversation with a model: whether prompts go through its chat template, and the exchanges that go along."""

from __future__ import annotations

from pathlib import Path

from playground.protocol.commands import ChatMessage, LoadModel
from playground.tui.checkpoints import has_chat_template
from playground.tui.state.request import RequestState
from playground.tui.state.state import State


class Conversation:
    """Reads the state; `chat` may be set, and holds only where there is a template."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._chat: bool | None = None
        self._looked_at: LoadModel | None = None  # whose `_template` is known
        self._template = False
        self._exchanges: list[str] = []

    @property
    def chat(self) -> bool:
        """Whether prompts go through the chat template; by default if the model has one."""
        return self.has_template if self._chat is None else self._chat and self.has_template

    @chat.setter
    def chat(self, chat: bool) -> None:
        self._chat = chat

    @property
    def has_template(self) -> bool:
        """Whether the model, or the one being loaded, has a chat template."""
        if self._state.facts:
            return self._state.facts.has_chat_template
        loading = self._state.model.loading
        if loading and loading.url:
            return True  # a server takes messages, and has the template
        if loading and loading is not self._looked_at:
            self._looked_at, self._template = loading, has_chat_template(Path(loading.model))
        return self._template if loading else False

    def messages(self, prompt: str) -> list[ChatMessage]:
        """The complete exchanges so far, and a prompt."""
        done = [self._state.requests[request_id] for request_id in self._exchanges]
        turns = [turn for request in done if _is_complete(request) for turn in _turns(request)]
        return [*turns, ChatMessage("user", prompt)]

    def add(self, request_id: str) -> None:
        """This request is an exchange from now on."""
        self._exchanges.append(request_id)

    def clear(self) -> None:
        """Forget the exchanges."""
        self._exchanges.clear()


def _is_complete(request: RequestState) -> bool:
    return bool(request.finished and request.finished.reason in ("stop", "length") and request.text)


def _turns(request: RequestState) -> list[ChatMessage]:
    return [ChatMessage("user", request.prompt), ChatMessage("assistant", request.text)]
