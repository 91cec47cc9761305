"""Runs tests that need the program's own interpreter, because they look at values that are not plain.

What a test relies on is compared before the program runs and after the tests: a program that changed it fails.
"""

import builtins
import unittest
from collections.abc import Callable
from types import ModuleType
from typing import Any
from unittest import case, loader, result, suite

from candidate import new_module
from cases import run_cases
from channel import Channel

MODULES = (builtins, unittest, case, loader, result, suite)
WATCHED: tuple[ModuleType | type, ...] = (*MODULES, unittest.TestCase, unittest.TestResult, unittest.TestSuite, Channel)
QUIET = {"_", "__warningregistry__", "_class_cleanups"}


def run(source: str, tests: Callable[[], Any]) -> dict[str, Any]:
    """The verdict: {"passed", "detail"}. The tests are requested only after the program has run."""
    before = _look()
    namespace = vars(new_module("__test__"))
    runner = run_cases
    try:
        exec(compile(source, "<program>", "exec"), namespace)
        if changed := _changed(before):
            return {"passed": False, "detail": f"the program changed {changed}"}
        message = tests()
        exec(compile(message["test"], "<tests>", "exec"), namespace)
        detail = runner(namespace) if message["unittest"] else ""
    except BaseException as error:
        return {"passed": False, "detail": f"{type(error).__name__}: {error}"[:500]}
    if changed := _changed(before):
        detail = f"the program changed {changed}"
    return {"passed": not detail, "detail": detail, "token": message["token"]}


def _look() -> list[dict[str, Any]]:
    return [dict(vars(thing)) for thing in WATCHED]


def _changed(before: list[dict[str, Any]]) -> str:
    """The first name that changed. A module may gain names (`unittest.mock`), a class may not."""
    for thing, known in zip(WATCHED, before, strict=True):
        now = vars(thing)
        names = known if isinstance(thing, ModuleType) else {**known, **now}
        for name in names:
            if name not in QUIET and (name not in known or name not in now or now[name] is not known[name]):
                return f"{thing.__name__}.{name}"
    return ""
