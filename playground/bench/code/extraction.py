"""Extracts the program from an answer, as EvalPlus describes it: the longest run of lines that parses, reduced to what
the entry point needs (imports, functions, classes, assignments)."""

from __future__ import annotations

import ast
import codeop
import re
from collections.abc import Sequence

FENCE = re.compile(r"```[\w+-]*[ \t]*\n(.*?)(?:\n```|\Z)", re.DOTALL)
# Texts at which a base model has gone on to something else.
STOPS = ("\nif __name__", "\ndef main(", "\nprint(", "\nassert ", "\n```", "\n# Example", "\n#!/", "<|endoftext|>")
JAVASCRIPT_STOPS = ("\nconsole.log(", "\nconst test", "\n```", "\nmodule.exports", "<|endoftext|>")
SNIPPET_STOPS = ("</code>", "# SOLUTION END", "END SOLUTION", "\n```")
SNIPPET_BEGINS = ("<code>", "BEGIN SOLUTION")
LONGEST = 64 * 1024
MOST_PARSED = 16 * LONGEST
OPEN_END = ast.PyCF_ONLY_AST | codeop.PyCF_ALLOW_INCOMPLETE_INPUT  # type: ignore[attr-defined]
UNPARSABLE = (ValueError, MemoryError, RecursionError)
KEPT = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign
DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def python_program(text: str, entry_point: str) -> str:
    """The program in `text`; if none defines the entry point, the longest that parses."""
    text = text[:LONGEST]
    blocks = [text] if "```" not in text else [*(match.group(1) for match in FENCE.finditer(text)), text]
    programs = [longest_that_parses(block) for block in blocks]
    with_entry = [program for program in programs if _defines(program, entry_point)]
    chosen = (with_entry or sorted(programs, key=len, reverse=True))[0]
    return needed(chosen, entry_point) if with_entry else chosen or text


def javascript_program(text: str) -> str:
    """The first fenced block, or all of it."""
    text = text[:LONGEST]
    match = FENCE.search(text)
    return match.group(1) if match else text


def snippet(text: str) -> str:
    """Lines that fill a hole: those in a fence, or between the marks of DS-1000."""
    text = text[:LONGEST]
    match = FENCE.search(text)
    text = match.group(1) if match else text
    for mark in SNIPPET_BEGINS:
        text = text.rpartition(mark)[2]
    return cut(text, SNIPPET_STOPS)


def cut(completion: str, stops: tuple[str, ...] = STOPS) -> str:
    """A base model's completion up to the first stop text."""
    ends = [at for stop in stops if (at := completion.find(stop)) >= 0]
    return completion[: min(ends, default=len(completion))]


def longest_that_parses(text: str) -> str:
    """The longest run of whole lines that is valid Python; empty if no line is."""
    lines, best, end = text.splitlines(), "", 0
    parser = _Parser(lines)
    for start, line in enumerate(lines):
        begins = bool(line[:1].strip()) and line[0] not in "#)]}"
        if start >= end and (begins or start == 0):
            end = _end_of_run(parser, start, len(lines))
            best = max(best, "\n".join(lines[start:end]), key=len)
    return best


def parses(program: str) -> bool:
    """Whether the program is valid Python."""
    return _parse(program) is not None


class _Parser:
    """Parses runs of lines. Once `MOST_PARSED` characters are parsed, each run has a fault in its first line."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines, self._left = lines, MOST_PARSED

    def fault(self, start: int, end: int, open_end: bool = False) -> int:
        """The line of the first fault, counted from 1; 0 for none. `open_end`: what more lines could mend is none."""
        program = "\n".join(self._lines[start:end])
        self._left -= len(program)
        if self._left < 0:
            return 1
        try:
            compile(program, "<answer>", "exec", OPEN_END if open_end else ast.PyCF_ONLY_AST)
        except SyntaxError as error:
            incomplete = open_end and error.msg == "incomplete input"
            return 0 if incomplete else min(error.lineno or 1, end - start)
        except UNPARSABLE:
            return 1
        return 0


def _end_of_run(parser: _Parser, start: int, last: int) -> int:
    """Where the longest run from `start` ends: first what no line that follows could mend, then what is unfinished."""
    end = _first_broken(parser, start, last)
    while end > start and (line := parser.fault(start, end)):
        end = start + line - 1
    return end


def _first_broken(parser: _Parser, start: int, last: int) -> int:
    """The line from which a run cannot be mended: a search that doubles, then halves. Python may report a later fault
    than the first one, never an earlier one."""
    size = 1
    while not (line := parser.fault(start, min(start + size, last), open_end=True)):
        if start + size >= last:
            return last
        size *= 2
    whole, broken = start + size // 2, start + line
    end = broken - 1
    while broken - whole > 1:
        if line := parser.fault(start, end, open_end=True):
            broken = start + line
        else:
            whole = end
        end = (whole + broken) // 2
    return whole


def needed(program: str, entry_point: str) -> str:
    """The program reduced to imports and the definitions that the entry point reaches."""
    tree = _parse(program)
    if tree is None:
        return program
    named: dict[str, list[ast.stmt]] = {}
    for node in tree.body:
        for name in _names(node):
            named.setdefault(name, []).append(node)
    reached, waiting = set[int](), [entry_point]
    while waiting:
        for node in named.pop(waiting.pop(), []):
            reached.add(id(node))
            waiting += [inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)]
    lines = program.splitlines()
    kept = [node for node in tree.body if id(node) in reached or isinstance(node, ast.Import | ast.ImportFrom)]
    return "\n".join("\n".join(lines[_first(node) - 1 : node.end_lineno]) for node in kept) + "\n"


def imports(prompt: str) -> str:
    """The imports at the top of a prompt; a chat answer may rely on them."""
    return needed(longest_that_parses(prompt), "").lstrip("\n")


def _first(node: ast.stmt) -> int:
    decorators = node.decorator_list if isinstance(node, DEFINITIONS) else []
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _names(node: ast.stmt) -> list[str]:
    """The names that a top-level statement defines; empty for statements that are not kept."""
    if isinstance(node, DEFINITIONS):
        return [node.name]
    if not isinstance(node, KEPT):
        return []
    return [inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store)]


def _defines(program: str, name: str) -> bool:
    tree = _parse(program)
    return tree is not None and any(name in _names(node) for node in tree.body)


def _parse(program: str) -> ast.Module | None:
    try:
        return ast.parse(program)
    except (SyntaxError, *UNPARSABLE):
        return None
