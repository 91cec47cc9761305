"""`playground serve`."""
