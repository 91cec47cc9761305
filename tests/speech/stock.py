"""Folders laid out like the published Whispers, in CTranslate2's format, with random weights: they load and run as the
real ones do, and hear nothing sensible."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from ctranslate2.converters import TransformersConverter
from faster_whisper.tokenizer import _LANGUAGE_CODES
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, WhisperConfig, WhisperForConditionalGeneration

TEXT_TOKENS = 50_256  # and an empty one where more than English is known: CTranslate2 tells them apart by it
LANGUAGES = {80: 99, 128: 100}  # large-v3 brought Cantonese together with its 128 bands


def make_stock_whisper(folder: Path, mels: int, english: bool = False) -> Path:
    """A Whisper of two layers with `mels` bands and the published number of tokens, multilingual or not."""
    torch.manual_seed(0)
    tokenizer, tokens = _tokenizer(LANGUAGES[mels], english)
    config = WhisperConfig(
        vocab_size=len(tokens) + 1501,
        num_mel_bins=mels,
        d_model=32,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
    )
    model = WhisperForConditionalGeneration(config)
    generation = model.generation_config
    generation.suppress_tokens, generation.begin_suppress_tokens = [], [220, tokens.index("<|endoftext|>")]
    generation._from_model_config = False  # else what is set here is forgotten in loading
    if not english:
        generation.lang_to_id = {token: id_ for id_, token in enumerate(tokens) if token[2:-2] in _LANGUAGE_CODES}
    checkpoint = folder / "checkpoint"
    model.save_pretrained(checkpoint)
    # transformers' own class for Whisper would build the vocabulary anew, and lose most of it.
    PreTrainedTokenizerFast(tokenizer_object=tokenizer).save_pretrained(checkpoint)
    (checkpoint / "preprocessor_config.json").write_text(json.dumps({"feature_size": mels}))
    copied = ["tokenizer.json", "preprocessor_config.json"]
    converter = TransformersConverter(str(checkpoint), copy_files=copied)
    name = f"whisper-{mels}{'.en' * english}"
    return Path(converter.convert(str(folder / name), quantization="int8"))


def _tokenizer(languages: int, english: bool) -> tuple[Tokenizer, list[str]]:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = [*alphabet, *(f"w{index}" for index in range(TEXT_TOKENS - len(alphabet)))]
    words += [] if english else [""]
    tokenizer = Tokenizer(models.BPE({word: index for index, word in enumerate(words)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    names = ["endoftext", "startoftranscript", *_languages(languages), "translate", "transcribe"]
    names += ["startoflm", "startofprev", "nocaptions", "notimestamps"]
    specials = [f"<|{name}|>" for name in names]
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in specials])
    return tokenizer, [*words, *specials]


def _languages(count: int) -> list[str]:
    """English first and Cantonese last, as published."""
    return ["en", *(code for code in _LANGUAGE_CODES if code not in ("en", "yue")), "yue"][:count]
