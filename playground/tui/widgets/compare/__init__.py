"""Screen 3's panels."""
