"""Screen 1."""
