"""Every run that was measured, one row each, in a SQLite file of the user's own."""
