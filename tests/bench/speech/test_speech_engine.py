"""The recogniser's process dies between two recordings."""

from __future__ import annotations

import asyncio

import pytest

from playground import paths
from playground.bench.engine import EngineFailed
from playground.bench.speech.manifest import BUNDLED, read_manifest
from playground.bench.speech.speech_engine import SpeechEngine
from playground.bench.speech.words import SpeechSuite
from playground.protocol.speech import SpeechOptions


async def test_a_recogniser_that_dies_ends_the_suite_with_what_was_heard(tmp_path):
    options = SpeechOptions(model=str(paths.bundled_model("tiny-whisper")))
    suite = SpeechSuite(read_manifest(BUNDLED)[:4], options, "basic")
    async with SpeechEngine(tmp_path / "log") as engine:
        with pytest.raises(EngineFailed, match="the speech process ended"):
            async with asyncio.timeout(30):
                async for _ in suite.run(engine):
                    engine._client.kill()
        assert [hearing.fault for hearing in suite.hearings] == [""], "what was heard stays, and no more is asked"
        with pytest.raises(EngineFailed, match="the speech process ended"):
            async with asyncio.timeout(5):
                await engine.transcribe(suite.recordings[0].path, options)
