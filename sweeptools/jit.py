"""numba at the first call, never at import, and its cache.

A kernel is compiled for the types of its first arguments: nogil, no fastmath, no bounds checks. At the first call of
any kernel every kernel that its module can see is swapped for its compiled form, so that kernels call each other by
name and later calls go straight to machine code.
"""

import os
import sys
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace

_TURN = threading.RLock()                            # two threads may call a kernel for the first time at once
# no entry for calls from C, which nobody makes: it is compiled with every kernel, and with all that it calls
OPTIONS = {"nogil": True, "error_model": "numpy", "boundscheck": False, "no_cfunc_wrapper": True}


class Kernel:
    """A function that will be compiled; see `kernel`."""

    def __init__(self, fn, inline=False):
        self.fn, self.inline, self.compiled = fn, inline, None
        self.__name__, self.__doc__ = fn.__name__, fn.__doc__

    def __call__(self, *args):
        return self.compile()(*args)

    def compile(self):
        with _TURN:
            return self._compile()

    def _compile(self):
        if self.compiled is None:
            from numba import njit

            if self.inline:
                self.compiled = njit(self.fn, inline="always", **OPTIONS)
            else:
                self.compiled = njit(self.fn, **OPTIONS)
                _cached(self.compiled)
            scope = self.fn.__globals__
            for name, value in list(scope.items()):
                if isinstance(value, Kernel):
                    scope[name] = value.compile()
        return self.compiled


def kernel(fn=None, *, inline=False):
    """Compile this function with numba when it is first called; `inline` for helpers of other kernels."""
    return Kernel(fn, inline) if fn else lambda f: Kernel(f, inline)


class Written(Kernel):
    """A function whose instructions are written down; see `written`."""

    def _compile(self):
        if self.compiled is None:
            from llvmlite import ir
            from numba.core import cgutils, types
            from numba.extending import intrinsic

            self.compiled = self.fn(SimpleNamespace(ir=ir, cgutils=cgutils, types=types, intrinsic=intrinsic))
        return self.compiled


def written(fn):
    """A function for kernels to call, of instructions that `fn(tools)` writes: the intrinsic that it gives."""
    return Written(fn)


# ------------------------------------------------------------------ the cache


def cache_dir():
    """Where machine code is kept: $SWEEP_CACHE, else beside the package, else XDG_CACHE_HOME, else TMPDIR; or None."""
    import numba

    mark = f"sweeptools-numba{numba.__version__}-py{sys.version_info[0]}.{sys.version_info[1]}-{_cpu()}"
    xdg = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    choices = (os.environ.get("SWEEP_CACHE"), Path(__file__).parent / "__pycache__", xdg, os.environ.get("TMPDIR", "/tmp"))
    for place in choices:
        if not place:
            continue
        folder = Path(place) / mark
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            if os.access(folder, os.W_OK):
                return str(folder)
    return None


def _cpu():
    """A name for the instruction set that the code is compiled for."""
    chosen = os.environ.get("NUMBA_CPU_NAME")
    if chosen:
        return chosen
    import llvmlite.binding as llvm

    return f"{os.uname().machine}-{llvm.get_host_cpu_name()}"


def _cached(dispatcher):
    """Let a dispatcher keep what it compiles; no cache is never an error."""
    from numba import config
    from numba.core.caching import FunctionCache

    if not config.CACHE_DIR:
        config.CACHE_DIR = cache_dir() or ""
    if not config.CACHE_DIR:
        return

    class Cache(FunctionCache):
        """numba's cache, where one process compiles and others that start at once wait for it."""

        def load_overload(self, sig, target_context):
            found = super().load_overload(sig, target_context)
            if found is None:
                self._turn = _lock(config.CACHE_DIR, dispatcher.py_func.__qualname__)
                self._turn.__enter__()
                found = super().load_overload(sig, target_context)
                if found is None:
                    self._since = time.perf_counter()
                    return None
                self._done()
            return found

        def save_overload(self, sig, data):
            if time.perf_counter() - self._since > 1.0:
                announce(f"compiled {dispatcher.py_func.__name__} for {sig[0]}, once on this machine")
            with suppress(OSError):                  # a full or vanished cache costs time, never the result
                super().save_overload(sig, data)
            self._done()

        def _done(self):
            turn, self._turn = self._turn, None
            if turn is not None:
                turn.__exit__(None, None, None)

        _turn, _since = None, 0.0

    with suppress(RuntimeError):                     # numba: no locator for code that stands in no file
        dispatcher._cache = Cache(dispatcher.py_func)


def announce(text):
    """Told what took long; the engine puts its own function here."""


@contextmanager
def _lock(folder, name):
    """Hold a lock file in the cache, where the file system has locks."""
    try:
        import fcntl

        handle = open(os.path.join(folder, f".{name}.lock"), "w")
    except (ImportError, OSError):
        yield
        return
    with handle, suppress(OSError):
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
