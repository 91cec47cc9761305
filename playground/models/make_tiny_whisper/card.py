"""The model card: what the model is, how it came to be, what was measured, what it cannot do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from playground.models.make_tiny_whisper.data import JOIN_AFTER_BATCHES
from playground.models.make_tiny_whisper.evaluate import CLEAN_BOUND, NOISY_BOUND, Errors
from playground.models.make_tiny_whisper.voices import ACCENTS, TRAINING_VARIANTS


@dataclass(frozen=True)
class Recipe:
    """What the training run used."""

    seed: int
    windows: int
    steps: int
    parameters: int


@dataclass(frozen=True)
class Measured:
    """Word errors by condition, how many wordless recordings there were, and in which of them words were heard."""

    errors: Mapping[str, Errors]
    wordless: int
    invented: list[str]


CARD = """# tiny-whisper

A speech recognizer in Whisper's architecture that was trained from nothing by this project, on synthetic speech only.
It exists so that "speak a request, get code" works on a machine without a network. It is no general recognizer: it
knows the requests that tiny-coder understands and a few hundred words around them, in English, spoken by espeak-ng.

| | |
|---|---|
| architecture | Whisper: d_model 160, 4 encoder and 2 decoder layers, 4 heads, 1500 source positions, 80 mel bands |
| parameters | {parameters:.2f} million, stored as int8 by CTranslate2 ({size_mb:.1f} MB) |
| tokens | byte-level BPE, 1024 text tokens, then Whisper's special tokens, then 1501 timestamps |
| layout | Whisper's English-only one: the prompt is `<|startoftranscript|>`, no language and no task token |
| output | lower case, no punctuation, numbers as words |

## How it came to be
`python -m playground.models.make_tiny_whisper` retrains it from nothing (needs espeak-ng; about an hour on two free
cores). The scripts lie beside this folder in `make_tiny_whisper/`: read `wordings.py`, `voices.py`, `augment.py`,
`samples.py`, `network.py`, `train.py` in this order.

- Data: {windows:,} windows rendered by espeak-ng: {accents} English accents times {variants} voice variants, 110 to 240
  words a minute, pitch 15 to 85, played up to 8 % faster or slower; 30 % in a room, 40 % through a coloured microphone,
  60 % with noise (white, pink, brown, blue, hum, clicks) at 3 to 35 dB, any gain; 7 % hold no speech at all; one in ten
  holds several sentences with pauses, and in the last {joined_steps} steps a third of the short ones are joined in twos
  to fours. The words: tiny-coder's spoken prompts, requests near them, short commands, loose words.
- Training: {steps} steps of AdamW, batches of 64 s of audio, bfloat16 autocast, seed {seed}, one thread; half of the
  windows with timestamps. Beside the next token, the encoder learns to name the phoneme of every 20 ms, which espeak-ng
  tells exactly; that part is dropped afterwards. Its heads start out looking at fixed distances in time. With random
  heads, a character CTC loss instead and a slower warm-up, 1000 steps gave a WER of 49 % where this gave 18 % (nine
  sentences: a hint, no comparison).
- faster-whisper pads every window to 30 s. Training at that length would take seven times the positions, so a step
  computes the positions with sound and 24 of the silent ones, each weighted in every attention by the number it stands
  for (`network.py`): a fair sample of the full window. No step ran at full length; all figures below did.
- Deterministic for the same seed on the same library versions and processor kind; bfloat16 sums differ elsewhere. These
  weights come from a run that was stopped twice and resumed from its checkpoint, which changes no draw.

## Figures
Measured on the files in this folder through faster-whisper (int8, CPU), on requests, voice variants and speeds that
training never used ({held_out}); the
accents are known ones. WER by jiwer, lower case, nothing else normalized.

| condition | WER | substituted / inserted / deleted | words |
|---|---|---|---|
{rows}

Wordless recordings (digital silence, noise of every kind, 1 to 30 s, -70 to -3 dB): words in {invented} of {wordless}.
The project's tests hold it to at most {clean_bound:.0%} clean and {noisy_bound:.0%} at 10 dB on a small sample.

## Limits
- Human speech was never heard in training or evaluation. Expect many errors: speak slowly and near the microphone.
- Words outside its vocabulary come out as words inside it.
- Timestamps are learned to a tenth of a second. English only; another `language` is ignored.
- Made for one to three sentences at a time. Of a 30 s window full of sentences most are lost, as the last row shows:
  cut recordings at pauses.
- It leans on the wordings it knows: "checks whether a number is prime", which is none of them, becomes "checks if".

## Licence
Weights, tokenizer and scripts are this project's own work, under the project's licence. The speech was made by
espeak-ng (GPL-3.0-or-later), a program that is run, not shipped; no recording of any person and no other
model's weights were used.

Made with {versions}.
"""

LIBRARIES = ("torch", "transformers", "tokenizers", "ctranslate2", "faster-whisper")


def _row(condition: str, errors: Errors) -> str:
    kinds = f"{errors.substitutions} / {errors.insertions} / {errors.deletions}"
    return f"| {condition} | {errors.rate:.1%} | {kinds} | {errors.words} |"


def write_card(folder: Path, recipe: Recipe, measured: Measured, held_out: str) -> None:
    """Writes README.md into the model's folder."""
    text = CARD.format(
        parameters=recipe.parameters / 1e6,
        size_mb=(folder / "model.bin").stat().st_size / 1e6,
        windows=recipe.windows,
        accents=len(set(ACCENTS)),
        variants=len(set(TRAINING_VARIANTS)),
        steps=recipe.steps,
        joined_steps=recipe.steps - JOIN_AFTER_BATCHES,
        seed=recipe.seed,
        held_out=held_out,
        clean_bound=CLEAN_BOUND,
        noisy_bound=NOISY_BOUND,
        rows="\n".join(_row(condition, errors) for condition, errors in measured.errors.items()),
        invented=len(measured.invented),
        wordless=measured.wordless,
        versions=", ".join(f"{library} {version(library)}" for library in LIBRARIES),
    )
    (folder / "README.md").write_text(text, encoding="utf-8")
