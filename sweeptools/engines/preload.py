"""Make ready what kernels need while the head is still on its way: only for commands that will call one."""

import sys
import threading
from types import FunctionType, ModuleType

from ..jit import Kernel, ready


def preload(op):
    """Begin to import what kernels need in a thread of its own, where `op` has any; a function that waits for that."""
    compiles = any(
        isinstance(value, Kernel)
        for name, module in list(sys.modules.items()) if name.startswith("sweeptools.kernels.")
        for value in vars(module).values()
    )  # fmt: skip
    if compiles and (op.kind in ("graph", "reduce", "scan") or calls_kernel(op.fn, set())):
        thread = threading.Thread(target=ready, daemon=True)
        thread.start()
        return thread.join
    return lambda: None


def calls_kernel(fn, seen):
    """Whether a function may come to call a kernel: judged by the names in its code, followed through this package."""
    seen.add(fn)
    names = fn.__code__.co_names
    met = [fn.__globals__.get(name) for name in names]
    met += [getattr(module, name, None) for module in met if isinstance(module, ModuleType) for name in names]
    return any(isinstance(value, Kernel) for value in met) or any(
        calls_kernel(value, seen)
        for value in met
        if isinstance(value, FunctionType) and value not in seen and value.__module__.startswith("sweeptools.")
    )
