"""What a hostile program can reach, and how much it can take: each really run, in every kind of sandbox."""

from __future__ import annotations

import os
import socket
import sys
import time
from pathlib import Path

import pytest

from playground.bench.sandbox.confinement import readable


def test_an_endless_loop_is_timed_out_and_told_apart(check) -> None:
    began = time.monotonic()
    assert check("def f():\n    while True: pass", seconds=1.0).status == "timed_out"
    assert check("import time\ntime.sleep(60)", seconds=1.0).status == "timed_out"
    assert time.monotonic() - began < 20


@pytest.mark.usefixtures("leaves_nothing")
def test_a_fork_bomb_is_bounded_and_leaves_nothing(check) -> None:
    bomb = """
import os
def f():
    made = 0
    while True:
        try:
            if os.fork() == 0:
                os.setsid()
                while True: pass
            made += 1
        except OSError:
            return made
"""
    outcome = check(bomb, "assert 20 <= f() < 80", seconds=20.0)
    assert outcome.status == "passed", outcome


def test_a_memory_bomb_fails(check) -> None:
    assert check("def f(): return len(bytearray(2 ** 34))").detail.startswith("MemoryError")


def test_a_file_cannot_grow_without_end(check) -> None:
    large = "def f():\n    with open('/tmp/a', 'wb') as a:\n        a.write(bytes(2 ** 25))\n    return 1"
    assert check(large).status == "failed"
    many = "def f():\n    for i in range(20): open(f'/tmp/{i}', 'wb').write(bytes(2 ** 23))\n    return 1"
    assert "No space" in check(many).detail


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file that everybody may read, outside and inside of the home."""
    path = tmp_path / "secret.txt"
    path.write_text("secret")
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    return path


def test_nothing_but_the_system_and_the_interpreter_can_be_read(check, secret: Path) -> None:
    assert check(f"def f(): return open({str(secret)!r}).read()").detail.startswith("FileNotFoundError")
    home = str(Path.home())
    seen = check(
        f"import os\ndef f():\n    try: return os.listdir({home!r})\n    except OSError: return []", "print(f())"
    )
    assert seen.status == "passed"
    allowed = {Path(path).relative_to(home).parts[0] for path in readable() if path.startswith(f"{home}/")}
    only = f"import os\ndef f():\n    try: return os.listdir({home!r})\n    except OSError: return []"
    assert check(only, f"assert set(f()) <= {allowed!r}").status == "passed"
    assert check("def f(): return open('/etc/passwd').read()").detail.startswith("FileNotFoundError")


@pytest.mark.parametrize("folder", ["/", "/usr", "/usr/bin", "/dev", "/proc/sys", sys.prefix, str(Path.home())])
def test_nothing_can_be_written_outside_of_tmp(check, folder: str) -> None:
    make = f"    os.makedirs({folder!r}, exist_ok=True)\n"
    program = f"import os\ndef f():\n{make}    open({folder!r} + '/planted', 'w')\n    return 1"
    outcome = check(program)
    if folder != "/dev":
        assert outcome.detail.split(":")[0] in ("PermissionError", "OSError", "FileNotFoundError"), outcome
    assert not os.path.exists(f"{folder}/planted")


def test_tmp_can_be_written_and_is_its_own_each_time(check) -> None:
    write = "    open('/tmp/left-by-a-program', 'w').write('x')\n"
    program = f"import os\ndef f():\n    seen = os.listdir('/tmp')\n{write}    return 1 + ('left-by-a-program' in seen)"
    assert check(program).status == "passed"
    assert check(program).status == "passed"
    assert not os.path.exists("/tmp/left-by-a-program")


def test_there_is_no_network(check) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        program = f"import socket\ndef f():\n    socket.create_connection(('127.0.0.1', {port}), 2)\n    return 1"
        assert check(program).detail.split(":")[0] in ("ConnectionRefusedError", "OSError")
    outside = "import socket\ndef f():\n    socket.create_connection(('192.0.2.1', 80), 2)\n    return 1"
    assert check(outside).detail.split(":")[0] in ("OSError", "TimeoutError")


def test_the_environment_holds_no_secret(check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "hunter2-environment")
    program = """
import os
def f():
    found = [str(dict(os.environ))]
    for pid in os.listdir("/proc"):
        for name in ("environ", "cmdline"):
            try: found.append(open(f"/proc/{pid}/{name}").read())
            except OSError: pass
    return "".join(found)
"""
    assert check(program, "assert 'hunter2' not in f()").status == "passed"


def test_other_processes_are_out_of_sight_and_reach(check) -> None:
    program = f"import os\ndef f():\n    os.kill({os.getpid()}, 0)\n    return 1"
    sees = "import os\ndef f(): return sum(name.isdigit() for name in os.listdir('/proc'))"
    assert check(sees, "assert f() <= 4").status == "passed"
    if os.getpid() > 100:
        assert check(program).detail.startswith("ProcessLookupError")


def test_no_capability_is_left_and_no_wall_can_be_taken_down(check) -> None:
    status = "def f(): return open('/proc/thread-self/status').read()"
    test = "import re\nassert int(re.search(r'CapEff:\\s*(\\w+)', f()).group(1), 16) == 0"
    assert (
        check("import ctypes, os\ndef f(): return open('/proc/thread-self/status').read()", test).status == "passed"
    ), status
    mount = "import ctypes\ndef f(): return ctypes.CDLL(None).mount(b'none', b'/tmp', b'tmpfs', 0, None)"
    assert check(mount, "assert f() == -1").status == "passed"


@pytest.mark.usefixtures("leaves_nothing")
def test_a_child_that_leaves_its_group_ends_with_the_program(check) -> None:
    program = """
import os, time
def f():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(300)
        os._exit(0)
    return 1
"""
    assert check(program).status == "passed"
