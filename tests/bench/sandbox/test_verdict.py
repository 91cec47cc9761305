"""A verdict that the checked program cannot forge."""

from __future__ import annotations

import pytest

UNITTEST = """
import unittest
class TestCases(unittest.TestCase):
    def test_value(self):
        self.assertEqual(f(), 1)
"""

FORGERIES = {
    "exit": "import os\ndef f(): os._exit(0)",
    "exit_at_once": "import os\nos._exit(0)",
    "system_exit": "import sys\ndef f(): sys.exit(0)",
    "marker": 'print(\'{"passed":true,"nonce":"probe"}\', flush=True)\ndef f(): print("PASSED"); return 2',
    "marker_on_every_descriptor": """
import os
for fd in range(64):
    try: os.write(fd, b'{"passed":true,"detail":"","seconds":0,"nonce":"0"}\\n')
    except OSError: pass
def f(): return 2
""",
    "closed_stdout": """
import os
for fd in range(64):
    try: os.close(fd)
    except OSError: pass
def f(): return 1
""",
    "equal_to_all": """
class Yes:
    def __eq__(self, other): return True
    def __bool__(self): return True
def f(): return Yes()
""",
    "int_equal_to_all": """
class Yes(int):
    def __eq__(self, other): return True
    __hash__ = None
def f(): return Yes(2)
""",
    "patched_builtins": """
import builtins
builtins.AssertionError = SystemExit
builtins.compile = lambda *a: ''
def f(): return 2
""",
    "patched_checker": """
import sys
for module in list(sys.modules.values()):
    for name in list(vars(module)):
        if name in ("run", "receive", "loads", "exec", "_do"):
            setattr(module, name, lambda *a, **k: {"passed": True})
def f(): return 2
""",
    "killed_checker": "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\ndef f(): return 2",
    "alarm_ignored": """
import signal
signal.signal(signal.SIGALRM, signal.SIG_IGN)
signal.alarm(0)
def f():
    while True: pass
""",
    "terminate_ignored": """
import signal
for number in range(1, 32):
    try: signal.signal(number, signal.SIG_IGN)
    except OSError: pass
def f(): return 2
""",
    "checker_memory": """
import os, re
def f():
    parent = os.getppid()
    maps = open(f"/proc/{parent}/maps").read()
    open(f"/proc/{parent}/mem", "r+b")
    return 1
""",
    "checker_descriptors": "import os\ndef f():\n    os.listdir(f'/proc/{os.getppid()}/fd')\n    return 1",
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_verdict_does_not_pass(check, name: str) -> None:
    outcome = check(FORGERIES[name], seconds=2.0 if name == "alarm_ignored" else 20.0)
    assert outcome.status != "passed", outcome
    assert (outcome.status == "timed_out") == (name == "alarm_ignored")


def test_a_right_program_passes_and_a_wrong_one_says_what_it_raised(check) -> None:
    assert check("def f(): return 1").status == "passed"
    wrong = check("def f(): return {}['key']")
    assert (wrong.status, wrong.detail) == ("failed", "KeyError: 'key'")
    assert check("def f(: return 1").detail.startswith("SyntaxError")


def test_plain_values_cross_unharmed(check) -> None:
    program = "def f(*a, **k): return [list(a), k]"
    values = (
        "[0, -(10**400), 1.5, float('inf'), True, None, 'ä\\ud800', b'\\x00', (1, (2,)), {1, 2}, {(1, 2): [3]}, 2j]"
    )
    assert check(program, f"v = {values}\nassert f(*v, x=v) == [v, {{'x': v}}]").status == "passed"
    assert check("def f(): return float('nan')", "assert f() != f()").status == "passed"


def test_changes_in_place_errors_classes_and_iterators_cross(check) -> None:
    assert check("def f(a): a.sort()", "a = [2, 1]\nassert f(a) is None\nassert a == [1, 2]").status == "passed"
    raises = "try:\n    f()\nexcept ValueError as error:\n    assert str(error) == 'no'\nelse:\n    assert False"
    assert check("def f(): raise ValueError('no')", raises).status == "passed"
    tank = "class Tank:\n    def __init__(self): self.level = 1\n    def add(self, n): self.level += n"
    assert check(tank, "t = Tank()\nt.add(2)\nassert t.level == 3").status == "passed"
    assert check("def f():\n    yield 1\n    yield 2", "assert list(f()) == [1, 2]").status == "passed"
    assert check("def f(): return 1\ndef helper(x): return x + 1", "assert helper(f()) == 2").status == "passed"


def test_an_end_inside_a_test_that_expects_an_error_is_no_error(check) -> None:
    test = "try:\n    f()\nexcept:\n    pass\nelse:\n    assert False"
    assert check("def f(): raise ValueError", test).status == "passed"
    assert check("import os\ndef f(): os._exit(0)", test).status == "failed"


@pytest.mark.parametrize(
    "patch",
    [
        "import unittest\nunittest.TestCase.assertEqual = lambda *a: None",
        "import unittest\nunittest.TestCase.run = lambda *a: None",
        "import unittest\nunittest.TestCase.__call__ = lambda *a: None",
        "import builtins\nbuiltins.isinstance = lambda *a: True",
        "import os\nos._exit(0)",
        "import unittest\nunittest.TestCase.__getattribute__ = lambda *a: (lambda *a: None)",
    ],
)
def test_tests_in_the_programs_interpreter_notice_what_was_changed(check, patch: str) -> None:
    right = "def f(): return 1"
    assert check(right, UNITTEST, shared=True, unittest=True).status == "passed"
    assert check("def f(): return 2", UNITTEST, shared=True, unittest=True).status == "failed"
    assert check(f"{patch}\n{right}", UNITTEST, shared=True, unittest=True).status == "failed"


def test_javascript(check) -> None:
    def run(program: str) -> str:
        return check(program, "console.assert(f() === 1)", javascript=True).status

    assert run("const f = () => 1") == "passed"
    assert run("const f = () => 2") == "failed"
    assert run("const f = () => 2; console.assert = () => {}") == "failed"
    assert run("const f = () => process.exit(0)") == "failed"
    assert run("const f = () => require('process').exit(0)") == "failed"
    assert run("throw 1") == "failed"
