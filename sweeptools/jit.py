"""Kernels: compiled by numba for the types of their first arguments, once a machine, never at import.

What numba makes of a kernel is kept (codecache.py) and called (native.py) without numba, whose import alone takes longer
than most stages may need to start; so the same code runs the first time and ever after. Kernels are compiled nogil, with
no fastmath and no bounds checks. They take arrays, numbers and tuples of them, allocate nothing, and call each other.
"""

import os
import threading
import time
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, ModuleType, SimpleNamespace

import numpy as np

from . import codecache
from .errors import SweepError
from .native import assemble, entry, kind, linker, load

_TURN = threading.RLock()                            # two threads may call a kernel for the first time at once
# no entries for calls from Python and C: they would be compiled with every kernel, and with all that it calls
OPTIONS = {"nogil": True, "error_model": "numpy", "boundscheck": False, "no_cfunc_wrapper": True, "no_cpython_wrapper": True}
_scopes = {}                                         # id of a module's names -> the same, where kernels are numba's


class Kernel:
    """A function that will be compiled; see `kernel`."""

    def __init__(self, fn, inline=False):
        self.fn, self.inline = fn, inline
        self.__name__, self.__doc__ = fn.__name__, fn.__doc__
        self._ready, self._dispatcher, self._source = {}, None, None

    def __call__(self, *args):
        kinds = tuple([kind(a) for a in args])
        call = self._ready.get(kinds)
        if call is None:
            call = self._prepare(kinds, args)
        return call(*args)

    def _prepare(self, kinds, args):
        """The machine code for such arguments: from the cache, else from numba."""
        with _TURN:
            if kinds not in self._ready:
                name = f"{self.fn.__module__.rpartition('.')[2]}.{self.__name__}"
                file = f"{name}-{codecache.digest(self.fn.__module__, repr(kinds))[:16]}"
                key = codecache.digest(codecache.makers(), repr(self.inline), self.source())
                self._ready[kinds] = self._kept(name, file, key, args) or self._made(name, file, key, args)
        return self._ready[kinds]

    def _kept(self, name, file, key, args):
        found = codecache.read(file, key)
        return found and load(name, found[1], found[0]["returns"], args)

    def _made(self, name, file, key, args):
        with codecache.lock(file):
            call = self._kept(name, file, key, args)           # another process may have been first
            if call is None:
                returns, objects = self._compile(name, args)
                call = load(name, objects, returns, args)
                codecache.write(file, key, {"returns": returns}, objects)
            return call

    def _compile(self, name, args):
        """(what it gives, object files)."""
        since = time.perf_counter()
        types = tuple(_numba().typeof(a) for a in args)
        self.dispatcher().compile(types)
        made = self.dispatcher().overloads[types]
        objects = made.library._get_compiled_object(), assemble(entry(made.fndesc.llvm_func_name, args))
        if time.perf_counter() - since > 1.0:
            announce(f"compiled {name} for {', '.join(map(str, types))}, once on this machine")
        return _told(name, made.signature.return_type), objects

    def dispatcher(self):
        """What numba knows this function as, when others call it."""
        if self._dispatcher is None:
            fn, inline = self.fn, "always" if self.inline else "never"
            cells = fn.__closure__ and tuple(CellType(_seen(cell.cell_contents)) for cell in fn.__closure__)
            seen = FunctionType(fn.__code__, _scope(fn.__globals__), fn.__name__, fn.__defaults__, cells)
            seen.__qualname__ = fn.__qualname__
            self._dispatcher = _numba().njit(seen, inline=inline, **OPTIONS)
        return self._dispatcher

    def source(self):
        """A digest of all that numba would be given: the function, and all that it names, wherever that stands."""
        if self._source is None:
            said = []
            _reach(self.fn, said, set())
            self._source = codecache.digest(*said)
        return self._source


