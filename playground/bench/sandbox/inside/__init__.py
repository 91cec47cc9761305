"""What runs inside the sandbox, with the standard library alone: the checker, and the process that it checks."""
