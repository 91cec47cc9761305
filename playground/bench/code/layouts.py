"""The layouts of task files, each as its own files on disk have it, and what of it becomes a task."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import Any

import msgspec

from playground.bench.code.request import chat_request
from playground.bench.code.task import Layout, Task

NAME = re.compile(r"^\s*(?:async\s+)?(?:def|class)\s+(\w+)", re.MULTILINE)
JAVASCRIPT_NAME = re.compile(r"(?:const|let|var|function)\s+(\w+)")
INSERT = "[insert]"


class HumanEval(msgspec.Struct, frozen=True, kw_only=True):
    """HumanEval and HumanEval+; EvalPlus's own files, of MBPP+ too, have inputs in place of tests."""

    task_id: str
    prompt: str
    entry_point: str
    canonical_solution: str
    test: str = ""
    base_input: list[list[Any]] | None = None
    plus_input: list[list[Any]] | None = None
    atol: float = 0.0
    band: str = ""


class HumanEvalX(msgspec.Struct, frozen=True, kw_only=True):
    """HumanEval-X; the language stands before the slash of the id."""

    task_id: str
    prompt: str
    declaration: str
    canonical_solution: str
    test: str


class Mbpp(msgspec.Struct, frozen=True, kw_only=True):
    """MBPP (`text`; sanitized: `prompt`) and MBPP+ (`prompt`, `test` with all its inputs). The challenge tests of MBPP
    are left out, as they are in published figures."""

    task_id: int | str
    code: str
    test_list: list[str]
    text: str = ""
    prompt: str = ""
    test_setup_code: str = ""
    test_imports: list[str] = []
    test: str = ""


class BigCodeBench(msgspec.Struct, frozen=True, kw_only=True):
    """BigCodeBench; `libs` is a list, or one written as text."""

    task_id: str
    complete_prompt: str
    instruct_prompt: str
    canonical_solution: str
    test: str
    entry_point: str
    libs: list[str] | str = []
    code_prompt: str = ""


class Ds1000(msgspec.Struct, frozen=True, kw_only=True):
    """DS-1000; the context defines `test_execution` and sometimes `test_string`."""

    prompt: str
    reference_code: str
    code_context: str
    metadata: dict[str, Any] = {}


def from_humaneval(row: HumanEval, number: int) -> Task:
    """A task whose tests define `check(candidate)`."""
    canonical = row.prompt + row.canonical_solution
    test = row.test or _compare_inputs(row, canonical)
    calls = f"{test}\ncheck({row.entry_point})\n"
    return _task(row.task_id, "HumanEval", row.prompt, row.entry_point, canonical, calls, stratum=row.band)


def from_humaneval_x(row: HumanEvalX, number: int) -> Task:
    """A task whose tests call what they test themselves."""
    language = row.task_id.partition("/")[0]
    if language not in ("Python", "JavaScript"):
        raise ValueError(f"this task is in {language}; Python and JavaScript can be run")
    javascript = language == "JavaScript"
    names = (JAVASCRIPT_NAME if javascript else NAME).findall(row.declaration)
    canonical = row.prompt + row.canonical_solution
    task = _task(row.task_id, "HumanEval-X", row.prompt, names[-1] if names else "", canonical, row.test)
    request = chat_request(row.prompt, language)
    return msgspec.structs.replace(task, javascript=javascript, stratum=language, request=request)


def from_mbpp(row: Mbpp, number: int) -> Task:
    """A task told in words, with assertions."""
    words, name = row.text or row.prompt, _tested(row.test_list, row.code)
    shown = "\n".join(row.test_list)
    prompt = f'"""\n{words.strip()}\n{shown}\n"""\n'
    setup = "\n".join([*row.test_imports, row.test_setup_code])
    tests = row.test or "\n".join(row.test_list)
    request = f"{words.strip()}\nThe code should pass these tests:\n{shown}"
    task = _task(f"MBPP/{row.task_id}", "MBPP", prompt, name, row.code, f"{setup}\n{tests}\n")
    return msgspec.structs.replace(task, request=request, before=setup.strip())


def from_bigcodebench(row: BigCodeBench, number: int) -> Task:
    """A task with unittest classes and libraries."""
    canonical = (row.code_prompt or row.complete_prompt) + row.canonical_solution
    libs = ast.literal_eval(row.libs) if isinstance(row.libs, str) else row.libs
    task = _task(row.task_id, "BigCodeBench", row.complete_prompt, row.entry_point, canonical, row.test)
    libs = tuple(dict.fromkeys((*map(str, libs), *task.libs)))
    before = f"{row.code_prompt.rstrip()}\n    pass\n" if row.code_prompt else ""
    more = {"request": row.instruct_prompt, "libs": libs, "before": before, "unittest": True}
    return msgspec.structs.replace(task, stratum=libs[0] if libs else "", **more)


