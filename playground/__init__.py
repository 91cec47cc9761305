"""An inference playground in the terminal: load a model, stream it, flip an optimization, read what it did."""

__version__ = "0.1.0"
