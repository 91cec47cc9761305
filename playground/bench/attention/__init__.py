"""What one attention call costs over length, kernel by kernel."""
