"""The numbers of the speed panel, and texts about drafts."""
