"""Screen 4's panels."""
