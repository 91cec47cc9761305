"""Check a checkpoint without loading it, and without running any of its code."""
