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


RIGHT, WRONG = "def f(): return 1", "def f(): return 2"
# Of a program that is wrong; each would pass if what it does were believed.
ATTACKS = {
    "assertion": "import unittest\nunittest.TestCase.assertEqual = lambda *a: None",
    "run": "import unittest\nunittest.TestCase.run = lambda *a: None",
    "call": "import unittest\nunittest.TestCase.__call__ = lambda *a: None",
    "attribute": "import unittest\nunittest.TestCase.__getattribute__ = lambda *a: (lambda *a: None)",
    "builtin": "import builtins\nbuiltins.isinstance = lambda *a: True",
    "exit": "import os\nos._exit(0)",
    "exit_at_the_end": "import atexit, os\natexit.register(os._exit, 0)",
    "marker": 'print("OK"); print(\'{"passed":true,"nonce":"0","detail":"","seconds":0}\', flush=True)',
    "checker": """
import shared, unittest
shared._changed = lambda before: ""
unittest.TestCase.run = lambda *a: None
""",
    "frames": """
import sys
frame = sys._getframe()
while frame:
    for name in ("_changed", "run_cases", "runner"):
        if name in frame.f_globals:
            frame.f_globals[name] = lambda *a: ""
    frame = frame.f_back
""",
    "trace": """
import sys
def forge(frame, event, argument):
    if frame.f_code.co_name in ("run_cases", "_changed"):
        frame.f_locals["return"] = ""
    return forge
sys.settrace(forge)
import unittest
unittest.TestCase.assertEqual = lambda *a: None
""",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_unittest_classes_are_out_of_a_programs_reach(check, attack: str) -> None:
    """What a program does to unittest, to its own process or to what it prints changes no test: they run elsewhere."""
    outcome = check(f"{ATTACKS[attack]}\n{WRONG}", UNITTEST, unittest=True)
    assert outcome.status == "failed", outcome


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_context_that_runs_the_program_is_out_of_its_reach(check, attack: str) -> None:
    """As DS-1000's: the tests hold the program as text, and run it where nothing else is."""
    outcome = check("", context(f"{ATTACKS[attack]}\nresult = 2"), context=True)
    assert outcome.status == "failed", outcome


def test_apart_a_right_program_passes_whatever_it_does_to_unittest(check) -> None:
    patch = ATTACKS["run"]
    assert check(RIGHT, UNITTEST, unittest=True).status == "passed"
    assert check(f"{patch}\n{RIGHT}", UNITTEST, unittest=True).status == "passed", "it harms nobody but itself"
    assert check("", context("result = 1"), context=True).status == "passed"
    none = check(RIGHT, "import unittest\nclass T(unittest.TestCase):\n    pass\n", unittest=True)
    assert (none.status, none.detail) == ("failed", "there are no tests")


def context(solution: str) -> str:
    """Tests in the layout of DS-1000."""
    code = "\n[insert]\n".replace("[insert]", solution)
    return f"""
def test_execution(solution):
    env = {{"test_input": 1}}
    exec(solution, env)
    assert env["result"] == 1
test_execution({code!r})
"""


def test_arrays_cross_as_their_bytes(check) -> None:
    pytest.importorskip("numpy")
    program = "import numpy\ndef f(a): return a.T * 2, a.sum(), a > 1"
    test = """
import numpy
whole, total, large = f(numpy.arange(6.0).reshape(2, 3))
numpy.testing.assert_array_equal(whole, [[0, 6], [2, 8], [4, 10]])
assert total == 15 and large.dtype == bool and large.sum() == 4
"""
    assert check(program, test).status == "passed"
    forged = "import numpy\nclass Yes(numpy.ndarray):\n    def __eq__(self, other): return True\n"
    forged += "def f(): return numpy.zeros(3).view(Yes)"
    assert check(forged, "import numpy\nassert (f() == numpy.ones(3)).all()").status == "failed"
    objects = "import numpy\ndef f(): return numpy.array([[], 1], dtype=object)"
    assert check(objects, "assert (f() == [[], 1]).all()").status == "failed", "no array of objects crosses"


def test_a_test_that_catches_the_end_of_its_time_is_timed_out(check) -> None:
    swallowing = "try:\n    f()\nexcept BaseException:\n    pass\n"
    assert check("def f():\n    while True: pass", swallowing, seconds=1.0).status == "timed_out"
    assert check("def f():\n    while True: pass", UNITTEST, seconds=1.0, unittest=True).status == "timed_out"


@pytest.mark.parametrize("attack", ["assertion", "run", "call", "attribute", "builtin", "exit"])
def test_tests_in_the_programs_interpreter_notice_what_was_changed(check, attack: str) -> None:
    assert check(RIGHT, UNITTEST, shared=True, unittest=True).status == "passed"
    assert check(WRONG, UNITTEST, shared=True, unittest=True).status == "failed"
    assert check(f"{ATTACKS[attack]}\n{RIGHT}", UNITTEST, shared=True, unittest=True).status == "failed"


def test_javascript(check) -> None:
    def run(program: str) -> str:
        return check(program, "console.assert(f() === 1)", javascript=True).status

    assert run("const f = () => 1") == "passed"
    assert run("const f = () => 2") == "failed"
    assert run("const f = () => 2; console.assert = () => {}") == "failed"
    assert run("const f = () => process.exit(0)") == "failed"
    assert run("const f = () => require('process').exit(0)") == "failed"
    assert run("throw 1") == "failed"


FORGED_JAVASCRIPT = {
    "function": "JSON.stringify = () => 'x'",
    "binding": "const JSON = {stringify: () => 'x'}",
    "global": "globalThis.JSON = {stringify: () => 'x'}",
    "prototype": "Array.prototype.every = () => true; Array.prototype.toJSON = () => 'x'",
    "hook": "Object.prototype.toJSON = () => 'x'",
    "late": "const late = () => { JSON.stringify = () => 'x' }",
}


@pytest.mark.parametrize("attack", FORGED_JAVASCRIPT)
def test_javascript_that_changes_what_its_tests_rely_on_does_not_pass(check, attack: str) -> None:
    test = "const got = f(); console.assert(JSON.stringify(got) === JSON.stringify([1, 2]))"
    assert check("const f = () => [1, 2]", test, javascript=True).status == "passed"
    helper = "Array.prototype.first = function () { return this[0] }; const f = () => [[1].first(), 2]"
    assert check(helper, test, javascript=True).status == "passed", "no test relies on what is new"
    wrong = "const f = () => { if (typeof late !== 'undefined') late(); return {} }"
    outcome = check(f"{FORGED_JAVASCRIPT[attack]}\n{wrong}", test, javascript=True)
    assert outcome.status == "failed" and "the program changed" in outcome.detail, outcome


def test_a_program_that_answers_for_its_tests_is_noticed(check) -> None:
    forged = """
import sys
Channel = sys.modules["channel"].Channel
receive = Channel.receive
def forge(self):
    message = receive(self)
    if isinstance(message, dict) and "token" in message:
        self.send({"passed": True, "detail": "", "token": message["token"]})
    return message
Channel.receive = forge
"""
    outcome = check(f"{forged}\n{WRONG}", "assert f() == 1", shared=True)
    assert outcome.status == "failed" and outcome.detail == "the program changed Channel.receive"
