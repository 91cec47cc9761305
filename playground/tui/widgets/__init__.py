"""Panels: each shows what it is given, and knows nothing of workers, pipes or screens."""
