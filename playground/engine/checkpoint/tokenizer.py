"""Prompts to token ids and output ids to text, for any tokenizer that transformers loads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from playground.engine.admission import Refused
from playground.engine.backends.base import first_line
from playground.engine.detokenizer import Piece
from playground.protocol.commands import ChatMessage, GenerationRequest

BROKEN = "\ufffd"
CONTEXT_IDS = 8


class Tokenizer:
    """Wraps a `PreTrainedTokenizer`; knows the model's vocabulary size, its context and its end tokens."""

    def __init__(self, tokenizer: Any, vocabulary: int, context: int, end_ids: set[int]) -> None:
        self._tokenizer, self._vocabulary, self._context, self._ends = tokenizer, vocabulary, context, end_ids

    @property
    def has_chat_template(self) -> bool:
        """Whether conversations can be rendered."""
        return bool(getattr(self._tokenizer, "chat_template", None))

    def is_end(self, token_id: int) -> bool:
        """Whether the id is one of the end-of-sequence tokens."""
        return token_id in self._ends

    def encode(self, request: GenerationRequest) -> list[int]:
        """Prompt ids of a request; raises `Refused`."""
        if request.prompt_token_ids is not None:
            return self._checked(request.prompt_token_ids)
        if request.messages is not None:
            return self._checked(self._render(request.messages))
        # Tokenizers reject lone surrogates, which a broken paste may contain.
        text = (request.prompt or "").encode("utf-8", "replace").decode()
        if not text:
            raise Refused("the prompt is empty; type something first")
        self._refuse_what_cannot_fit(text)
        return self._checked(self._tokenizer(text).input_ids)

    def ids(self, text: str) -> list[int]:
        """Ids of a text, with special tokens as for a prompt; no length limit, and no ids for an empty text."""
        return list(self._tokenizer(text.encode("utf-8", "replace").decode()).input_ids) if text else []

    def chat_ids(self, text: str) -> list[int]:
        """Ids of a user's message through the chat template; raises `Refused`."""
        return self._render([ChatMessage("user", text)])

    def piece(self, prompt_ids: list[int]) -> Piece:
        """A function from the next id to the text that it completes: whole characters only, special tokens left out."""
        # The Rust tokenizer itself if there is one: the wrapper around it takes ten times as long per token.
        return _Pieces(getattr(self._tokenizer, "_tokenizer", self._tokenizer).decode, prompt_ids)

    def _refuse_what_cannot_fit(self, text: str) -> None:
        """Refuse a text that is certainly too long without tokenizing it, which could block all other requests for
        seconds."""
        fewest = len(text.encode()) // self._longest_token
        if fewest > self._context:
            raise Refused(f"the prompt has over {fewest} tokens and the model's context is {self._context}; shorten it")

    @cached_property
    def _longest_token(self) -> int:
        return max(len(token.encode()) for token in self._tokenizer.get_vocab())

    def _render(self, conversation: Sequence[ChatMessage]) -> list[int]:
        if not self.has_chat_template:
            raise Refused("this model has no chat template; use base mode")
        self._refuse_what_cannot_fit("".join(message.content for message in conversation))
        messages = [{"role": message.role, "content": message.content} for message in conversation]
        try:
            rendered = self._tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=True)
        except Exception as error:
            raise Refused(f"the model's chat template fails: {first_line(error)}; use base mode") from None
        return list(rendered["input_ids"])

    def _checked(self, ids: list[int]) -> list[int]:
        wrong = next((token_id for token_id in ids if not 0 <= token_id < self._vocabulary), None)
        if wrong is not None:
            raise Refused(f"token id {wrong} is not in the vocabulary of {self._vocabulary}")
        return ids


class _Pieces:
    """Decodes one answer id by id: `ids` from `start` on are decoded again with each new one, those before `shown` have
    been output."""

    def __init__(self, decode: Callable[..., str], prompt_ids: list[int]) -> None:
        self._decode, self._ids = decode, list(prompt_ids[-CONTEXT_IDS:])
        self._shown = len(self._ids)
        self._start = max(0, self._shown - CONTEXT_IDS)

    def __call__(self, token_id: int) -> str:
        self._ids.append(token_id)
        before = self._decode(self._ids[self._start : self._shown], skip_special_tokens=True)
        after = self._decode(self._ids[self._start :], skip_special_tokens=True)
        if after.endswith(BROKEN) and len(self._ids) - self._shown < CONTEXT_IDS:
            return ""
        self._start, self._shown = self._shown, len(self._ids)
        return after[len(before) :] if after.startswith(before) else after
