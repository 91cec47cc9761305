"""The layouts of task files, one per module: the rows as the files have them, and how a row becomes a task."""
