"""The bundled texts are what they say they are."""

from __future__ import annotations

import re

import pytest

from playground import paths
from playground.bench.texts import Text, bundled_texts, held_out_text, read_text, usual_texts


def test_code_english_and_russian_are_there():
    texts = {text.name: text for text in bundled_texts()}
    assert {text.language for text in texts.values()} == {"python", "english", "russian"}
    assert all(2000 < text.size < 10_000 for text in texts.values())


@pytest.mark.parametrize("text", bundled_texts(), ids=lambda text: text.name)
def test_a_text_is_in_its_language(text: Text):
    cyrillic = len(re.findall("[а-яё]", text.content.lower())) / len(text.content)
    assert cyrillic > 0.6 if text.language == "russian" else cyrillic == 0
    if text.language == "python":
        compile(text.content, text.name, "exec")


def test_bytes_and_words():
    text = Text("t", "russian", "prose", "два  слова\n")
    assert (text.words, text.size) == (2, 19)


def test_a_file_of_the_user_and_broken_bytes(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_bytes(b"abc \xff def")
    assert read_text(path).content == "abc \ufffd def" and read_text(path).domain == "–"


def test_the_bundled_model_brings_held_out_text():
    assert held_out_text(str(paths.bundled_model())).size in range(3000, 8000)
    assert held_out_text("somebody/something") is None


@pytest.mark.parametrize("model", ["tiny-coder", str(paths.bundled_model())])
def test_the_models_own_text_comes_first(model: str):
    assert [text.name for text in usual_texts(model)] == ["held-out", *(text.name for text in bundled_texts())]
