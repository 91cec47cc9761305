"""Reports and runs of the history as self-contained HTML pages."""
