"""Every shipped preset, and what a wrong one says."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from playground import paths
from playground.bench.engine import WorkerEngine
from playground.bench.sandbox.confinement import find_confinement
from playground.bench.sandbox.limits import SandboxLimits
from playground.bench.sandbox.sandbox import Program, Sandbox
from playground.models.make_tiny_coder.prompts import LEADS, NUMBER_WORDS, PHRASES
from playground.preset import Preset, View, load_preset, read_preset
from playground.protocol.commands import ChatMessage, GenerationRequest, LoadModel, SamplingParams
from playground.protocol.options import DEFAULTS, EngineOptions, with_changes
from playground.toml_file import ConfigError

SHIPPED = sorted(paths.shipped_folder("presets").glob("*.toml"))
HEAD = 'title = "Mine"\nsummary = "Of mine"\n'


def spoken_requests() -> set[str]:
    """Every request that the bundled model was trained to understand."""
    phrases = {phrase for wordings in PHRASES.values() for phrase in wordings}
    return {f"{lead} {phrase.format(n=word)}" for lead in LEADS for phrase in phrases for word in NUMBER_WORDS.values()}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_preset_loads(path: Path) -> None:
    preset = read_preset(path)
    assert preset.title and preset.summary.endswith(".")
    assert preset.prompts
    assert isinstance(with_changes(DEFAULTS, preset.options), EngineOptions)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_bundled_model_understands_the_prompts_of_a_shipped_preset(path: Path) -> None:
    preset = read_preset(path)
    assert preset.model == "", "a preset that needs a download must not ship"
    short = {prompt for prompt in preset.prompts if "\n" not in prompt}
    assert short and short <= spoken_requests()


def test_the_promised_presets_ship(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    promised = {"default", "low-memory", "fast-start", "lecture-flash-attention", "lecture-kv-cache"}
    assert all(load_preset(name).title for name in promised)
    assert with_changes(DEFAULTS, load_preset("default").options) == DEFAULTS


@pytest.mark.parametrize("name", [path.stem for path in SHIPPED if path.stem.startswith("lecture-")])
def test_a_lecture_shows_the_switch_and_leaves_time_for_it(name: str) -> None:
    preset = read_preset(paths.shipped_folder("presets") / f"{name}.toml")
    assert preset.view == View(big_numbers=True), "toggles, speed, memory and the last switch stand beside each other"
    assert 2000 <= preset.sampling.max_tokens <= 6000, "some ten seconds, well within the context of 8192"


def test_a_whole_preset_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        HEAD + 'model = "/models/x"\nengine = "transformers"\nprompts = ["a", "b"]\n'
        '[options]\nkv_cache = "int8"\nint8_threshold = 5\nprefix_cache = false\ncompile = "on"\nblock_size = 16\n'
        'kv_blocks = 128\n[sampling]\ntemperature = 1\nseed = 7\nstop = ["\\n\\n"]\n'
        '[view]\nscreen = "batching"\nmaximized = "batch"\nbig_numbers = true\n'
    )
    options = {"kv_cache": "int8", "int8_threshold": 5.0, "prefix_cache": False, "compile": True}
    assert read_preset(path) == Preset(
        title="Mine",
        summary="Of mine",
        model="/models/x",
        engine="transformers",
        options=options | {"block_size": 16, "kv_blocks": "128"},
        sampling=SamplingParams(temperature=1.0, seed=7, stop=["\n\n"]),
        view=View(screen="batching", maximized="batch", big_numbers=True),
        prompts=["a", "b"],
    )


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (
            '[options]\nkv_cache = "int3"\n',
            4,
            "options.kv_cache: kv_cache cannot be 'int3'; it takes model, fp8, int8, ",
        ),
        (
            "[options]\nmax_batch = 0\n",
            4,
            "options.max_batch: max_batch cannot be '0'; it takes a number of slots from 1 to 512",
        ),
        (
            "[options]\n\nspeed = 1\n",
            5,
            "options.speed: no toggle is called 'speed'; there are: weights, int8_threshold",
        ),
        (
            "[options]\nadapter = [1]\n",
            4,
            "options.adapter: cannot be [1]; it takes text or a whole number or a number",
        ),
        ("[sampling]\ntop_p = 1.5\n", 4, "sampling.top_p: cannot be 1.5; it takes a number above 0 to 1"),
        ("[sampling]\nseed = -1\n", 4, "sampling.seed: cannot be -1; it takes a whole number from 0"),
        ("[sampling]\nmax_tokens = 0\n", 4, "sampling.max_tokens: cannot be 0; it takes a whole number from 1"),
        (
            "[sampling]\ntop_n = 2\n",
            4,
            "sampling.top_n: there is no such key; there are: max_tokens, temperature, top_k",
        ),
        (
            '[view]\nscreen = "7"\n',
            4,
            "view.screen: cannot be '7'; it takes batching, bench, compare, history, inside, ",
        ),
        (
            '[view]\nmaximized = "a"\n',
            4,
            "view.maximized: cannot be 'a'; it takes \"\", batch, conversation, memory, speed, ",
        ),
        ('engine = "sglang"\n', 3, "engine: cannot be 'sglang'; it takes auto, openai, scripted, transformers, vllm"),
        ('prompts = ["a", ""]\n', 3, "prompts: cannot be ['a', '']; it takes a list of text that is not empty"),
    ],
)
def test_a_wrong_preset_names_file_line_key_and_what_would_do(
    tmp_path: Path, text: str, line: int, message: str
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(HEAD + text)
    with pytest.raises(ConfigError) as caught:
        read_preset(path)
    assert str(caught.value).startswith(f"{path}:{line}: {message}")
    assert str(caught.value).isprintable()


# What the answer to each prompt of a shipped preset must do; the last line of a prompt is what it asks for.
ANSWERS = {
    "adds two numbers": "assert answer(2, 3) == 5",
    "computes the factorial of a number": "assert answer(5) == 120",
    "computes the greatest common divisor": "assert answer(12, 18) == 6",
    "merges two dictionaries": "assert answer({1: 2}, {3: 4}) == {1: 2, 3: 4}",
    "removes duplicates from a list": "assert answer([3, 1, 3]) == [3, 1]",
    "returns the even numbers in a list": "assert answer([1, 2, 4]) == [2, 4]",
    "returns the length of a string": "assert answer('four') == 4",
    "reverses a string": "assert answer('abc') == 'cba'",
    "sorts a list of numbers": "assert answer([3, 1, 2]) == [1, 2, 3]",
    "squares a number": "assert answer(7) == 49",
    "sums the digits of a number": "assert answer(123) == 6",
}


async def test_the_bundled_model_answers_the_prompts_of_shipped_presets_right(tmp_path: Path) -> None:
    """In chat, as the app opens; what comes after the answer in a lecture is left out."""
    load, sandbox = LoadModel(model=str(paths.bundled_model())), Sandbox(find_confinement())
    async with WorkerEngine("transformers", load, tmp_path / "log") as engine:
        for path in SHIPPED:
            preset = read_preset(path)
            sampling = msgspec.structs.replace(preset.sampling, max_tokens=128, ignore_eos=False)
            asked = [
                GenerationRequest(
                    request_id=f"{path.stem}-{at}", messages=[ChatMessage("user", prompt)], sampling=sampling
                )
                for at, prompt in enumerate(preset.prompts)
            ]
            for prompt, answer in zip(preset.prompts, await engine.generate(asked), strict=True):
                wanted = ANSWERS[prompt.rpartition("write a function that ")[2]]
                name = answer.text.removeprefix("def ").partition("(")[0]
                program = Program(program=answer.text, test=f"answer = {name}\n{wanted}", shared=True)
                outcome = await sandbox.run(program, SandboxLimits(seconds=20, cpu_seconds=20))
                assert outcome.status == "passed", f"{path.stem}: {answer.text}: {outcome.detail}"
