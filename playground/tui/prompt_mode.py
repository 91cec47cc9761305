"""The two ways in which a prompt is sent: as text to continue, or through the chat template."""

BASE, CHAT = "base", "chat"
