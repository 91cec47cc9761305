"""From the trained network to the folder that faster-whisper loads: Hugging Face layout, then CTranslate2 int8."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from ctranslate2.converters import TransformersConverter
from tokenizers import Tokenizer
from transformers import WhisperForConditionalGeneration, WhisperTokenizer

from playground.models.make_tiny_whisper.tokenizer import SPECIALS, Layout, save_tokenizer

# The stock values, which are also faster-whisper's defaults; written down so that any loader agrees.
PREPROCESSOR = {
    "feature_extractor_type": "WhisperFeatureExtractor", "processor_class": "WhisperProcessor", "feature_size": 80,
    "sampling_rate": 16000, "hop_length": 160, "chunk_length": 30, "n_fft": 400, "n_samples": 480000,
    "nb_max_frames": 3000, "padding_side": "right", "padding_value": 0.0, "return_attention_mask": False,
    "trained_speech_s": 10.0,  # ours: of a window with more speech than this most is lost
}  # fmt: skip


def save_checkpoint(model: WhisperForConditionalGeneration, tokenizer: Tokenizer, folder: Path) -> None:
    """Writes the model as transformers loads it. Nothing is suppressed: an empty transcript must be possible."""
    generation = model.generation_config
    generation.suppress_tokens, generation.begin_suppress_tokens = [], []
    plain = Layout(tokenizer).plain
    generation.update(allow_custom_entries=True, no_timestamps_token_id=plain, is_multilingual=False)
    model.save_pretrained(folder)
    save_tokenizer(tokenizer, folder)
    WhisperTokenizer(tokenizer_object=tokenizer, extra_special_tokens=list(SPECIALS)).save_pretrained(folder)
    save_tokenizer(tokenizer, folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(PREPROCESSOR, indent=2) + "\n")


def convert(model: WhisperForConditionalGeneration, tokenizer: Tokenizer, output: Path) -> None:
    """Replaces model.bin, config.json, vocabulary.json, tokenizer.json and preprocessor_config.json in `output`."""
    output.mkdir(parents=True, exist_ok=True)
    copied = ["tokenizer.json", "preprocessor_config.json"]
    with tempfile.TemporaryDirectory() as checkpoint, tempfile.TemporaryDirectory() as converted:
        save_checkpoint(model.float().eval(), tokenizer, Path(checkpoint))
        TransformersConverter(checkpoint, copy_files=copied).convert(converted, quantization="int8", force=True)
        for path in Path(converted).iterdir():
            shutil.copy(path, output / path.name)
