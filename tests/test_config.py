"""Settings, and the one-line errors of every file that people edit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec
import pytest
from msgspec import Meta

from playground.config import Settings, load_settings
from playground.preset import load_preset
from playground.toml_file import ConfigError, find_file, named_files, read_toml


class Inner(msgspec.Struct, frozen=True):
    size: Annotated[int, Meta(ge=1, le=9)] = 1
    share: Annotated[float, Meta(gt=0)] = 1.0


class Outer(msgspec.Struct, frozen=True):
    title: str
    kind: Literal["soft", "hard"] = "soft"
    on: bool = False
    names: list[str] = []
    free: dict[str, int] = {}
    inner: Inner = Inner()


@pytest.fixture
def config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A config folder of its own; where config.toml belongs."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "playground").mkdir()
    return tmp_path / "playground" / "config.toml"


def test_without_a_file_the_settings_are_the_defaults(config: Path) -> None:
    assert load_settings() == Settings()


def test_settings_are_read(config: Path) -> None:
    config.write_text(
        'theme = "light"\nmodel_folders = ["~/models"]\n[engines.vllm]\npython = "/opt/vllm/bin/python"\n'
    )
    settings = load_settings()
    assert (settings.theme, settings.preset) == ("light", "default")
    assert settings.engines.vllm.python == "/opt/vllm/bin/python"
    assert settings.model_paths() == [Path.home() / "models"]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (
            '\ncolour = "red"\n',
            2,
            "colour: there is no such key; there are: theme, preset, model_folders, history, engines",
        ),
        ("theme = 3\n", 1, "theme: cannot be 3; it takes text"),
        ('# mine\ntheme = "neon"\n', 2, "theme: no theme is called 'neon'; there are: colour-blind-safe, dark, "),
        ('preset = "x/../y"\n', 1, "preset: no preset is called 'x/../y'; there are: default, fast-start, "),
        ('[engines.vllm]\npython = ["a"]\n', 2, "engines.vllm.python: cannot be ['a']; it takes text"),
        ("engines = 4\n", 1, "engines: cannot be 4; it takes a table with vllm"),
    ],
)
def test_a_wrong_setting_is_told_in_one_line(config: Path, text: str, line: int, message: str) -> None:
    config.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_settings()
    assert str(caught.value).startswith(f"{config}:{line}: {message}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('title = "a"\nkind = "firm"\n', 2, "kind: cannot be 'firm'; it takes hard, soft"),
        ('title = "a"\non = "yes"\n', 2, "on: cannot be 'yes'; it takes true or false"),
        ('title = "a"\n\n[inner]\nsize = 10\n', 4, "inner.size: cannot be 10; it takes a whole number from 1 to 9"),
        ('title = "a"\ninner = { size = 2.5 }', 2, "inner.size: cannot be 2.5; it takes a whole number from 1 to 9"),
        ('title = "a"\ninner.share = nan\n', 2, "inner.share: cannot be nan; it takes a number above 0"),
        ('title = "a"\n[inner]\nshare = inf\n', 3, "inner.share: cannot be inf; it takes a number above 0"),
        ('title = "a"\nfree.b = "x"\n', 2, "free.b: cannot be 'x'; it takes a whole number"),
        ('title = "a"\nnames = [\n  "b",\n  3,\n]\n', 2, "names: cannot be ['b', 3]; it takes a list of text"),
        ('title = """\nkind = "soft"\n"""\nkind = 3\n', 4, "kind: cannot be 3; it takes hard, soft"),
        ('title = "a"\r\n"ki\\u001bnd" = 3\r\n', 2, "'ki\\x1bnd': there is no such key; there are: title, "),
        ("on = true\n", 1, "title is missing; it takes text"),
        ('title = "a"\ntitle = "b"\n', 2, "this is not TOML: Cannot overwrite a value"),
        ('title = "a"\non = tru\n', 2, "this is not TOML: Invalid value"),
        ('title = "a"\nnames = [\n"b",\n', 3, "this is not TOML: "),
        (b'title = "a"\nkind = "\xff"\n', 2, "this is not UTF-8 text"),
    ],
)
def test_errors_name_file_line_key_and_what_would_do(
    tmp_path: Path, text: str | bytes, line: int, message: str
) -> None:
    path = tmp_path / "some.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError) as caught:
        read_toml(path).as_struct(Outer)
    assert str(caught.value).startswith(f"{path}:{line}: {message}")
    assert str(caught.value).isprintable()


def test_a_good_file_becomes_a_struct(tmp_path: Path) -> None:
    path = tmp_path / "some.toml"
    path.write_text('\ufefftitle = "a"\non = true\nfree = { x = 1 }\n[inner]\nshare = 2\n', encoding="utf-8")
    assert read_toml(path).as_struct(Outer) == Outer(title="a", on=True, free={"x": 1}, inner=Inner(share=2.0))


def test_a_missing_file_and_a_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml: No such file or directory$"):
        read_toml(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match=r"Is a directory$"):
        read_toml(tmp_path)


def test_an_earlier_folder_wins(tmp_path: Path) -> None:
    for name in ("mine/b", "mine/a", "shipped/b", "shipped/c"):
        path = tmp_path / f"{name}.toml"
        path.parent.mkdir(exist_ok=True)
        path.touch()
    folders = [tmp_path / "mine", tmp_path / "shipped", tmp_path / "absent"]
    assert list(named_files(folders)) == ["a", "b", "c"]
    assert find_file("preset", "b", folders) == tmp_path / "mine/b.toml"
    with pytest.raises(ConfigError, match=r"^no preset is called '\.\./c'; there are: a, b, c$"):
        find_file("preset", "../c", folders)


def test_a_users_preset_wins_over_the_shipped_one(config: Path) -> None:
    mine = config.parent / "presets" / "default.toml"
    mine.parent.mkdir()
    mine.write_text('title = "Mine"\nsummary = ""\n')
    assert load_preset("default").title == "Mine"
