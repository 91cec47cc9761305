"""What the screens show: folds over commands and events, live or replayed. They know nothing of Textual."""
