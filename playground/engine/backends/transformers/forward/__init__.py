"""One forward: which rows go through it together, and through which code."""
