"""Screen 6 without a screen: past runs in rows, side by side, in files, as points."""
