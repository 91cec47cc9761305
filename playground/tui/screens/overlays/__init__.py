"""What opens over a screen, and gives it an answer."""
