"""Panels: each shows what it is handed, and knows nothing of workers, pipes or screens."""
