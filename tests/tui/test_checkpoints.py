"""What the model picker finds, and what it passes by."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from playground.tui import checkpoints
from playground.tui.checkpoints import find_checkpoints, find_recognisers, has_chat_template, short_name

Make = Callable[..., Path]


@pytest.fixture(autouse=True)
def places(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("bundled", "here", "cache"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(checkpoints.paths, "bundled_models_folder", lambda: tmp_path / "bundled")
    monkeypatch.setattr(checkpoints.paths, "hub_cache", lambda: tmp_path / "cache")
    monkeypatch.chdir(tmp_path / "here")


def test_checkpoints_come_from_four_places(checkpoint: Make, tmp_path: Path) -> None:
    checkpoint("bundled/tiny", architectures=["LlamaForCausalLM"])
    checkpoint("models/large")
    checkpoint("here/mine")
    checkpoint("cache/models--org--name/snapshots/abc")
    found = {each.name: each for each in find_checkpoints([tmp_path / "models"])}
    assert {name: each.source for name, each in found.items()} == {
        "tiny": "bundled",
        "large": "local",
        "mine": "local",
        "org/name": "hub cache",
    }
    assert found["org/name"].model == "org/name"
    assert found["large"].model == str(tmp_path / "models" / "large")
    assert found["large"].bytes == 2048


def test_a_folder_that_is_itself_a_checkpoint_is_found(checkpoint: Make) -> None:
    folder = checkpoint("one")
    assert [each.model for each in find_checkpoints([folder, folder.parent])] == [str(folder)]


def test_other_models_and_broken_files_are_passed_by(checkpoint: Make, tmp_path: Path) -> None:
    checkpoint("bundled/speech", architectures=["WhisperModel"])
    (checkpoint("bundled/broken") / "config.json").write_text("{")
    (checkpoint("bundled/list") / "config.json").write_text("[1]")
    (checkpoint("bundled/deep") / "config.json").write_text("[" * 100_000)
    (tmp_path / "bundled" / "file").write_text("")
    assert find_checkpoints([tmp_path / "missing"]) == []


def test_a_bundled_model_goes_by_its_name_where_no_path_does(checkpoint: Make, tmp_path: Path) -> None:
    bundled = checkpoint("bundled/tiny")
    (bundled / "chat_template.jinja").write_text("")
    (tmp_path / "bundled" / "scripts").mkdir()
    assert checkpoints.paths.model_folder("tiny") == bundled and has_chat_template(Path("tiny"))
    for other in ("scripts", "org/tiny", "./tiny", "x" * 5000, "~nobody-here/x", "zero\0byte", ""):
        assert tmp_path / "bundled" not in checkpoints.paths.model_folder(other).parents, other
    checkpoint("here/tiny")
    assert checkpoints.paths.model_folder("tiny") == Path("tiny")


def test_recognisers_are_those_in_the_layout_of_ctranslate2(checkpoint: Make, tmp_path: Path) -> None:
    for path in ("bundled/tiny", "folders/large", "here/mine", "cache/models--org--name/snapshots/abc", "folders/half"):
        folder = tmp_path / path
        folder.mkdir(parents=True)
        (folder / "model.bin").write_bytes(b"0" * 9)
        if not path.endswith("half"):
            (folder / "vocabulary.json").write_text("[]")
    checkpoint("folders/llama")
    found = [(each.name, each.source, each.bytes) for each in find_recognisers([tmp_path / "folders"])]
    assert found == [
        ("tiny", "bundled", 9),
        ("large", "local", 9),
        ("mine", "local", 9),
        ("org/name", "hub cache", 9),
    ]
    assert find_recognisers([tmp_path / "folders" / "large"])[1].model == str(tmp_path / "folders" / "large")


def test_a_chat_template_is_seen_before_anything_is_loaded(checkpoint: Make, tmp_path: Path) -> None:
    plain, inline, file = checkpoint("a"), checkpoint("b"), checkpoint("c")
    (inline / "tokenizer_config.json").write_text('{"chat_template": "{{ x }}"}')
    (file / "chat_template.jinja").write_text("{{ x }}")
    assert [has_chat_template(folder) for folder in (plain, inline, file, tmp_path / "no")] == [
        False,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("model", "name"),
    [("/a/b/tiny/", "tiny"), ("org/name", "org/name"), ("./tiny", "tiny"), ("tiny", "tiny"), ("/a/\x1b[31mb", "[31mb")],
)
def test_names_are_short_and_harmless(model: str, name: str) -> None:
    assert short_name(model) == name
