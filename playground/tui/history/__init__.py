"""Past runs for the History screen, without Textual: as rows, side by side, in files, as points."""
