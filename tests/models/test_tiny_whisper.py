"""The bundled tiny-whisper keeps what its card says, on a small held-out sample spoken on the spot."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("faster_whisper")

from faster_whisper import WhisperModel

from playground.models.make_tiny_whisper.espeak import is_installed
from playground.models.make_tiny_whisper.evaluate import (
    CLEAN_BOUND,
    DEFAULT,
    GREEDY,
    NOISY_BOUND,
    Utterance,
    hear,
    held_out_utterances,
    in_windows,
    load,
    with_noise,
    word_errors,
    words_from_nothing,
)
from playground.models.make_tiny_whisper.network import TrainedWhisper, silent_tail
from playground.models.make_tiny_whisper.tokenizer import Layout

FOLDER = Path(__file__).parents[2] / "playground" / "models" / "tiny-whisper"
SEED = 77
SMALL_SAMPLE = 0.03  # what two dozen sentences may differ by from the card's two hundred

needs_espeak = pytest.mark.skipif(not is_installed(), reason="espeak-ng is not installed: no speech to test")


@pytest.fixture(scope="module")
def model() -> WhisperModel:
    return load(FOLDER)


@pytest.fixture(scope="module")
def utterances() -> list[Utterance]:
    return held_out_utterances(SEED, 24)


def test_is_small_enough_to_bundle() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= 15_000_000


def test_pads_to_the_stock_window(model: WhisperModel) -> None:
    assert model.feature_extractor.nb_max_frames == 3000
    assert model.feature_extractor.mel_filters.shape[0] == 80


def test_tokens_follow_whispers_layout(model: WhisperModel) -> None:
    vocabulary = json.loads((FOLDER / "vocabulary.json").read_text(encoding="utf-8"))
    end = model.hf_tokenizer.token_to_id("<|endoftext|>")
    plain = model.hf_tokenizer.token_to_id("<|notimestamps|>")
    assert not any(token.startswith("<|") for token in vocabulary[:end])
    assert vocabulary[plain + 1] == "<|0.00|>" and vocabulary[-1] == "<|30.00|>"
    assert len(vocabulary) == plain + 1 + 1501 == model.hf_tokenizer.get_vocab_size()


@needs_espeak
def test_hears_held_out_speech(model: WhisperModel, utterances: list[Utterance]) -> None:
    assert word_errors(model, utterances, **GREEDY).rate <= CLEAN_BOUND + SMALL_SAMPLE


@needs_espeak
def test_hears_through_noise(model: WhisperModel, utterances: list[Utterance]) -> None:
    assert word_errors(model, with_noise(utterances, SEED), **GREEDY).rate <= NOISY_BOUND + SMALL_SAMPLE


@needs_espeak
def test_hears_several_sentences_in_one_window(model: WhisperModel, utterances: list[Utterance]) -> None:
    assert word_errors(model, in_windows(utterances[:18], 3), **DEFAULT).rate <= CLEAN_BOUND + SMALL_SAMPLE


@needs_espeak
def test_timestamps_lie_around_the_speech(model: WhisperModel, utterances: list[Utterance]) -> None:
    samples = utterances[0].samples
    segments, _ = model.transcribe(samples, **DEFAULT)
    spoken = list(segments)
    assert spoken[0].start == pytest.approx(0.3, abs=0.3)
    assert spoken[-1].end == pytest.approx(len(samples) / 16_000 - 0.3, abs=0.4)


@pytest.mark.parametrize("settings", [DEFAULT, GREEDY], ids=["defaults", "greedy"])
def test_hears_nothing_in_silence_and_noise(model: WhisperModel, settings: dict[str, object]) -> None:
    assert words_from_nothing(model, SEED, 12, **settings) == []


def test_hears_nothing_in_a_full_window_of_silence(model: WhisperModel) -> None:
    assert hear(model, np.zeros(30 * 16_000, dtype=np.float32), **DEFAULT) == ""


def test_card_names_its_origin_and_licence() -> None:
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert "## Licence" in card and "espeak-ng" in card and "GPL" in card
    assert "python -m playground.models.make_tiny_whisper" in card
    assert "## Limits" in card and "WER" in card


@pytest.mark.parametrize("sounding", [1, 150, 1470, 1499])
def test_silent_tail_stands_for_every_position_once(sounding: int) -> None:
    positions, log_weights = silent_tail(sounding, torch.Generator().manual_seed(SEED))
    assert log_weights.exp().sum().item() == pytest.approx(1500, rel=1e-5)
    assert positions.tolist() == sorted(set(positions.tolist())) and positions[-1] == 1499


def test_training_pass_over_all_positions_is_whispers_own(model: WhisperModel) -> None:
    trained = TrainedWhisper(Layout(model.hf_tokenizer)).eval()
    features, tokens = torch.randn(1, 80, 3000), torch.tensor([[1025, 1032, 5, 6]])
    with torch.no_grad():
        ours, _ = trained(features, tokens, torch.arange(1500), torch.zeros(1500), sounding=1500)
        theirs = trained.whisper(input_features=features, decoder_input_ids=tokens).logits
    torch.testing.assert_close(ours, theirs)
