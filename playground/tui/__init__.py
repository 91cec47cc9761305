"""The Textual screens: they draw the protocol's events and turn keys into commands."""

import os

# Twice Textual's own 60 frames a second: a key pressed while text streams waits for half as long.
os.environ.setdefault("TEXTUAL_FPS", "120")
