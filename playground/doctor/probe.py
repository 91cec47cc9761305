"""Imports the modules named as arguments and prints the result of each as a JSON line.

Runs in its own process, since a broken library may end it, and under other interpreters: it needs the standard library
alone.
"""

import importlib
import importlib.util
import json
import sys


def probe(name: str) -> dict[str, object]:
    """Whether a module is installed, its version, and the error of its import."""
    if importlib.util.find_spec(name) is None:
        return {"found": False, "version": "", "error": ""}
    try:
        module = importlib.import_module(name)
    except BaseException as error:
        line = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        return {"found": True, "version": "", "error": line}
    return {"found": True, "version": str(getattr(module, "__version__", "")), "error": ""}


def probe_cuda() -> dict[str, object]:
    """CUDA as torch reports it."""
    import torch

    available = torch.cuda.is_available()
    devices = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())] if available else []
    return {"built_for": torch.version.cuda or "", "available": available, "devices": devices}


if __name__ == "__main__":
    for name in sys.argv[1:]:
        report = probe(name)
        if name == "torch" and report["version"]:
            report["cuda"] = probe_cuda()
        print("\n" + json.dumps({"name": name, **report}), flush=True)