def from_ds1000(row: Ds1000, number: int) -> Task:
    """A task whose context runs the code that fills its hole."""
    library = str(row.metadata.get("library", ""))
    task_id = f"DS-1000/{row.metadata.get('problem_id', number)}"
    test = f"{row.code_context}\ntest_execution(_solution)\n"
    if "def test_string(" in row.code_context:
        test += "test_string(_solution)\n"
    task = _task(task_id, "DS-1000", row.prompt, "", row.reference_code, test)
    libs = (*task.libs, *_imports(_within(row.code_context)))
    more = {"libs": tuple(dict.fromkeys(libs)), "stratum": library, "continues": False, "request": row.prompt}
    # A picture that both sides can write to is no evidence apart.
    return msgspec.structs.replace(task, shared="savefig" in row.code_context, **more)


# What a layout is known by, the most telling keys first, and how its rows become tasks.
LAYOUTS: tuple[tuple[Layout, frozenset[str], type[msgspec.Struct], Callable[..., Task]], ...] = (
    ("DS-1000", frozenset({"code_context", "reference_code"}), Ds1000, from_ds1000),
    ("BigCodeBench", frozenset({"complete_prompt", "instruct_prompt"}), BigCodeBench, from_bigcodebench),
    ("HumanEval-X", frozenset({"declaration", "canonical_solution"}), HumanEvalX, from_humaneval_x),
    ("HumanEval", frozenset({"entry_point", "canonical_solution"}), HumanEval, from_humaneval),
    ("MBPP", frozenset({"code", "test_list"}), Mbpp, from_mbpp),
)


def _task(task_id: str, layout: Layout, prompt: str, entry: str, canonical: str, test: str, stratum: str = "") -> Task:
    return Task(
        task_id=task_id,
        layout=layout,
        prompt=prompt,
        request=chat_request(prompt, "Python"),
        entry_point=entry,
        canonical=canonical,
        test=test,
        libs=_imports(test, canonical),
        stratum=stratum,
    )


def _compare_inputs(row: HumanEval, canonical: str) -> str:
    """Tests that compare with the reference on EvalPlus's inputs. JSON made lists of their tuples: where the reference
    cannot take a list, both get tuples. Of a root that is asked for, any will do."""
    inputs = [*(row.base_input or []), *(row.plus_input or [])]
    return (
        f"_reference = {{}}\nexec({canonical!r}, _reference)\n"
        "def _near(a, b):\n"
        "    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):\n"
        "        return len(a) == len(b) and all(map(_near, a, b))\n"
        f"    return a == b or (isinstance(b, float) and abs(a - b) <= max({row.atol!r}, 1e-6 * abs(b)))\n"
        "def _right(found, expected, given):\n"
        f"    if {row.entry_point!r} == 'find_zero':\n"
        "        return abs(sum(factor * found**power for power, factor in enumerate(given[0]))) < 1e-4\n"
        "    return _near(found, expected)\n"
        "def _tuples(value):\n"
        "    return tuple(map(_tuples, value)) if isinstance(value, list) else value\n"
        "def check(candidate):\n"
        "    from copy import deepcopy\n"
        f"    for given in {inputs!r}:\n"
        "        try:\n"
        f"            expected = _reference[{row.entry_point!r}](*deepcopy(given))\n"
        "        except TypeError:\n"
        "            given = _tuples(given)\n"
        f"            expected = _reference[{row.entry_point!r}](*deepcopy(given))\n"
        "        assert _right(candidate(*deepcopy(given)), expected, given), f'on {given!r}'\n"
    )


def _tested(tests: list[str], code: str) -> str:
    """The function of `code` that the tests name."""
    names: list[str] = NAME.findall(code)
    named = [name for name in names if any(re.search(rf"\b{re.escape(name)}\b", test) for test in tests)]
    return (named or names or [""])[-1]


def _within(context: str) -> str:
    """The code that a context of DS-1000 keeps as text around its hole."""
    try:
        tree = ast.parse(context)
    except SyntaxError:
        return ""
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return "\n".join(text.replace(INSERT, "pass") for text in texts if INSERT in text)


def _imports(*sources: str) -> tuple[str, ...]:
    """The packages that code imports; of code that does not parse, none."""
    found: dict[str, None] = {}
    for source in sources:
        try:
            nodes = list(ast.walk(ast.parse(source)))
        except (SyntaxError, ValueError):
            continue
        for node in nodes:
            if isinstance(node, ast.Import):
                found.update({alias.name.partition(".")[0]: None for alias in node.names})
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found[node.module.partition(".")[0]] = None
    return tuple(found)
