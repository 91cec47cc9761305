"""Toggles without a screen: what each could be next, and what a switch did."""