class Written(Kernel):
    """A function whose instructions are written down; see `written`."""

    def dispatcher(self):
        if self._dispatcher is None:
            numba = _numba()
            from llvmlite import ir
            from numba.core import cgutils
            from numba.extending import intrinsic

            self._dispatcher = self.fn(SimpleNamespace(ir=ir, cgutils=cgutils, types=numba.types, intrinsic=intrinsic))
        return self._dispatcher


def kernel(fn=None, *, inline=False):
    """Compile this function with numba when it is first called; `inline` for helpers of other kernels."""
    return Kernel(fn, inline) if fn else lambda f: Kernel(f, inline)


def written(fn):
    """A function for kernels to call, of instructions that `fn(tools)` writes: the intrinsic that it gives."""
    return Written(fn)


def ready():
    """Have what every kernel needs, as long as it need not be compiled."""
    codecache.makers()
    linker()


def silent(text):
    """Says nothing of what took long."""


announce = silent                                    # a command puts there what it says with -v


def _numba():
    os.environ.setdefault("NUMBA_DISABLE_INTEL_SVML", "1")     # a library that other machines do not have
    import numba

    return numba


def _seen(value):
    """A value as numba is to see it."""
    return value.dispatcher() if isinstance(value, Kernel) else value


def _scope(names):
    """The names of a module, where its kernels are those that numba knows."""
    if id(names) not in _scopes:
        scope = _scopes[id(names)] = dict(names)     # known before it is whole: kernels of one module call each other
        scope |= {name: _seen(value) for name, value in names.items() if isinstance(value, Kernel)}
    return _scopes[id(names)]


def _told(name, kind):
    """A type of a result as native.py wants it."""
    from numba import types

    if isinstance(kind, types.BaseTuple):
        return [_told(name, k) for k in kind]
    if kind == types.none:
        return ""
    if isinstance(kind, (types.Integer, types.Float, types.Boolean)) and kind != types.float16:
        return "bool" if kind == types.boolean else str(kind)
    raise SweepError(f"the kernel {name} gives {kind}, must give numbers or nothing")


def _reach(value, said, seen):
    """Append to `said` what `value` is for numba: functions by their code and by what it names, all else by value."""
    if isinstance(value, Kernel):
        value = value.fn
    if isinstance(value, type) and value.__module__.startswith("sweeptools."):
        said.append(value.__qualname__)
        for name, own in sorted(vars(value).items()):
            own = getattr(own, "__func__", None) or getattr(own, "fget", None) or own
            if isinstance(own, FunctionType):
                said.append(name)
                _reach(own, said, seen)
        for base in value.__bases__:
            _reach(base, said, seen)
    elif isinstance(value, FunctionType) and value.__module__.partition(".")[0] not in ("numpy", "math"):
        if value in seen:
            said.append(value.__qualname__)
            return
        seen.add(value)
        said.append(repr(value.__defaults__))
        for cell in value.__closure__ or ():
            _reach(cell.cell_contents, said, seen)
        _reach_code(value.__code__, value.__globals__, said, seen)
    elif isinstance(value, np.ndarray):
        said += [repr(kind(value)), repr(value.shape), value.tobytes()]
    elif isinstance(value, (ModuleType, BuiltinFunctionType, FunctionType, type)):
        said.append(f"{getattr(value, '__module__', '')} {value.__name__}")
    else:
        said.append(repr(value))


def _reach_code(code, names, said, seen):
    """The same of the code of a function whose module has these names."""
    said += [code.co_code, repr((code.co_varnames, code.co_freevars, code.co_names))]
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            _reach_code(constant, names, said, seen)
        else:
            said.append(repr(constant))
    met = [names[name] for name in code.co_names if name in names]
    for module in [m for m in met if isinstance(m, ModuleType) and m.__name__.startswith("sweeptools.")]:
        met += [getattr(module, name) for name in code.co_names if hasattr(module, name)]
    for value in met:
        _reach(value, said, seen)
