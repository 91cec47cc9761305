"""Who may import whom, what a process never loads, how large things may grow, and what the tree holds."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "playground"

# The composition root: it alone knows both sides, and nobody imports it.
COMPOSITION = {"__main__", "cli", "app_command", "headless", "doctor"}
WITHOUT_A_SCREEN = {"headless", "doctor"}
MAY_IMPORT: dict[str, set[str]] = {
    "tui": {"client", "session", "telemetry", "bench", "config", "paths", "preset", "theme", "toml_file", "text"}
    | {"protocol"},
    "client": {"config", "logs", "paths", "protocol"},
    "worker": {"engine", "speech", "protocol"},
    "engine": {"paths", "text", "protocol"},
    "speech": {"protocol"},
    "bench": {"client", "session", "telemetry", "paths", "text", "protocol", "synthetic"},
    "session": {"protocol"},
    "telemetry": {"text", "protocol"},
    "preset": {"paths", "protocol", "toml_file"},
    "theme": {"paths", "toml_file"},
    "config": {"paths", "toml_file"},
    "toml_file": set(),
    "logs": {"paths"},
    "paths": set(),
    "text": set(),
    "protocol": set(),
    "models": {"synthetic"},
    "synthetic": set(),
}
HEAVY = {"torch", "transformers", "bitsandbytes", "vllm", "ctranslate2", "sounddevice"}
SCREEN = {"textual", "rich"}
OTHERS_ALLOWED = {"protocol": {"msgspec"}, "paths": {"platformdirs"}, "text": set(), "synthetic": set()}
WITHOUT_A_MODEL = ("blocks", "core", "detokenizer", "request", "scheduler", "simulator")

# app -> screens -> widgets -> all the rest of tui.
TUI_ORDER = {"app": 3, "screens": 2, "widgets": 1}
TUI_TALKS_TO_WORKERS = {
    "tui.bridge",
    "tui.voice.bridge",
}  # one for each process; the first folds

# It imports vLLM only once a model is to be loaded.
VLLM_LATE = "playground.engine.backends.vllm.backend"

FILE_LINES, FUNCTION_LINES = {"playground": 280, "tests": 400}, 40
CLASS_LINES = {"App": 200, "Screen": 300, "ModalScreen": 300, "BaseScreen": 300}
TOP = {"pyproject.toml", "README.md", "LICENSE", "playground", "themes", "presets", "tests"}
MACHINE_PATH = re.compile(r"(?<![\w.~-])/(?:root|work|home|Users)/\w")


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in it; `from package import name` may name a module as well."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names if _is_module(node.module, alias.name))


def _is_module(package: str | None, name: str) -> bool:
    at = ROOT.joinpath(*(package or "").split("."), name)
    return at.is_dir() or at.with_suffix(".py").is_file()


def part(name: str) -> str:
    """The part of the package that a module belongs to; empty for the package itself and for what is not ours."""
    ours, _, rest = name.partition(".")
    return rest.partition(".")[0] if ours == "playground" else ""


@cache
def edges() -> list[tuple[str, str]]:
    return [(module_name(path), name) for path in sources("playground") for name in imported(path)]


def test_the_graph_is_not_empty():
    assert ("playground.client", "playground.protocol.wire") in edges()
    assert ("playground.worker.roles", "playground.engine.backends.registry") in edges(), "a deferred import"


def test_every_part_of_the_package_has_its_rule():
    parts = {part(module_name(path)) for path in sources("playground")} - {""}
    assert parts <= COMPOSITION | set(MAY_IMPORT)


def test_parts_import_only_what_they_may():
    wrong = [
        f"{source} -> {target}"
        for source, target in edges()
        if (to := part(target)) and (of := part(source)) not in COMPOSITION and to not in MAY_IMPORT[of] | {of}
    ]
    assert wrong == []


def test_commands_without_a_screen_know_none():
    known = {source for source, target in edges() if part(target) == "tui"}
    assert {source for source in known if part(source) in WITHOUT_A_SCREEN} == set()


def test_foreign_packages_stay_on_their_side():
    def foreign(name: str) -> str:
        return name.partition(".")[0]

    ui = COMPOSITION | set(MAY_IMPORT) - {"worker", "engine", "speech", "models"}
    wrong = [
        (source, target)
        for source, target in edges()
        if (foreign(target) in HEAVY and part(source) in ui - {"doctor"})
        or (foreign(target) in SCREEN and part(source) in {"worker", "engine", "speech", "protocol"})
        or (
            (allowed := OTHERS_ALLOWED.get(part(source))) is not None
            and foreign(target) not in sys.stdlib_module_names | allowed | {"playground"}
        )
    ]
    assert wrong == []


def test_the_loop_and_its_policies_know_no_model():
    names = {f"playground.engine.{name}" for name in WITHOUT_A_MODEL}
    ours = {target for source, target in edges() if source in names and part(target) == "engine"}
    assert not any("backends" in name for name in ours)
    others = {target.partition(".")[0] for source, target in edges() if source in names} - {"playground"}
    assert others <= sys.stdlib_module_names


def test_the_screens_are_built_from_the_top_down():
    def rank(name: str) -> int:
        return TUI_ORDER.get(name.split(".")[2], 0) if name.count(".") >= 2 else 0

    wrong = [
        f"{source} -> {target}"
        for source, target in edges()
        if part(source) == part(target) == "tui" and rank(target) > rank(source)
    ]
    assert wrong == []


def test_the_bridge_alone_talks_to_workers():
    who = {source.partition(".")[2] for source, target in edges() if part(source) == "tui" and part(target) == "client"}
    assert who <= TUI_TALKS_TO_WORKERS


def loaded_by(*modules: str) -> set[str]:
    """The top names in `sys.modules` after importing modules in a fresh process."""
    code = f"import sys, {', '.join(modules)}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(result.stdout.split())


def test_the_ui_process_loads_no_engine():
    loaded = loaded_by("playground.cli", "playground.tui.app", "playground.client")
    assert "textual" in loaded and not loaded & (HEAVY | {"numpy"})


def test_headless_loads_no_screen():
    assert "textual" not in loaded_by(*(module_name(path) for path in sources("playground/headless")))


def test_a_worker_loads_no_screen():
    names = [module_name(path) for path in sources("playground/worker", "playground/engine", "playground/speech")]
    needs_vllm = {source for source, target in edges() if target.partition(".")[0] == "vllm"}
    needs_vllm |= {source for source, target in edges() if target in needs_vllm and source != VLLM_LATE}
    needs_vllm |= {source for source, target in edges() if target in needs_vllm and source != VLLM_LATE}
    loaded = loaded_by(*(name for name in names if name not in needs_vllm or find_spec("vllm")))
    assert "torch" in loaded and "textual" not in loaded


def test_the_loop_and_a_worker_of_the_scripted_engine_load_no_torch():
    loop = [f"playground.engine.{name}" for name in WITHOUT_A_MODEL]
    assert not loaded_by("playground.worker.__main__", "playground.engine.backends.scripted.backend", *loop) & (
        HEAVY | SCREEN
    )


@pytest.mark.parametrize(("folder", "most"), FILE_LINES.items())
def test_files_stay_small(folder, most):
    styles = (ROOT / folder).rglob("*.tcss")
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in [*sources(folder), *styles]}
    assert {path: count for path, count in lines.items() if count > most} == {}


def test_functions_and_screens_stay_small():
    large = []
    for path in sources("playground"):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                limit = FUNCTION_LINES
            elif isinstance(node, ast.ClassDef):
                bases = {ast.unparse(base).partition("[")[0].rpartition(".")[2] for base in node.bases}
                limit = min((CLASS_LINES[base] for base in bases & set(CLASS_LINES)), default=FILE_LINES["playground"])
            else:
                continue
            if (size := (node.end_lineno or 0) - node.lineno + 1) > limit:
                large.append(f"{path.name}:{node.lineno} {node.name} has {size} lines, at most {limit}")
    assert large == []


@cache
def tracked() -> list[Path]:
    """What version control holds."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [Path(name) for name in names.split("\0") if name]


def test_the_top_of_the_tree_holds_what_it_should():
    tops = {path.parts[0] for path in tracked()}
    assert {top for top in tops if not top.startswith(".")} - TOP == set()


def test_no_file_names_a_path_of_somebodys_machine():
    found = []
    for path in tracked():
        try:
            text = (ROOT / path).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue
        found += [f"{path}: {line.strip()[:100]}" for line in text.splitlines() if MACHINE_PATH.search(line)]
    assert found == []
