"""The cost of one attention call over length, kernel by kernel."""
