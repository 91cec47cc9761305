"""Formats numbers and foreign text, for a screen and without one. Knows neither Textual nor a terminal."""
