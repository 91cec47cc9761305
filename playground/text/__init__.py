"""How numbers and foreign text are written, on a screen and without one. Knows neither Textual nor a terminal."""
