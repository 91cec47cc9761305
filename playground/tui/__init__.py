"""The screen: what the protocol's events look like, and what keys ask for."""

import os

# Twice as many chances to paint a second as Textual's own 60: a key pressed while text streams waits for half as long.
os.environ.setdefault("TEXTUAL_FPS", "120")
