"""One prompt under two option sets: differences in text, distributions, speed and memory."""
