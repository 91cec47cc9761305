"""Checks what works on this machine; for what does not, says why and which command fixes it."""
