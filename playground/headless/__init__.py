"""The playground without a screen: commands that fold the same events into text or JSON."""
