"""The suites as a screen runs them: a size, rows as they come, a report in the end, and a way to stop."""
