"""One forward: which rows share it, and the code that runs it."""
