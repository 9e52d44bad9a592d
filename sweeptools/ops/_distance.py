"""The scans behind `edt`: `ends` goes down and logs where runs along z end, `distance` goes up and has the distances of
each slice at once. See kernels/distance.py for keys, runs and the steps along y and x."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ..errors import Refused, SweepError, UsageError
from ..kernels import distance as kernels
from ..kernels import voxel
from ..kernels.distance import CAP, LANES, NONE
from ..params import Param
from ..spec import Scan, op
from ._threads import SMALL, each  # noqa: F401

STRIPES = 8                        # parts of a slice, by rows, that threads take; what is logged must not depend on them
FAR = 1 << 30                      # a square that no distance has, in int32
WORDS = {np.dtype("int32"): np.int32, np.dtype("float64"): np.int64}


@dataclass(frozen=True)
class Ends:
    """What the way down left behind: for each slice the ends of the runs that begin there, then STRIPES counts; and
    whether there is a voxel to have a distance to."""

    log: Any
    some: bool


@op("voxels as whole numbers that are equal where the voxels are", dtype=lambda head: key_type(head), role="labels")
def equals(src, dst, box):
    """uint32, uint64 where the voxels have 64 bits. 0 is 0, all NaN are one value."""
    for part, out in voxel.parts(box, src, dst):
        if part.dtype.kind == "f":
            bits = part.view(f"u{part.dtype.itemsize}")
            np.copyto(out, np.where(part == 0, 0, bits))
            out[np.isnan(part)] = np.array(np.nan, part.dtype).view(bits.dtype)
        else:
            np.copyto(out, part, casting="unsafe")


def key_type(head):
    return np.dtype("uint64" if head.dtype.itemsize == 8 else "uint32")


def stripes(ny):
    """(first, end) of the rows of each part of a slice."""
    cuts = [ny * i // STRIPES for i in range(STRIPES + 1)]
    return list(zip(cuts, cuts[1:]))


# ------------------------------------------------------------------ down


def fall_start(head, disk):
    if max(head.box[0]) >= NONE:
        raise Refused(f"edt takes at most {NONE} slices, the volume has {head.whole[0]}")
    ny, nx = head.slice_shape
    return {
        "log": disk.log(np.int32), "higher": np.zeros((ny, nx), head.dtype), "upper": np.full((ny, nx), NONE, np.int32),
        "out": np.zeros((ny, nx), np.int32), "byte": np.zeros((STRIPES, -(-nx // 8) * 8), np.uint8),
        "begun": 0, "some": 0, "key": 0,
    }  # fmt: skip


def fall_step(state, src, dst, z, *, every, threads=None):
    for i in reversed(range(len(src))):
        keys = src[i]
        if not state["begun"]:
            state["higher"][:] = keys
            state["key"] = int(keys.flat[0]) if keys.size else 0
            state["some"] = int(state["key"] == 0 and not every)
            state["begun"] = 1
        else:
            emit(state, keys, 0, z + i, every, threads)
        if not state["some"]:
            state["some"] = int((keys != keys.dtype.type(state["key"])).any())


def emit(state, keys, fresh, z, every, threads=None):
    """Log the ends of the runs that begin at slice z + 1, whose keys are `higher`."""
    ny, nx = keys.shape
    flat = state["out"].reshape(-1)
    calls = [
        partial(kernels.descend, keys, state["higher"], fresh, every, z, state["upper"], state["byte"][i],
                flat[a * nx : b * nx], a, b)
        for i, (a, b) in enumerate(stripes(ny))
    ]  # fmt: skip
    counts = each(threads, keys.size, calls)
    for (a, _), n in zip(stripes(ny), counts):
        state["log"].append(flat[a * nx : a * nx + n])
    state["log"].append(np.array(counts, np.int32))
    np.copyto(state["higher"], keys)


@op(
    "log where runs along the swept axis end", scan=Scan(fall_start, fall_step), output="value", direction="down",
    memory=lambda head: head.slice_shape[0] * head.slice_shape[1] * (9 + head.dtype.itemsize) + (1 << 19),
)  # fmt: skip
def ends(state, *, every: Param("whether 0 is a value like any other")):
    """Ends of a stream of keys."""
    if state["begun"]:
        emit(state, np.zeros_like(state["higher"]), 1, -1, every)
    return Ends(state["log"], bool(state["some"]))


# ------------------------------------------------------------------ up


def sampling(head, voxels):
    """Distance between voxels along z, y, x."""
    if voxels or head.spacing is None:
        return (1.0, 1.0, 1.0)
    if None in head.spacing:
        raise UsageError("the volume has a spacing along some axes only; use --voxels, or sweep-read --spacing Z,Y,Xum")
    return tuple(float(s) for s in head.spacing)


def number_type(head, steps):
    """The type of squared distances: int32 for whole numbers that fit, which is where all axes have one spacing."""
    return np.dtype("int32" if len(set(steps)) == 1 and sum(n * n for n in head.shape) < FAR else "float64")


def table(n, step, dtype):
    """Squared distances of 0 to n steps, and `far` at the end."""
    t = (np.arange(n + 2) * step) ** 2
    t[-1] = np.inf if dtype.kind == "f" else FAR
    return t.astype(dtype)


def pitch(nx):
    return -(-nx // LANES) * LANES + 16


def rise_start(head, voxels):
    ny, nx = head.slice_shape
    steps = sampling(head, voxels)
    dtype, one = number_type(head, steps), len(set(steps)) == 1      # then squares are whole numbers, of voxels
    wide = (ny, pitch(nx))
    return {
        "lower": np.zeros((ny, nx), head.dtype), "steps": np.zeros((ny, nx), np.int32),
        "upper": np.full((ny, nx), NONE, np.int32), "below": np.full((ny, nx), -NONE, np.int32),
        "byte": np.zeros((STRIPES, -(-nx // 8) * 8), np.uint8), "row": np.zeros(nx, np.int32),
        "f": np.zeros(wide, dtype), "g": np.zeros(wide, dtype),
        "square": np.array([1.0] * 2 if one else [s * s for s in steps[1:]]), "scale": np.array([steps[0] if one else 1.0]),
        "begun": 0, "left": -1,
        **{"t" + axis: table(n, s, dtype) for axis, n, s in zip("zyx", head.shape, (1.0,) * 3 if one else steps)},
    }  # fmt: skip


class Scratch:
    """What one thread needs for the steps along y and x of a slice."""

    def __init__(self, state):
        (ny, nx), dtype = state["steps"].shape, state["f"].dtype
        wide = pitch(nx) - 16
        self.best = np.zeros(LANES, dtype)
        self.bits = self.best.view(WORDS[dtype])
        self.col, self.out = np.zeros((16, ny), dtype), np.zeros((16, ny), dtype)
        self.line, self.row = np.full(wide + 2 * CAP, state["tx"][-1], dtype), np.zeros(wide, dtype)
        self.site, self.cut = np.zeros(max(ny, nx), np.int32), np.zeros(max(ny, nx))


def rise_step(state, src, dst, z, *, ends, every, keyed, squared, threads=None, warn=None):
    if not state["begun"] and src.size and not ends.some and warn:
        what = "another value" if every else "a zero voxel"
        warn(f"the volume does not have {what}: all distances are infinite")
    if state["left"] < 0:
        state["left"] = len(ends.log)
    scratch = [Scratch(state) for _ in range(threads.count if threads else 1)]
    log = ends.log.array()                           # afresh, so that pages that were read can go
    for keys, out, at in zip(src, dst, range(z, z + len(src))):
        along_z(state, keys, at, log, every, threads)
        across(state, keys, out, scratch, keyed, squared, threads)
        if every:
            np.negative(out, out=out, where=keys != 0)
        np.copyto(state["lower"], keys)
        state["begun"] = 1


def along_z(state, keys, z, log, every, threads):
    """The squares of the steps along z of one slice."""
    stop = state["left"] - STRIPES
    counts = log[stop : stop + STRIPES].tolist() if stop >= 0 else [1]
    first = stop - sum(counts)
    if first < 0:
        raise SweepError("the source changed between sweeps")
    at = np.cumsum([0, *counts]).tolist()
    records = np.array(log[first:stop])
    calls = [
        partial(kernels.along_z, keys, state["lower"], 1 - state["begun"], every, z, state["upper"], state["below"],
                state["byte"][k], records, at[k], at[k + 1], state["tz"], state["f"], a, b)
        for k, (a, b) in enumerate(stripes(len(keys)))
    ]  # fmt: skip
    if each(threads, keys.size, calls) != counts:
        raise SweepError("the source changed between sweeps")
    state["left"] = first


def across(state, keys, dst, scratch, keyed, squared, threads):
    """The steps along y and x of one slice."""
    s, (ny, nx), parts = state, dst.shape, len(scratch)
    word, steps, size = WORDS[s["f"].dtype], s["steps"], dst.size
    (square_y, square_x), scale = s["square"].tolist(), s["scale"].item()
    rows = [(ny * k // parts, ny * (k + 1) // parts) for k in range(parts)]
    strips = -(-nx // LANES)
    columns = [(strips * k // parts, strips * (k + 1) // parts) for k in range(parts)]
    if keyed:
        kernels.edges(keys, steps, s["row"], False)
    each(threads, size, [
        partial(kernels.along_y, s["f"], keyed, steps, s["ty"], s["ty"].view(word), square_y, s["g"], a, b, m.best, m.bits,
                m.col, m.out, m.site, m.cut)
        for (a, b), m in zip(columns, scratch)
    ])  # fmt: skip
    if keyed:
        kernels.edges(keys, steps, s["row"], True)
    each(threads, size, [
        partial(kernels.along_x, s["g"], keyed, steps, s["tx"], s["tx"].view(word), square_x,
                scale * scale if squared else scale, squared, dst, a, b, m.best, m.bits, m.line, m.row, m.site, m.cut)
        for (a, b), m in zip(rows, scratch)
    ])  # fmt: skip


def rise_end(state):
    if state["left"] > 0:
        raise SweepError("the source changed between sweeps: it has fewer slices than before")


def held(head, voxels, threads):
    """Bytes of the way up."""
    ny, nx = head.slice_shape
    word = number_type(head, sampling(head, voxels)).itemsize
    one = word * (32 * ny + 2 * pitch(nx) + 4 * CAP) + 12 * max(ny, nx)
    logged = 4 * ny * nx + (1 << 19)
    return 2 * word * ny * pitch(nx) + (12 + head.dtype.itemsize) * ny * nx + 8 * sum(head.shape) + threads * one + logged


@op(
    "distance to the nearest voxel that is not alike", scan=Scan(rise_start, rise_step, rise_end), direction="up",
    dtype=lambda dtype: dtype, role="image", memory=held,
)  # fmt: skip
def distance(
    state, *, ends: Param("where runs along the swept axis end"), every: Param("whether 0 is a value like any other"),
    keyed: Param("whether keys are more than 0 and background"), voxels: Param("whether distances are in voxels"),
    squared: Param("whether squares are wanted"), dtype: Param("type of the distances"),
):  # fmt: skip
    """Of keys, slice by slice on the way up; the log of the way down is read from its end."""
