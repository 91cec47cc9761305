"""Runs tests here, in the checker, while the program runs in a process of its own: only plain values cross."""

import builtins
from typing import Any

from channel import Channel
from values import pack, unpack


class Remote:
    """The checked process, reached by its channel."""

    def __init__(self, process: Channel) -> None:
        self._process, self.gone = process, False

    def ask(self, do: str, *arguments: Any, **more: Any) -> Any:
        """Send a request and return the answer; errors of the process are raised here under the nearest builtin
        class."""
        packed = [pack(argument, self._refuse) for argument in arguments]
        self._process.send({"do": do, "arguments": packed, **more})
        return self.answer(arguments)

    def answer(self, arguments: tuple[Any, ...] = ()) -> Any:
        """Wait for an answer; changes of lists, dicts and sets in place are repeated here."""
        self.gone = True
        answer = self._process.receive()
        self.gone = False
        if "error" in answer:
            raise _nearest(answer["error"])(answer["text"])
        for argument, after in zip(arguments, answer["arguments"], strict=True):
            if isinstance(argument, list | dict | set | bytearray):
                _become(argument, self._unpack(after))
        return self._unpack(answer["value"])

    def run(self, code: str, names: dict[str, Any]) -> None:
        """`exec` a context that runs the program itself in the process, and fetch the names that it sets."""
        names.update(self.ask("run", code, names))

    def _unpack(self, packed: Any) -> Any:
        return unpack(packed, lambda number, callable_: (RemoteCallable if callable_ else RemoteObject)(self, number))

    def _refuse(self, value: Any) -> int:
        if isinstance(value, RemoteObject):
            return int(value._number)
        raise NotPlain(f"a test passes a {type(value).__name__}, which cannot cross to the program")


class NotPlain(Exception):
    """A test passes a value that is not plain."""


class RemoteObject:
    """Represents an object of the program. It equals itself alone: the object's own `__eq__` is not trusted."""

    def __init__(self, remote: Remote, number: int) -> None:
        self._remote, self._number = remote, number

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._remote.ask("attribute", of=self._number, name=name)

    def __iter__(self) -> Any:
        return self._remote.ask("iterate", of=self._number)

    def __next__(self) -> Any:
        return self._remote.ask("next", of=self._number)

    def __len__(self) -> int:
        return int(self._remote.ask("length", of=self._number))

    def __str__(self) -> str:
        return str(self._remote.ask("text", of=self._number))

    def __getitem__(self, key: Any) -> Any:
        return self._remote.ask("item", key, of=self._number)


class RemoteCallable(RemoteObject):
    """Represents a function or a class of the program."""

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        values = (*arguments, *named.values())
        return self._remote.ask("call", *values, of=self._number, names=list(named), positional=len(arguments))


class Names(dict[str, Any]):
    """Globals of the tests; names that neither they nor Python define come from the program."""

    def __init__(self, remote: Remote) -> None:
        super().__init__(__name__="tests")
        self._remote = remote

    def __missing__(self, name: str) -> Any:
        if hasattr(builtins, name):
            raise KeyError(name)
        return self._remote.ask("name", name=name)


def run(process: Channel, payload: dict[str, Any]) -> dict[str, Any]:
    """The verdict: {"passed", "detail"}."""
    try:
        process.send({"shared": False, "source": payload["program"]})
        remote = Remote(process)
        remote.answer()
        names = Names(remote)
        if payload["context"]:
            names["exec"] = remote.run
        exec(compile(payload["test"], "<tests>", "exec"), names)
        fault = _run_cases(names) if payload["unittest"] else ""
        if fault or remote.gone:
            return {"passed": False, "detail": fault or "the program ended before its tests did"}
    except Exception as error:
        return {"passed": False, "detail": f"{type(error).__name__}: {error}".rstrip(": ")[:500]}
    return {"passed": True, "detail": ""}


def _run_cases(names: Names) -> str:
    import cases

    return cases.run_cases(names)


def _nearest(kinds: list[str]) -> type[Exception]:
    found = (getattr(builtins, name, None) for name in kinds)
    return next((kind for kind in found if isinstance(kind, type) and issubclass(kind, Exception)), RuntimeError)


def _become(mine: Any, after: Any) -> None:
    if type(mine) is type(after) and not _same(mine, after):
        mine.clear()
        mine.extend(after) if isinstance(mine, list | bytearray) else mine.update(after)


def _same(mine: Any, after: Any) -> bool:
    """Whether two values are equal; arrays within have no single answer, and count as changed."""
    try:
        return bool(mine == after)
    except ValueError:
        return False
