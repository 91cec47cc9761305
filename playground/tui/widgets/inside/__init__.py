"""Screen 5's panels."""
