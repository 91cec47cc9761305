"""The training of tiny-coder: repeatable, resumable, and its rows are packed as promised."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from playground.models.make_tiny_coder import train  # noqa: E402
from playground.models.make_tiny_coder.corpus import Corpus, tokenizer_texts  # noqa: E402
from playground.models.make_tiny_coder.stage import SHORT  # noqa: E402
from playground.models.make_tiny_coder.tokenizer import train_tokenizer  # noqa: E402
from playground.models.make_tiny_coder.train import Budget, Training  # noqa: E402

ROW = 256  # one short row


@pytest.fixture(scope="module")
def tokenizer() -> object:
    return train_tokenizer(tokenizer_texts(0, 400))


def weights_after(training: Training) -> torch.Tensor:
    training.run()
    return training.model.model.embed_tokens.weight.detach().clone()


def test_an_interrupted_training_ends_with_the_weights_of_an_unbroken_one(
    tokenizer: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "TOKENS_PER_STEP", ROW)
    unbroken = weights_after(Training(tokenizer, SHORT, Budget(steps=3), 5, tmp_path / "unbroken"))
    broken = Training(tokenizer, SHORT, Budget(steps=3), 5, tmp_path / "broken")
    broken._train_step(0.0)
    broken.save()
    resumed = Training(tokenizer, SHORT, Budget(steps=3), 5, tmp_path / "broken")
    assert resumed.step == 1
    assert torch.equal(weights_after(resumed), unbroken)
    assert resumed.tokens == 3 * ROW


def test_rows_are_repeatable_and_hold_every_kind_in_its_share(tokenizer: object) -> None:
    corpus = Corpus(tokenizer, 1, SHORT)
    rows = corpus.rows(40, 257)
    assert rows.shape == (40, 257)
    assert (rows == Corpus(tokenizer, 1, SHORT).rows(40, 257)).all()
    total = sum(corpus.used.values())
    for kind, share in SHORT.shares.items():
        assert corpus.used[kind] / total == pytest.approx(share, abs=0.05)


def test_a_budget_counts_steps_or_minutes() -> None:
    assert Budget(steps=10).progress(5, seconds=1e9) == 0.5
    assert Budget(minutes=2).progress(10**9, seconds=30) == 0.25
