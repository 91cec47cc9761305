"""What the Compare screen shows, without Textual: what is compared, how far it is, and what drives it."""
