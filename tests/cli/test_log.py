"""Where a fault points to the engine's log: the line names the file, which holds more, and `--debug` prints its end."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from playground import paths

GPTQ = {"quant_method": "gptq", "bits": 4, "group_size": 128}  # transformers wants a library for it that is not here


@pytest.fixture
def model(tmp_path: Path) -> str:
    """A checkpoint that is whole and that transformers refuses to load."""
    folder = shutil.copytree(paths.bundled_model(), tmp_path / "gptq")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"quantization_config": GPTQ}))
    return str(folder)


@pytest.mark.parametrize("words", ["run --prompt x", "bench tokenizer --no-speed", "check"])
def test_the_log_is_named_and_shown_under_debug(playground, model, words):
    plain, debug = (playground(*words.split(), model, *more) for more in ([], ["--debug"]))
    assert plain.code == debug.code == (2 if words == "check" else 1)
    named = re.search(r"the details are in (\S+\.log)", plain.stdout + plain.stderr)
    assert named and "Traceback" in Path(named[1]).read_text() and "Traceback" not in plain.stderr
    assert "Traceback" in debug.stderr and "the log has the details" not in debug.stdout + debug.stderr
