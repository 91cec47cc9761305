"""The checked process: runs the program, then does what the checker asks. It never sees tests that run apart."""

import sys
from types import ModuleType
from typing import Any

from channel import Channel
from values import pack, unpack


class ObjectTable:
    """Objects that cannot cross, by number, so that the checker can still call methods on them."""

    def __init__(self) -> None:
        self.objects: list[Any] = []

    def add(self, value: Any) -> int:
        """Store an object; returns its number."""
        self.objects.append(value)
        return len(self.objects) - 1

    def find(self, number: int, callable_: bool) -> Any:
        """The object with a number."""
        return self.objects[number]


def serve(checker: Channel) -> None:
    """Run the program that arrives first, then answer until the checker closes the channel."""
    program = checker.receive()
    if program["shared"]:
        import shared  # imports all of unittest, which is slow and rarely needed

        checker.send(shared.run(program["source"], lambda: _ask_for_tests(checker)))
        return
    namespace = vars(new_module("solution"))
    kept = ObjectTable()
    answer = _attempt(lambda: exec(compile(program["source"], "<program>", "exec"), namespace), kept, [])
    while True:
        _answer(checker, answer)
        request = checker.receive()
        arguments = [unpack(item, kept.find) for item in request["arguments"]]
        answer = _attempt(lambda: _do(request, arguments, namespace, kept), kept, arguments)  # noqa: B023


def new_module(name: str) -> ModuleType:
    """Add an empty module that imports of its name find."""
    sys.modules[name] = ModuleType(name)
    return sys.modules[name]


def _ask_for_tests(checker: Channel) -> Any:
    checker.send({"ready": True})
    return checker.receive()


def _do(request: dict[str, Any], arguments: list[Any], namespace: dict[str, Any], kept: ObjectTable) -> Any:
    match request["do"]:
        case "name":
            return namespace[request["name"]]
        case "run":
            code, names = arguments[0], dict(arguments[1])
            exec(compile(code, "<program>", "exec"), names)
            return {name: value for name, value in names.items() if name != "__builtins__"}
        case "attribute":
            return getattr(kept.objects[request["of"]], request["name"])
        case "next":
            return next(kept.objects[request["of"]])
        case "iterate":
            return iter(kept.objects[request["of"]])
        case "length":
            return len(kept.objects[request["of"]])
        case "text":
            return str(kept.objects[request["of"]])
        case "item":
            return kept.objects[request["of"]][arguments[0]]
    named = dict(zip(request["names"], arguments[request["positional"] :], strict=True))
    return kept.objects[request["of"]](*arguments[: request["positional"]], **named)


def _attempt(action: Any, kept: ObjectTable, arguments: list[Any]) -> dict[str, Any]:
    """The result of an action: a value and the arguments after it, or the kind and text of the error."""
    try:
        value = pack(action(), kept.add)
        return {"value": value, "arguments": [pack(argument, kept.add) for argument in arguments]}
    except BaseException as error:
        kinds = [kind.__name__ for kind in type(error).__mro__]
        text = error.args[0] if len(error.args) == 1 and isinstance(error.args[0], str) else str(error)
        return {"error": kinds, "text": text[:500]}


def _answer(checker: Channel, answer: dict[str, Any]) -> None:
    try:
        checker.send(answer)
    except (TypeError, ValueError, RecursionError) as error:
        checker.send({"error": ["ValueError"], "text": str(error)})


def main(checker: Channel) -> None:
    """Run the process: limits, the program, then requests."""
    sys.setrecursionlimit(5000)
    serve(checker)
