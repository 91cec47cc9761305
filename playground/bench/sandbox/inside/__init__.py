"""The code inside the sandbox, on the standard library alone: the checker, and the process that it checks."""
