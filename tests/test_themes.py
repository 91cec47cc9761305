"""Every shipped theme: readable, with meanings that stay apart, for colour-blind eyes too where a theme says so."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest
from textual.app import App, ComposeResult
from textual.color import Color
from textual.widgets import Label

from playground import paths
from playground.theme import Meanings, ThemeFile, load_theme, load_themes, read_theme, theme_names
from playground.toml_file import ConfigError

SHIPPED = sorted(paths.shipped_folder("themes").glob("*.toml"))
MEANINGS = ("prefill", "decode", "draft", "held", "preempted", "waiting")
Triple = tuple[float, float, float]

# What light becomes where one kind of cone is missing, in linear RGB (Machado, Oliveira, Fernandes 2009, severity 1).
SIGHT: dict[str, tuple[Triple, Triple, Triple]] = {
    "all cones": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "no red": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "no green": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "no blue": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}


def linear(colour: str) -> Triple:
    def channel(value: int) -> float:
        share = value / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

    red, green, blue = (channel(value) for value in Color.parse(colour).rgb)
    return red, green, blue


def luminance(colour: str) -> float:
    red, green, blue = linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """WCAG 2: 1 for none, 21 for black on white."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def lab(colour: str, sight: str) -> Triple:
    """CIE L*a*b* (D65) of a colour as seen."""
    light = linear(colour)
    red, green, blue = (min(1, max(0, sum(k * c for k, c in zip(row, light, strict=True)))) for row in SIGHT[sight])
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.95047
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.08883
    fx, fy, fz = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def difference(one: str, other: str, sight: str) -> float:
    """Delta E 1976: 2.3 is just noticeable side by side."""
    return sum((a - b) ** 2 for a, b in zip(lab(one, sight), lab(other, sight), strict=True)) ** 0.5


@pytest.fixture(params=SHIPPED, ids=lambda path: path.stem)
def theme(request: pytest.FixtureRequest) -> ThemeFile:
    return read_theme(request.param)


def test_the_promised_themes_ship() -> None:
    assert {"dark", "light", "projector", "colour-blind-safe"} <= set(theme_names())


def test_text_can_be_read_on_every_ground(theme: ThemeFile) -> None:
    least = 7 if theme.name == "projector" else 4.5
    for ground in (theme.background, theme.surface, theme.panel):
        for name in ("foreground", "primary", "secondary", "accent", "success", "warning", "error"):
            assert contrast(getattr(theme, name), ground) >= least, (name, ground)


def test_the_ground_is_dark_where_the_theme_says_so(theme: ThemeFile) -> None:
    assert theme.dark == (luminance(theme.background) < luminance(theme.foreground))


def test_each_meaning_and_each_request_can_be_read(theme: ThemeFile) -> None:
    """Hints, digits and letters are written in them. Okabe and Ito's own blue is darker, and only marks and letters."""
    for name, colour in theme.meanings.variables().items():
        fixed = theme.name == "colour-blind-safe" and name.startswith("request")
        for ground in (theme.background, theme.surface, theme.panel):
            assert contrast(colour, ground) >= (3 if fixed else 4.5), (name, colour, ground)


def test_no_two_meanings_or_requests_look_alike(theme: ThemeFile) -> None:
    sights = SIGHT if theme.name == "colour-blind-safe" else ["all cones"]
    meanings = [getattr(theme.meanings, name) for name in MEANINGS]
    for sight in sights:
        for group in ([*meanings, theme.accent], theme.meanings.requests, [theme.success, theme.error]):
            for one, other in combinations(group, 2):
                assert difference(one, other, sight) >= 15, (one, other, sight)


def test_requests_of_the_colour_blind_safe_theme_are_okabe_and_itos() -> None:
    requests = read_theme(paths.shipped_folder("themes") / "colour-blind-safe.toml").meanings.requests
    assert requests[:7] == ["#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7"]


def test_meanings_become_variables_and_back(theme: ThemeFile) -> None:
    variables = theme.to_textual().variables
    assert variables["meaning-prefill"] == theme.meanings.prefill
    assert variables["request-7"] == theme.meanings.requests[7]
    assert Meanings.from_variables(variables) == theme.meanings


@pytest.mark.parametrize("name", [path.stem for path in SHIPPED])
async def test_an_app_shows_the_colours_of_a_meaning(name: str) -> None:
    class Shown(App[None]):
        CSS = "Label { background: $meaning-held; color: $request-3; }"

        def __init__(self) -> None:
            super().__init__()
            self.register_theme(load_theme(name))
            self.theme = name

        def get_theme_variable_defaults(self) -> dict[str, str]:
            return load_theme("dark").variables

        def compose(self) -> ComposeResult:
            yield Label("A")

    app = Shown()
    async with app.run_test():
        meanings = Meanings.from_variables(app.theme_variables)
        styles = app.query_one(Label).styles
        assert styles.background == Color.parse(meanings.held)
        assert styles.color == Color.parse(meanings.requests[3])


def good(name: str) -> str:
    """A theme that is right, as the text of its file."""
    return (paths.shipped_folder("themes") / "dark.toml").read_text().replace('name = "dark"', f'name = "{name}"')


def test_a_users_theme_wins_and_a_bad_one_costs_only_itself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    mine = tmp_path / "playground" / "themes"
    mine.mkdir(parents=True)
    (mine / "light.toml").write_text(good("light").replace("#14161b", "midnightblue"))
    (mine / "neon.toml").write_text("dark = maybe")
    themes, errors = load_themes()
    assert load_theme("light").background == "midnightblue"
    assert [theme.name for theme in themes] == ["colour-blind-safe", "dark", "light", "projector"]
    assert [str(error).split(": ")[0] for error in errors] == [f"{mine / 'neon.toml'}:1"]


@pytest.mark.parametrize(
    ("old", "new", "key", "message"),
    [
        (
            'accent = "#4fb8b3"',
            'accent = "blurple"',
            "accent",
            "cannot be 'blurple'; it takes a colour, such as '#56b4e9'",
        ),
        ('panel = "#21252d"', 'panel = "#21252d80"', "panel", "cannot be '#21252d80'; it takes a colour"),
        ('held = "#e3b341"', 'held = "ansi_yellow"', "meanings.held", "cannot be 'ansi_yellow'; it takes a colour"),
        ('"#e69f00", ', "", "meanings.requests", "it takes a list of text, 8 of them"),
        ('"#e69f00", ', '"", ', "meanings.requests", "cannot be ''; it takes a colour"),
        ("dark = true", 'dark = "yes"', "dark", "cannot be 'yes'; it takes true or false"),
        ('name = "mine"', 'name = "yours"', "name", "cannot be 'yours'; it takes 'mine', as the file is called"),
        ('prefill = "#', 'prefil = "#', "meanings.prefil", "there is no such key; there are: prefill, decode, draft, "),
        ('surface = "#1a1d23"\n', "", "", "surface is missing; it takes text"),
    ],
)
def test_a_wrong_theme_names_file_line_key_and_what_would_do(
    tmp_path: Path, old: str, new: str, key: str, message: str
) -> None:
    text = good("mine").replace(old, new, 1)
    path = tmp_path / "mine.toml"
    path.write_text(text)
    lines = text.split("\n")
    line = next((i for i, line in enumerate(lines, 1) if key and line.startswith(f"{key.split('.')[-1]} = ")), 1)
    with pytest.raises(ConfigError) as caught:
        read_theme(path)
    assert str(caught.value).startswith(f"{path}:{line}: {f'{key}: ' if key else ''}")
    assert message in str(caught.value)
