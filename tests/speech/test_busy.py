"""A sound card that another program holds: a device of ALSA that fails to open with EBUSY, as a card does, under the
real PortAudio. No card is needed for it: when it is free, what it hears is the virtual microphone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DEVICE = r"""
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>
int snd_pcm_open(void **pcm, const char *name, int stream, int mode);
int _snd_pcm_card_open(void **pcm, const char *name, void *root, void *config, int stream, int mode) {
  int held = open(getenv("CARD"), O_RDWR | O_CREAT, 0600), taken = flock(held, LOCK_SH | LOCK_NB);
  close(held);
  return taken ? -EBUSY : snd_pcm_open(pcm, "pulse", stream, mode);
}
char __snd_pcm_card_open_dlsym_pcm_001;
"""
CONFIGURATION = """
pcm_type.card {{ lib "{library}" open "_snd_pcm_card_open" }}
pcm.card {{ type card }}
pcm.pulse {{ type pulse }}
pcm.!default {{ type pulse }}
"""
LISTEN = """
import fcntl, os, sys
from playground.speech import microphone, recorder
from playground.speech.faults import SpeechError

def listen():
    try:
        recorder.Recorder(lambda: None, "card").close()
        print("heard")
    except SpeechError as error:
        print(f"{error.message} | {error.advice}")

def take():
    other = open(os.environ["CARD"], "w")
    fcntl.flock(other, fcntl.LOCK_EX)
    return other

listen()
find_input = microphone.find_input
def found_and_taken(name):
    found = find_input(name)
    others.append(take())
    return found
others = []
microphone.find_input = found_and_taken
listen()
microphone.find_input = find_input
listen()
others.clear()
listen()
"""


@pytest.fixture
def card(microphone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device called `card`, for processes that start now; whoever locks the file `CARD` holds it."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed: no device of our own")
    (tmp_path / "card.c").write_text(DEVICE)
    library = tmp_path / "card.so"
    command = ["gcc", "-shared", "-fPIC", "-o", str(library), str(tmp_path / "card.c"), "-l:libasound.so.2"]
    subprocess.run(command, check=True, capture_output=True)
    (tmp_path / "asound.conf").write_text(CONFIGURATION.format(library=library))
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(tmp_path / "asound.conf"))
    monkeypatch.setenv("CARD", str(tmp_path / "held"))


@pytest.mark.usefixtures("card")
def test_a_card_that_another_program_holds_is_busy_and_free_again_afterwards():
    run = subprocess.run(
        [sys.executable, "-c", LISTEN], env=os.environ, capture_output=True, text=True, timeout=120, check=True
    )
    free, taken, held, free_again = run.stdout.splitlines()
    assert free == free_again == "heard"
    assert taken.startswith("card is busy: another program holds it | close that program") and "sound file" in taken
    # PortAudio does not list what is held when it looks.
    assert held.startswith("no microphone is called 'card' now | it is unplugged or another program holds it")
    assert "pulse" in held
