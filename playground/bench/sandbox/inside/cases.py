"""Runs the unittest classes of a namespace; slow to import, and rarely needed."""

import io
import unittest
from typing import Any


def run_cases(namespace: dict[str, Any]) -> str:
    """Run them; returns why they do not pass, empty if they do."""
    classes = [item for item in namespace.values() if isinstance(item, type) and issubclass(item, unittest.TestCase)]
    found = unittest.TestSuite(unittest.defaultTestLoader.loadTestsFromTestCase(item) for item in classes)
    if not found.countTestCases():
        return "there are no tests"
    outcome = unittest.TextTestRunner(io.StringIO(), failfast=True).run(found)
    faults = [*outcome.failures, *outcome.errors, *((test, "unexpected") for test in outcome.unexpectedSuccesses)]
    ran = outcome.testsRun - len(outcome.skipped)
    if faults:
        return str(faults[0][1]).strip().splitlines()[-1][:500]
    return "" if ran else "every test was skipped"
