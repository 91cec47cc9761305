"""The code suite: tasks as people have them on disk, answers cut out, run behind walls, counted as pass@k."""
