"""Speech without Textual: commands to the speech worker, and the way to it."""
