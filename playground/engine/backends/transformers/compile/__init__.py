"""The compiled step, and the compiler that makes it."""
