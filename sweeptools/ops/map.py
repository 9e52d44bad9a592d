"""sweep-map: any Python function of an array."""

import ast
import contextlib
import importlib
import importlib.util
import os
import sys
from functools import lru_cache

import numpy as np

from ..errors import SweepError, UsageError
from ..expression import store
from ..params import DTYPES, Arg, Counts, Param, Text
from ..spec import op


class Keyword(Param):
    """An argument of the function: NAME=VALUE, the value a Python literal, else a string."""

    metavar = "NAME=VALUE"

    def parse(self, text):
        name, equals, _ = text.partition("=")
        if not equals or not name.isidentifier():
            raise UsageError(f"{self.name} is {text!r}, must be {self.metavar}")
        return text


@lru_cache(maxsize=8)
def load(function):
    """The function that MODULE:FUNC names; MODULE is importable (from here, too) or the path of a .py file."""
    module, _, name = function.rpartition(":")
    if not module or not name:
        raise UsageError(f"function is {function!r}, must be MODULE:FUNC, as in scipy.ndimage:median_filter")
    try:
        with contextlib.redirect_stdout(sys.stderr):   # what it prints would fall into the stream
            found = _file(module) if module.endswith(".py") else _module(module)
    except Exception as error:
        raise UsageError(f"{module} cannot be imported: {_last_line(error)}") from error
    for part in name.split("."):
        found = getattr(found, part, None)
    if not callable(found):
        raise UsageError(f"{module} has no function {name}")
    return found


def _module(name):
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    return importlib.import_module(name)


def _file(path):
    where = importlib.util.spec_from_file_location(os.path.basename(path)[:-3], path)
    module = importlib.util.module_from_spec(where)
    sys.path.append(os.path.dirname(os.path.abspath(path)))
    where.loader.exec_module(module)
    return module


def run(function, arg, block):
    """What the function makes of a block [n, y, x(, c)], which it may overwrite; SweepError where it fails."""
    call, shape = load(function), block.shape
    try:
        with contextlib.redirect_stdout(sys.stderr):
            result = np.asarray(call(block, **dict(_literal(word) for word in arg)))
    except Exception as error:
        raise SweepError(f"{function} failed on an array {shape} of {block.dtype}: {_last_line(error)}") from error
    if result.shape != shape:
        raise SweepError(f"{function} gave an array {result.shape} for {shape}, must keep the shape")
    if result.dtype.kind not in "biuf":
        raise SweepError(f"{function} gave an array of {result.dtype}, must be one of numbers")
    return result


def _literal(word):
    name, _, text = word.partition("=")
    try:
        return name, ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return name, text


def _last_line(error):
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[-1]}" if lines else type(error).__name__


def result_type(head, function, halo, arg, dtype):
    """--dtype, else the type of what the function makes of zeros."""
    return dtype or _probe(function, tuple(arg), tuple(2 * h + 8 for h in halo) + head.slice_shape[2:], head.dtype)


@lru_cache(maxsize=8)
def _probe(function, arg, shape, dtype):
    try:
        kind = run(function, arg, np.zeros(shape, dtype)).dtype
    except UsageError:
        raise
    except SweepError as error:
        raise SweepError(f"{error}; this was zeros, to learn the result's type: --dtype leaves that out") from error
    kind = {"bool": "uint8", "float16": "float32"}.get(kind.name, kind.name)
    if kind not in DTYPES:
        raise SweepError(f"{function} gives {kind}, which no stream has; give --dtype")
    return kind


def held(head, depth, halo):
    """The function's own copy of a block, and its result in float64."""
    voxels = [n + 2 * h for n, h in zip((depth, *head.shape[1:]), halo)]
    return int(np.prod(voxels, dtype=object)) * max(1, len(head.components)) * (head.dtype.itemsize + 8)


@op(
    "apply a Python function", task="Voxel by voxel", foreign=True, casts=True, edges=True, halo=lambda halo: halo,
    dtype=result_type, memory=held,
    examples=("numpy:sqrt --dtype float32", "scipy.ndimage:median_filter --halo 1 --arg size=3",
              "scipy.ndimage:gaussian_filter --halo 0,4,4 --arg sigma=(0,1,1) --dtype float32 --mode nearest",
              "numpy:isnan"),
)  # fmt: skip
def map(src, dst, box, *, function: Arg(Text, "MODULE:FUNC, where MODULE may be a .py file", metavar="MODULE:FUNC"),
        halo: Counts("what FUNC looks at beyond a voxel", low=0, unit="voxels") = (0, 0, 0),
        arg: Keyword("a keyword argument of FUNC", multiple=True) = ()):  # fmt: skip
    """Call FUNC(array, **arguments) on blocks of the volume and take what it gives in their place.

    The array is [z, y, x], or [z, y, x, c] where voxels have components, of the stream's type, and larger than the
    block by the halo on each side; beyond the volume it is filled by --mode. FUNC must give an array of the same shape,
    of which the halo is dropped. So the result is that of FUNC on the whole volume, if no voxel depends on any that is
    farther away than the halo; with less, it depends on how the stream was cut. FUNC may overwrite its array; what it
    prints goes to stderr.

    The type is --dtype (rounded to nearest even, clipped, NaN becomes 0 with a counted warning), else the type of what
    FUNC gives for zeros, 8 voxels and both halos along each axis: booleans as uint8. FUNC runs in one thread, and its
    own memory is not part of the prediction. An error of FUNC ends the stream and is told by its last line.
    """
    z0, z1, y0, y1, x0, x1 = box
    if min(z1 - z0, y1 - y0, x1 - x0) <= 0:
        return 0
    z, y, x = halo
    block = np.array(src[z0 : z1 + 2 * z, y0 : y1 + 2 * y, x0 : x1 + 2 * x], order="C")
    result = run(function, arg, block)
    inner = result[z : z + z1 - z0, y : y + y1 - y0, x : x + x1 - x0]
    return store(inner, dst[z0:z1, y0:y1, x0:x1])
