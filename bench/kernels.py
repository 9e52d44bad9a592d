"""Filters from an array to an array in this process, against the peers' on the same array."""

from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec

import numpy as np

from . import agree, arrays, inside
from .harness import COPY, OURS, PEER, THREADS, Way, contest, timed
from .volumes import whole

NEEDS = {"scipy": "scipy", "scikit-image": "skimage", "SimpleITK": "SimpleITK", "numpy": "numpy"}


@dataclass(frozen=True)
class Task:
    """One filter: ours as commands, peers as functions of an array with how far they may differ by type of voxel."""

    name: str
    command: str
    peers: tuple                       # (library, what, function, {"u": ..., "f": ...} or one for both)
    bar: str = ""
    slow: bool = False                 # whether peers do only a few Mvox/s
    value: bool = False                # whether it is an answer, not a stream
    dtypes: tuple = ()                 # else those of the scale


ROUNDED = {"u": agree.within(1), "f": agree.within(1e-5)}       # sums in another order, or in float64
EXACT = agree.equal
THREADED = f"{THREADS} threads"
TASKS = (
    Task("Gaussian, sigma 2", "gauss 2 --mode nearest", (
        ("scipy", THREADED, arrays.in_threads(arrays.scipy_gauss, 8), ROUNDED),
        ("SimpleITK", "recursive", arrays.itk_gauss, agree.approximate)), "gauss"),
    Task("median 3", "median 3 --mode nearest", (
        ("scipy", THREADED, arrays.in_threads(arrays.scipy_median(3), 1), EXACT),
        ("SimpleITK", "", arrays.itk_median(1), EXACT)), "median 3", slow=True),
    Task("median 5", "median 5 --mode nearest", (
        ("scipy", THREADED, arrays.in_threads(arrays.scipy_median(5), 2), EXACT),
        ("SimpleITK", "", arrays.itk_median(2), EXACT)), "median 5", slow=True),
    Task("erosion, box 7", "erode box:7 --mode nearest", (           # SimpleITK's took 24 times as long as scipy's
        ("scipy", THREADED, arrays.in_threads(arrays.scipy_least, 3), EXACT),), "box 7"),
    Task("mean, box 7", "box 7 --mode nearest", (
        ("scipy", THREADED, arrays.in_threads(arrays.scipy_mean, 3), ROUNDED),
        ("SimpleITK", "its own edges", arrays.itk_mean, agree.approximate))),
    Task("dilation, ball 3", "dilate ball:3 --mode nearest", (
        ("scipy", THREADED, arrays.in_threads(arrays.scipy_greatest, 3), EXACT),
        ("SimpleITK", "its own ball", arrays.itk_greatest, agree.approximate)), "ball 3", slow=True),
    Task("mean, 2 x 2 x 2", "downsample 2", (
        ("numpy", "", arrays.numpy_half, None),
        ("scikit-image", "", arrays.skimage_half, None),
        ("SimpleITK", "", arrays.itk_half, None)), "2x mean"),
    Task("histogram", "hist", (
        ("numpy", f"bincount, {THREADED}", arrays.in_threads(arrays.numpy_counts, join=sum), EXACT),),
        value=True, dtypes=("uint8", "uint16")),
    Task("histogram, 256 bins", "hist --bins 256", (("numpy", "histogram", arrays.numpy_bins, EXACT),),
         value=True, dtypes=("float32",)),
    Task("Otsu's threshold", "otsu", (
        ("scikit-image", "", arrays.skimage_otsu, agree.few(1e-4)),
        ("SimpleITK", "", arrays.itk_otsu, agree.approximate))),
)  # fmt: skip


def ours(task, v):
    """What ours makes of an array, in the form of the peers'."""
    if not task.value:
        return inside.apply(v, task.command, threads=THREADS)
    table = inside.value(v, task.command, THREADS)
    if v.dtype.kind == "f":
        return np.asarray(table["count"])
    counts = np.zeros(1 << 8 * v.itemsize, np.int64)
    counts[np.asarray(table["low"])] = table["count"]
    return counts


def even(ours, theirs):
    """Of means of 2 x 2 x 2: where both have a voxel, the same but for the rounding of halves."""
    z, y, x = theirs.shape
    return agree.within(1 if theirs.dtype.kind == "u" else 1e-5)(ours[:z, :y, :x], theirs)


def present(library):
    return find_spec(NEEDS[library]) is not None


def run(task, shape, dtype, scale):
    """The Contest of one filter on one volume."""
    v = whole(shape, dtype)
    few = np.ascontiguousarray(v[:4])
    kind, into = v.dtype.kind, np.empty_like(v)
    ways = [Way("sweeptools", OURS, partial(timed, ours, task, v))]
    for library, what, fn, same in task.peers:
        if present(library):
            same = even if same is None else same[kind] if isinstance(same, dict) else same
            name = f"{library}, {what}" if what else library
            ways.append(Way(name, PEER, partial(timed, fn, v), same, partial(fn, few)))
    ways.append(Way("copy in memory", COPY, partial(timed, np.copyto, into, v)))
    missing = [library for library, *_ in task.peers if not present(library)]
    bar = f"{task.bar} {dtype}" if task.bar else ""
    return contest(f"{task.name}, {dtype}, {' x '.join(map(str, shape))}", ways, scale, v.size, v.nbytes, bar, missing)


def contests(scale):
    """All filters over both planes and all types; then narrow volumes of bytes, for what they cost a voxel."""
    for task in TASKS:
        for dtype in task.dtypes or scale.dtypes:
            for plane in scale.planes:
                yield run(task, (scale.slow if task.slow else scale.fast, *plane), dtype, scale)
    for task in TASKS[0], TASKS[1], TASKS[3]:
        for width in scale.narrow:
            narrow = replace(task, name=f"{task.name}, {width} wide", peers=task.peers[:1], bar="")
            yield run(narrow, (scale.fast, 1 << 14, width), "uint8", scale)
