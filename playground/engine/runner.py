"""What the engine's loop needs of whatever computes tokens: a model, written answers, or a prediction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from playground.engine.blocks import BlockManager
from playground.engine.detokenizer import Piece
from playground.engine.request import Request
from playground.engine.scheduler import Work
from playground.protocol.commands import GenerationRequest


class Runner(Protocol):
    """Computes planned work and holds the KV that it leaves behind. `context`: positions of the model."""

    blocks: BlockManager
    context: int

    @property
    def splits_at_blocks(self) -> bool:
        """No work may cross the end of a block."""

    def encode(self, request: GenerationRequest) -> list[int]:
        """Prompt ids; raises `Refused`."""

    def detokenizer(self, prompt_ids: list[int]) -> Piece:
        """A function from the next output id to the text that it completes."""

    def is_end(self, token_id: int) -> bool:
        """Whether the id is an end-of-sequence token of this model."""

    def run(self, works: Sequence[Work], held: Sequence[Request]) -> list[list[int]]:
        """New token ids of each work: none while its prefill goes on, or where the model's numbers are not finite; with
        drafts, the accepted ones and one more. `held` rows only pad the batch."""

    def forget(self, request: Request) -> None:
        """Drop what is stored for a request that ended or lost its blocks."""

    def kv_bytes(self, running: Sequence[Request]) -> int:
        """Bytes of the blocks in use."""
