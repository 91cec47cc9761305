"""The checker in its own Linux namespaces, without bubblewrap: a root of read-only mounts, no network, own PIDs."""

import ctypes
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import channel
import checker
import confine

NEW_NS, NEW_UTS, NEW_IPC, NEW_USER, NEW_PID, NEW_NET = 0x20000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
NOSUID, NODEV, NOEXEC, BIND, RECURSIVE, PRIVATE = 2, 4, 8, 4096, 16384, 1 << 18
DETACH = 2
SYS_MOUNT_SETATTR, SYS_PIVOT_ROOT = 442, {"x86_64": 155, "aarch64": 41}
AT_FDCWD, AT_RECURSIVE = -100, 0x8000
DEVICES = ("null", "zero", "full", "random", "urandom")
library = confine.libc()


def main() -> None:
    """Enter the namespaces, then run the checker as their first process."""
    settings = channel.loads(sys.argv[1])
    user, group = os.getuid(), os.getgid()
    own_user = NEW_USER if settings["uid"] is None else 0
    _sure(library.unshare(own_user | NEW_NS | NEW_UTS | NEW_IPC | NEW_PID | NEW_NET), "unshare")
    if own_user:
        _map("uid_map", user)
        _map("gid_map", group)
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
    _build_root(settings["readable"], settings["scratch_bytes"])
    checker.main()


def _map(name: str, number: int) -> None:
    if name == "gid_map":
        _write("/proc/self/setgroups", "deny")
    _write(f"/proc/self/{name}", f"{number} {number} 1")


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


def _build_root(readable: list[str], scratch: int) -> None:
    """Build a new root of `readable`, devices, processes and an empty /tmp alone."""
    root = "/tmp"
    _mount(None, "/", None, RECURSIVE | PRIVATE)
    sources = {path: os.open(path, os.O_PATH) for path in readable}
    devices = {name: os.open(f"/dev/{name}", os.O_PATH) for name in DEVICES}
    _mount("tmpfs", root, "tmpfs", NOSUID | NODEV, "mode=755,size=1m")
    for folder in ("proc", "tmp", "old"):
        os.makedirs(f"{root}/{folder}")
    # First, since the interpreter or this checkout may lie below /tmp.
    _mount("tmpfs", f"{root}/tmp", "tmpfs", NOSUID | NODEV, f"mode=1777,size={scratch}")
    for path, source in sources.items():
        _bind(source, root + path, os.path.isdir(f"/proc/self/fd/{source}"))
        _read_only(root + path)
    for name, source in devices.items():
        _bind(source, f"{root}/dev/{name}", False)
    _mount("proc", f"{root}/proc", "proc", NOSUID | NODEV | NOEXEC)
    for opened in (*sources.values(), *devices.values()):
        os.close(opened)
    machine = os.uname().machine
    _sure(library.syscall(SYS_PIVOT_ROOT[machine], root.encode(), f"{root}/old".encode()), "pivot_root")
    os.chdir("/")
    _sure(library.umount2(b"/old", DETACH), "umount")
    os.rmdir("/old")
    _read_only("/", recursive=False)
    os.chdir("/tmp")


def _bind(source: int, target: str, folder: bool) -> None:
    os.makedirs(target if folder else os.path.dirname(target), exist_ok=True)
    if not folder and not os.path.exists(target):
        os.close(os.open(target, os.O_CREAT))
    _mount(f"/proc/self/fd/{source}", target, None, BIND | RECURSIVE)


def _read_only(path: str, recursive: bool = True) -> None:
    attributes = (ctypes.c_uint64 * 4)(1 | 2 | 4, 0, 0, 0)
    flags = AT_RECURSIVE if recursive else 0
    done = library.syscall(
        SYS_MOUNT_SETATTR, AT_FDCWD, path.encode(), flags, ctypes.byref(attributes), ctypes.sizeof(attributes)
    )
    _sure(done, f"read-only {path}")


def _mount(source: str | None, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    words = [word.encode() if word is not None else None for word in (source, target, kind)]
    _sure(library.mount(*words, ctypes.c_ulong(flags), data.encode() if data else None), f"mount {target}")


def _sure(result: int, what: str) -> None:
    if result != 0:
        error = ctypes.get_errno()
        raise SystemExit(f"{what}: {os.strerror(error)}")


if __name__ == "__main__":
    main()
