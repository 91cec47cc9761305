"""What the History screen shows, without Textual: past runs in rows, side by side, in files, as points."""
