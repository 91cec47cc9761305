"""The code suite: tasks from common file layouts, answers extracted, run in a sandbox, counted as pass@k."""
