"""The scans behind `label` and its kin: `trace` logs what becomes of components, `resolve` follows them to the end, and
`numbered` repeats the scan and numbers them. See kernels/components.py for the window, the runs and the records."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import Refused, SweepError
from ..kernels import components
from ..params import Param
from ..spec import Scan, op
from . import _faces as faces

RESERVE = 1 << 16                  # entries of the table that are written at a time, and a slice's at least
BUFFERS = 1 << 19                  # bytes that two logs and the reserve hold
SCANS = {6: components.scan6, 18: components.scan18, 26: components.scan26}


@op("1 where a voxel is not zero", dtype="uint8", role="mask")
def nonzero(src, dst, box):
    """1 where a voxel is not zero, else 0; NaN is not zero."""
    components.nonzero(src, dst, box)


@dataclass(frozen=True)
class Trace:
    """What a sweep left behind: records of its slices, and what the backward pass needs to know of them."""

    log: Any                       # Log of int32: the records
    table: Any                     # an empty Log of int32, for what they come to
    window: int                    # members of the last slice's window
    widest: int                    # of the largest window
    faces: Any = None              # of a tile: _faces.Faces
    numbers: Any = None            # of a tile, when all of them are known: _faces.Numbers


@dataclass(frozen=True)
class Table:
    """What becomes of every component, from the last created to the first, and how many stay themselves."""

    log: Any
    table: Any
    labels: int
    numbers: Any = None            # of a tile: what its components are in the whole


# ------------------------------------------------------------------ one slice


def arrays(head, by_value):
    """{name: (shape, dtype)} of what a scan holds; a name that ends with 0 belongs to the slice before."""
    ny, nx = head.slice_shape
    most = ny * nx if by_value else ny * -(-nx // 2)
    if 2 * most + 3 >= 1 << 31:
        raise Refused(f"slices of {ny} x {nx} voxels are too large for labels, at most {1 << 30} runs fit in a slice")
    if by_value:
        one = {"row": (ny + 1, np.int32), "begin": (most, np.int32), "end": (most, np.int32)}
        one["value"] = (most, head.dtype)
    else:
        words = (ny + 2, nx // 64 + 2)
        one = {"bits": (words, np.uint64), "starts": (words, np.uint64), "base": (words, np.int32)}
    one["lab"] = (most, np.int32)
    rest = {"par": (2 * most, np.int32), "alive": (2 * most, np.uint8), "record": (2 * most + 3, np.int32)}
    if not by_value:
        rest["byte"] = (8 * (8 * (nx // 64 + 1)), np.uint8)
    return one | {name + "0": what for name, what in one.items()} | rest


def held(head, by_value, more):
    """Bytes of the arrays of a scan, of `more` bytes for each run of a slice, and of buffers."""
    told = arrays(head, by_value)
    return sum(int(np.prod(n)) * np.dtype(t).itemsize for n, t in told.values()) + more * told["lab"][0] + BUFFERS


def begin(head, connectivity, by_value):
    """The state of a scan before its first slice: an empty slice, no window."""
    state = {name: np.zeros(shape, dtype) for name, (shape, dtype) in arrays(head, by_value).items()}
    return state | {"window": 0, "connectivity": connectivity, "by_value": int(by_value)}


def advance(state, voxels):
    """Take in one slice: the state is that of its window, its record is returned."""
    for name in [name for name in state if name + "0" in state]:
        state[name], state[name + "0"] = state[name + "0"], state[name]
    s = state
    if s["by_value"]:
        now = (s["row"], s["begin"], s["end"], s["value"], s["lab"])
        before = (s["row0"], s["begin0"], s["end0"], s["value0"], s["lab0"])
        n = components.value_runs(voxels, *now[:-1])
        s["window"], size = components.value_scan(
            s["connectivity"], s["par"], s["window"], *now, n, *before, s["alive"], s["record"]
        )
    else:
        now = (s["bits"], s["starts"], s["base"], s["lab"])
        before = (s["bits0"], s["starts0"], s["base0"], s["lab0"])
        n = components.runs(voxels, s["byte"], *now[:-1])
        s["window"], size = SCANS[s["connectivity"]](
            s["par"], s["window"], *now, n, *before, s["alive"], s["record"]
        )
    return s["record"][:size]


# ------------------------------------------------------------------ the first sweep


def trace_start(head, disk, connectivity, by_value):
    state = begin(head, connectivity, by_value)
    logs = {"log": disk.log(np.int32), "table": disk.log(np.int32), "widest": 0, "faces": None}
    return state | logs | faces.start(head, disk, by_value)


def trace_step(state, src, dst, z):
    for i, voxels in enumerate(src):
        record = advance(state, voxels)
        state["log"].append(record)
        state["widest"] = max(state["widest"], state["window"])
        if state["faces"]:
            faces.note(state, voxels, z + i, record)


def trace_join(parts, tiles, head, disk, connectivity, by_value):
    """Traces of tiles that know what their components are in the whole."""
    numbers = faces.join(parts, tiles, head, disk, connectivity, by_value, follow)
    return [replace(part, numbers=own) for part, own in zip(parts, numbers, strict=True)]


@op(
    "log what becomes of components", output="value", direction="up",
    scan=Scan(trace_start, trace_step, tiles=True, join=trace_join),
    memory=lambda head, by_value: held(head, by_value, more=16) + faces.held(head),               # 16: for `resolve`
)  # fmt: skip
def trace(state, *, connectivity: Param("6, 18 or 26"), by_value: Param("whether only equal voxels are neighbours")):
    """Trace of the stream: where not by value it is a mask of 0 and 1."""
    return Trace(state["log"], state["table"], state["window"], state["widest"], state["faces"])


# ------------------------------------------------------------------ the log, backwards


def resolve(trace, most, mend):
    """Table of a trace; more labels than `most` is an error that says what would `mend` it."""
    labels = follow(trace) if trace.numbers is None else trace.numbers.labels
    if labels > most:
        raise SweepError(f"{labels} labels do not fit, at most {most} do{mend}")
    return Table(trace.log, trace.table, labels, trace.numbers)


def follow(trace):
    """Write the table of a trace; how many components stay themselves."""
    root, below = np.arange(trace.widest, dtype=np.int32), np.empty(2 * trace.widest, np.int32)
    out = np.empty(max(trace.widest, RESERVE), np.int32)
    at, window, labels = len(trace.log), trace.window, 0
    while at > 0:
        at, window, n, roots = components.resolve(trace.log.array(), at, window, root, below, out)
        trace.table.append(out[:n])
        labels += roots
    return labels


# ------------------------------------------------------------------ the second sweep


def numbered_start(head, connectivity, by_value, table, dtype):
    state = begin(head, connectivity, by_value)
    state["num"] = np.zeros(state["lab"].size, np.int64)
    if table.numbers is not None:
        state["all"] = np.zeros(state["lab"].size, np.int64)
    if not by_value:
        state["line"] = np.zeros(head.slice_shape[1] + 32, dtype)
    return state | {"read": 0, "left": len(table.table), "count": 0}


def numbered_step(state, src, dst, z, *, table):
    log, rows = table.log.array(), table.table.array()       # afresh, so that pages that were read can go
    numbers = None if table.numbers is None else table.numbers.array
    for voxels, out in zip(src, dst, strict=True):
        record = advance(state, voxels)
        read = state["read"] + len(record)
        if not np.array_equal(record, log[state["read"] : read]):
            raise SweepError("the source changed between sweeps")
        state["read"] = read
        state["left"], state["count"] = components.number(
            record, rows, state["left"], state["window"], state["num"], state["count"]
        )
        num = state["num"]
        if numbers is not None:                      # of a tile: they are other numbers in the whole
            num = state["all"]
            num[: state["window"]] = numbers[state["num"][: state["window"]] - 1]
        if state["by_value"]:
            components.value_paint(state["row"], state["begin"], state["end"], state["lab"], num, out)
        else:
            components.paint(voxels, state["starts"], state["lab"], num, state["line"], out)


def numbered_end(state):
    if state["left"]:
        raise SweepError("the source changed between sweeps: it has fewer slices than before")


@op(
    "number the components that were traced", direction="up", dtype=lambda dtype: dtype, role="labels",
    scan=Scan(numbered_start, numbered_step, numbered_end, tiles=True),
    memory=lambda head, by_value: held(head, by_value, more=8 + 16 * faces.is_tile(head)),
)  # fmt: skip
def numbered(
    state, *, connectivity: Param("6, 18 or 26"), by_value: Param("whether only equal voxels are neighbours"),
    table: Param("what becomes of every component"), labels: Param("how many there are"),
    dtype: Param("type of the numbers"),
):  # fmt: skip
    """1 to N by first voxel; the scan of `trace` again, whose records must be the same."""
