"""One prompt under two option sets: what differs in the text, in the distributions, in speed and in memory."""
