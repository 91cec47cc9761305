"""Which decoding rows get draft tokens in the next step, and how many."""

from __future__ import annotations

from collections.abc import Sequence

from playground.engine.request import Request


def propose_drafts(running: Sequence[Request], drafts: int, context: int, split: int | None) -> None:
    """Set `draft_ids` of every running request: up to `drafts` tokens for rows that decode, none past the end of the
    answer or of the `context`. `split`: the block size if no work may cross the end of a block."""
    for request in running:
        most = min(drafts, request.longest - request.length - 1, context - request.length - 1)
        if split:
            # A token past the end of a block would have to see that block sealed.
            most = min(most, -request.length % split)
        decoding = request.output_ids and not request.finished and request.remaining == 1
        request.draft_ids = []
        if most > 0 and decoding:
            request.draft_ids = request.ngrams.propose(request.token_ids(0, request.length), most)
