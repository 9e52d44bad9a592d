"""Machine code that a compiler left, made callable from Python: what a kernel is once it has been compiled.

Numba's functions are `int f(result *, void **, arguments...)`, 0 where all went well: an array is passed as two owners
(none), its voxels, the bytes of a voxel, its address, its shape and its strides; a tuple as its members. `entry` writes
the few instructions that take these out of the arrays, which Python would need longer for than many a kernel runs.
"""

import ctypes
import threading
from functools import cache
from itertools import count

import numpy as np

from .errors import SweepError

NUMBERS = {                                          # as C and as LLVM call them
    bool: (ctypes.c_bool, "i8"), int: (ctypes.c_int64, "i64"), float: (ctypes.c_double, "double"),
    np.bool_: (ctypes.c_bool, "i8"), np.float32: (ctypes.c_float, "float"), np.float64: (ctypes.c_double, "double"),
    np.int8: (ctypes.c_int8, "i8"), np.int16: (ctypes.c_int16, "i16"), np.int32: (ctypes.c_int32, "i32"),
    np.int64: (ctypes.c_int64, "i64"), np.uint8: (ctypes.c_uint8, "i8"), np.uint16: (ctypes.c_uint16, "i16"),
    np.uint32: (ctypes.c_uint32, "i32"), np.uint64: (ctypes.c_uint64, "i64"),
}  # fmt: skip
C, F, ALIGNED, WRITEABLE = 0x1, 0x2, 0x100, 0x400    # as numpy's flags have them
DATA, SHAPE, STRIDES = (object.__basicsize__ + 8 * n for n in (0, 2, 3))       # places in numpy's PyArrayObject
ENTRY = "sweeptools_entry"
_TURN = threading.Lock()


def kind(value):
    """What decides which machine code takes an argument: of an array its type, axes and flags, of a number its type."""
    if isinstance(value, np.ndarray):
        flags = value.flags.num
        return value.dtype, value.ndim, flags & (C | ALIGNED | WRITEABLE) if flags & C else flags & (F | ALIGNED | WRITEABLE)
    if type(value) is tuple:
        return tuple([kind(v) for v in value])
    if type(value) is int and not -(1 << 63) <= value < 1 << 63:
        return np.uint64
    return type(value)


def _flat(args):
    """Arguments, where a tuple is its members and numpy's numbers are Python's."""
    for value in args:
        if type(value) is tuple:
            yield from _flat(value)
        else:
            yield value.item() if isinstance(value, np.generic) else value


def _members(args):
    """The same, numbers as they are."""
    for value in args:
        if type(value) is tuple:
            yield from _members(value)
        else:
            yield value


def entry(symbol, args):
    """LLVM's text of the function ENTRY(result, arguments), which calls `symbol` for arguments of these kinds."""
    taken, given, lines = ["ptr %result"], ["ptr %result", "ptr %why"], ["%why = alloca ptr"]
    for n, value in enumerate(_members(args)):
        if not isinstance(value, np.ndarray):
            taken.append(f"{NUMBERS[kind(value)][1]} %a{n}")
            given.append(taken[-1])
            continue
        taken.append(f"ptr %a{n}")
        for what, place in (("data", DATA), ("shape", SHAPE), ("strides", STRIDES)):
            lines += [f"%a{n}.at.{what} = getelementptr i8, ptr %a{n}, i64 {place}",
                      f"%a{n}.{what} = load ptr, ptr %a{n}.at.{what}"]  # fmt: skip
        lines.append(f"%a{n}.size.0 = add i64 1, 0")
        for what in ("shape", "strides"):
            for axis in range(value.ndim):
                lines += [f"%a{n}.{what}.at.{axis} = getelementptr i64, ptr %a{n}.{what}, i64 {axis}",
                          f"%a{n}.{what}.{axis} = load i64, ptr %a{n}.{what}.at.{axis}"]  # fmt: skip
        lines += [f"%a{n}.size.{axis + 1} = mul i64 %a{n}.size.{axis}, %a{n}.shape.{axis}" for axis in range(value.ndim)]
        given += ["ptr null", "ptr null", f"i64 %a{n}.size.{value.ndim}", f"i64 {value.itemsize}", f"ptr %a{n}.data"]
        given += [f"i64 %a{n}.{what}.{axis}" for what in ("shape", "strides") for axis in range(value.ndim)]
    types = ", ".join(word.split()[0] for word in given)
    lines += [f"%status = call i32 @{symbol}({', '.join(given)})", "ret i32 %status"]
    return f"declare i32 @{symbol}({types})\ndefine i32 @{ENTRY}({', '.join(taken)}) {{\n" + "\n".join(lines) + "\n}\n"


def assemble(text):
    """The object code of LLVM's text."""
    llvm = _llvm()
    return llvm.Target.from_default_triple().create_target_machine(opt=2, jit=True).emit_object(llvm.parse_assembly(text))


@cache
def _llvm():
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm


@cache
def linker():
    """What puts object files into memory; they stay there until the process ends, as a thread may be in one until then."""
    made = _llvm().create_lljit_compiler(suppress_errors=True)
    return made, count()


def _result(returns):
    """The C type of a result: of None (""), a number ("int64") or a list of such."""
    if isinstance(returns, list):
        fields = [(f"f{i}", _result(r)) for i, r in enumerate(returns)]
        return type("Result", (ctypes.Structure,), {"_fields_": fields})
    return NUMBERS[np.dtype(returns).type][0] if returns else ctypes.c_void_p


def _python(result, returns):
    """A result as Python has it."""
    if isinstance(returns, list):
        return tuple([_python(getattr(result, f"f{i}"), r) for i, r in enumerate(returns)])
    return result if returns else None


def load(name, objects, returns, args):
    """The function ENTRY of object files, for arguments of the same kinds as these; releases the GIL."""
    made, members = _result(returns), list(_members(args))
    plain = not any(isinstance(value, (tuple, np.generic)) for value in args)
    types = [ctypes.py_object if isinstance(value, np.ndarray) else NUMBERS[kind(value)][0] for value in members]
    function = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.POINTER(made), *types)(_link(name, objects))
    byref = ctypes.byref

    def call(*args):
        result = made()
        if function(byref(result), *(args if plain else _flat(args))):
            raise SweepError(f"the kernel {name} failed on {', '.join(map(str, map(kind, args)))}")
        return _python(result if isinstance(returns, list) else result.value, returns)

    return call


def _link(name, objects):
    """The address of ENTRY among object files; SweepError where they call what is not there."""
    with _TURN:
        made, numbers = linker()
        library = _llvm().JITLibraryBuilder().add_current_process().export_symbol(ENTRY)
        for code in objects:
            library.add_object_img(code)
        here = ctypes.CDLL(None)                     # what numba's arrays call when their owner goes, and here have none
        for called, meant in (("NRT_MemInfo_call_dtor", here.abort), ("NRT_Free", here.free)):
            library.import_symbol(called, ctypes.cast(meant, ctypes.c_void_p).value)
        try:
            linked = library.link(made, f"kernel{next(numbers)}")
        except RuntimeError as error:
            raise SweepError(f"the kernel {name} allocates memory or calls Python, which kernels must not") from error
        linked.detach()
        return linked[ENTRY]
