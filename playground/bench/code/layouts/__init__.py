"""The layouts of task files, one a module: its rows as files on disk have them, and what of them becomes a task."""
