"""Screen 2's panels."""
