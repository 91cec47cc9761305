"""What works on this machine, what does not and why, and the command that mends it."""
