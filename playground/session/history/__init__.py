"""Every measured run, one row each, in a SQLite file of the user."""
