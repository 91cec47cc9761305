"""Checks one program: reads the task on stdin, writes one line of verdict on stdout, which no checked process holds."""

import os
import sys
import time
from _signal import ITIMER_REAL, SIGALRM, setitimer, signal  # without the enums of `signal`, see channel.py
from typing import Any

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import apart
import calls
import candidate
import channel
import confine


class TimedOut(BaseException):
    """The time of the program is up."""


def main() -> None:
    """Set limits first, then start the process to be checked, and only then read what is secret."""
    settings = channel.loads(sys.argv[1])
    confine.drop_user(settings["uid"])
    calls.refuse()
    confine.limit(settings["limits"])
    verdicts = os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 1)
    os.dup2(null, 2)
    if not settings["walls"]:
        confine.adopt()
    verdict = _verdict(settings, verdicts)
    if not settings["walls"]:
        confine.end_children()
    os.write(verdicts, channel.dumps(verdict).encode() + b"\n")
    os._exit(0)


def _verdict(settings: dict[str, Any], verdicts: int) -> dict[str, Any]:
    here, there = (None, None) if settings["node"] else channel.pair()
    if here and there and os.fork() == 0:
        _be_checked(here, there, verdicts, settings["paths"])
    confine.hide()
    if there:
        there.close()
    payload = channel.loads(sys.stdin.read())
    sys.path.extend(settings["paths"])
    os.dup2(1, 0)
    began = time.monotonic()
    signal(SIGALRM, _time_is_up)
    setitimer(ITIMER_REAL, settings["limits"]["seconds"])
    try:
        verdict = _check(here, payload, settings["node"])
    except TimedOut:
        verdict = {"passed": False, "timed_out": True, "detail": "it took too long"}
    except BaseException as error:
        verdict = {"passed": False, "detail": str(error)[:500] or type(error).__name__}
    setitimer(ITIMER_REAL, 0)
    if time.monotonic() - began >= settings["limits"]["seconds"]:  # a test may have caught the exception that ended it
        verdict = {"passed": False, "timed_out": True, "detail": "it took too long"}
    return {**verdict, "seconds": time.monotonic() - began, "nonce": payload["nonce"]}


def _check(process: channel.Channel | None, payload: dict[str, Any], node: str) -> dict[str, Any]:
    if node or process is None:
        import javascript

        return javascript.run(node, payload)
    if not payload["shared"]:
        return apart.run(process, payload)
    process.send({"shared": True, "source": payload["program"]})
    token = os.urandom(16).hex()
    verdict = process.receive()
    if "ready" not in verdict:
        return {"passed": False, "detail": str(verdict.get("detail", ""))[:500]}
    process.send({"test": payload["test"], "unittest": payload["unittest"], "token": token})
    verdict = process.receive()
    passed = verdict.get("passed") is True and verdict.get("token") == token
    return {"passed": passed, "detail": str(verdict.get("detail", ""))[:500]}


def _be_checked(here: channel.Channel, there: channel.Channel, verdicts: int, paths: list[str]) -> None:
    here.close()
    os.close(verdicts)
    os.dup2(1, 0)
    sys.path.extend(paths)
    sys.argv[1:] = []
    try:
        candidate.main(there)
    finally:
        os._exit(1)


def _time_is_up(number: int, frame: object) -> None:
    raise TimedOut


if __name__ == "__main__":
    main()
