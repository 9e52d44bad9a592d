"""The scans behind `label` and its kin: `trace` logs what becomes of components, `resolve` follows them to the end, and
`numbered` repeats the scan and numbers them. See kernels/components.py for the window, the runs and the records."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from ..errors import Refused, SweepError
from ..kernels import bits, components, numbers, pairs, values
from ..params import Param
from ..spec import Scan, op
from . import _faces as faces
from ._threads import cuts, each

RESERVE = 1 << 16                  # entries of the table that are written at a time, and a slice's at least
BUFFERS = 1 << 19                  # bytes that two logs and the reserve hold
SCANS = {6: components.scan6, 18: components.scan18, 26: pairs.scan26}
GROUP = {6: 1, 18: 1, 26: 2}       # rows that are scanned as one
PARTS = 4                          # of a slice that threads paint


@op("1 where a voxel is not zero", dtype="uint8", role="mask")
def nonzero(src, dst, box):
    """1 where a voxel is not zero, else 0; NaN is not zero."""
    bits.nonzero(src, dst, box)


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


def arrays(head, by_value, connectivity=6):
    """{name: (shape, dtype)} of what a scan holds; a name that ends with 0 belongs to the slice before, with 1 to the one
    after."""
    ny, nx = head.slice_shape
    lines = ny if by_value else -(-ny // GROUP[connectivity])
    most = ny * nx if by_value else lines * -(-nx // 2)
    if 2 * most + 3 >= 1 << 31:
        raise Refused(f"slices of {ny} x {nx} voxels are too large for labels, at most {1 << 30} runs fit in a slice")
    if by_value:
        one = {"row": (ny + 1, np.int32), "begin": (most, np.int32), "end": (most, np.int32)}
        one["value"] = (most, head.dtype)
    else:
        words = nx // 64 + 2
        one = {"bits": ((GROUP[connectivity] * (lines + 2), words), np.uint64)}
        one |= {"starts": ((lines + 2, words), np.uint64), "base": ((lines + 2, words), np.int32)}
        ahead = {name + "1": what for name, what in one.items()}
    one["lab"] = (most, np.int32)
    rest = {"par": (2 * most, np.int32), "alive": (2 * most, np.uint8), "record": (2 * most + 3, np.int32)}
    if not by_value:
        rest["byte"] = (8 * (8 * (nx // 64 + 1)), np.uint8)
        rest |= ahead
    return one | {name + "0": what for name, what in one.items()} | rest


def held(head, by_value, more, connectivity=6):
    """Bytes of the arrays of a scan, of `more` bytes for each run of a slice, and of buffers."""
    told = arrays(head, by_value, connectivity)
    return sum(int(np.prod(n)) * np.dtype(t).itemsize for n, t in told.values()) + more * told["lab"][0] + BUFFERS


def begin(head, connectivity, by_value):
    """The state of a scan before its first slice: an empty slice, no window."""
    state = {name: np.zeros(shape, dtype) for name, (shape, dtype) in arrays(head, by_value, connectivity).items()}
    return state | {"window": 0, "connectivity": connectivity, "by_value": int(by_value)}


def advance(state, src, take, threads=None, paints=None):
    """Take in the slices of a block one after the other. After each, when the state is that of its window, comes
    take(record, size of the window before, i).

    In threads of their own, the runs of the next slice are found and the calls paints(state, i) are made for slice i - 1.
    """
    beside = []
    for i, voxels in enumerate(src):
        if not state["by_value"] and i == 0:
            find_runs(state, voxels)()
        turn(state)
        if not state["by_value"] and i + 1 < len(src):
            beside.insert(0, find_runs(state, src[i + 1]))
        each(threads, voxels.size, [partial(scan, state, voxels, partial(take, i=i)), *beside])
        beside = paints(state, i) if paints else []
    each(threads, src[0].size if len(src) else 0, beside)


def find_runs(state, voxels):
    """A call that finds the runs of the slice after."""
    s = state
    return partial(bits.runs, voxels, GROUP[s["connectivity"]], s["byte"], s["bits1"], s["starts1"], s["base1"])


def turn(state):
    """What was of the slice after is of this one, and what was of this one is of the slice before."""
    for name in [name for name in state if name + "0" in state]:
        if name + "1" in state:
            state[name], state[name + "1"] = state[name + "1"], state[name]
            state[name + "0"], state[name + "1"] = state[name + "1"], state[name + "0"]
        else:
            state[name], state[name + "0"] = state[name + "0"], state[name]


def scan(state, voxels, take):
    """Take in one slice, whose runs were found unless they are of equal values."""
    s, before = state, state["window"]
    if s["by_value"]:
        now = (s["row"], s["begin"], s["end"], s["value"], s["lab"])
        last = (s["row0"], s["begin0"], s["end0"], s["value0"], s["lab0"])
        n = values.value_runs(voxels, *now[:-1])
        s["window"], size = values.value_scan(
            s["connectivity"], s["par"], s["window"], *now, n, *last, s["alive"], s["record"]
        )
    else:
        now = (s["bits"], s["starts"], s["base"], s["lab"])
        last = (s["bits0"], s["starts0"], s["base0"], s["lab0"])
        s["window"], size = SCANS[s["connectivity"]](
            s["par"], s["window"], *now, int(s["base"][-1, 1]), *last, s["alive"], s["record"]
        )
    take(s["record"][:size], before)


# ------------------------------------------------------------------ the first sweep


def trace_start(head, disk, connectivity, by_value):
    state = begin(head, connectivity, by_value)
    logs = {"log": disk.log(np.int32), "table": disk.log(np.int32), "widest": 0}
    return state | logs | faces.start(head, disk, by_value)


def trace_step(state, src, dst, z, *, threads=None):
    def take(record, before, i):
        state["log"].append(record)
        state["widest"] = max(state["widest"], state["window"])
        if "faces" in state:
            faces.note(state, src[i], z + i, record)

    advance(state, src, take, threads)


def trace_join(parts, tiles, head, disk, connectivity, by_value):
    """Traces of tiles that know what their components are in the whole."""
    found = faces.join(parts, tiles, head, disk, connectivity, by_value, follow)
    return [replace(part, numbers=own) for part, own in zip(parts, found, strict=True)]


@op(
    "log what becomes of components", output="value", direction="up",
    scan=Scan(trace_start, trace_step, tiles=True, join=trace_join),
    memory=lambda head, by_value, connectivity=6: held(head, by_value, 16, connectivity) + faces.held(head),
)  # fmt: skip
def trace(state, *, connectivity: Param("6, 18 or 26"), by_value: Param("whether only equal voxels are neighbours")):
    """Trace of the stream: where not by value it is a mask of 0 and 1."""
    return Trace(state["log"], state["table"], state["window"], state["widest"], state.get("faces"))


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
        at, window, n, roots = numbers.resolve(trace.log.array(), at, window, root, below, out)
        trace.table.append(out[:n])
        labels += roots
    return labels


# ------------------------------------------------------------------ the second sweep


def painted(head, by_value, dtype, connectivity=6):
    """Bytes of a scan that paints numbers of a type."""
    word = np.dtype(dtype).itemsize
    more = 2 * word * (2 if faces.is_tile(head) else 1)
    return held(head, by_value, more, connectivity) + PARTS * word * (head.slice_shape[1] + 32)


def numbered_start(head, connectivity, by_value, table, dtype):
    state = begin(head, connectivity, by_value)
    if table.numbers is not None:
        state |= {name: np.zeros(state["lab"].size, dtype) for name in ("all", "all0")}
    return state | {"read": 0, "left": len(table.table), "count": 0} | canvas(state, head, dtype)


def canvas(state, head, dtype):
    """What painting needs: numbers by place for a slice and for the one before, a row for each part."""
    return {
        "num": np.zeros(state["lab"].size, dtype), "num0": np.zeros(state["lab"].size, dtype),
        "line": np.zeros((PARTS, head.slice_shape[1] + 32), dtype),
    }  # fmt: skip


def numbered_step(state, src, dst, z, *, table, threads=None):
    log, rows = table.log.array(), table.table.array()       # afresh, so that pages that were read can go
    whole = None if table.numbers is None else table.numbers.array
    repaint(state, src, dst, log, partial(assign, rows=rows, whole=whole), threads)


def assign(state, record, rows, whole):
    """The numbers of a new window; `whole`: of a tile, what they are in the whole."""
    state["left"], state["count"] = numbers.number(
        record, rows, state["left"], state["window"], state["num"], state["count"]
    )
    if whole is not None:
        state["all"][: state["window"]] = whole[state["num"][: state["window"]] - 1]


def repaint(state, src, dst, log, assign, threads):
    """Repeat the scan, whose records must be those of the log, `assign` each window its numbers, and paint them."""

    def take(record, before, i):
        read = state["read"] + len(record)
        if not np.array_equal(record, log[state["read"] : read]):
            raise SweepError("the source changed between sweeps")
        state["read"] = read
        state["num"][:before] = state["num0"][:before]
        assign(state, record)

    advance(state, src, take, threads, lambda state, i: painting(state, src[i], dst[i]))


def painting(state, voxels, out):
    """Calls that paint the slice that was taken in last."""
    s, num = state, state["all" if "all" in state else "num"]
    if s["by_value"]:
        return [partial(values.value_paint, s["row"], s["begin"], s["end"], s["lab"], num, out)]
    group, lines = GROUP[s["connectivity"]], len(s["starts"]) - 2
    return [
        partial(numbers.paint, voxels, group, s["starts"], s["base"], s["lab"], num, line, out, a, b)
        for line, (a, b) in zip(s["line"], cuts(lines, PARTS))
    ]


def numbered_end(state):
    if state["left"]:
        raise SweepError("the source changed between sweeps: it has fewer slices than before")


@op(
    "number the components that were traced", direction="up",
    scan=Scan(numbered_start, numbered_step, numbered_end, tiles=True), dtype=lambda dtype: dtype, role="labels",
    memory=painted,
)  # fmt: skip
def numbered(
    state, *, connectivity: Param("6, 18 or 26"), by_value: Param("whether only equal voxels are neighbours"),
    table: Param("what becomes of every component"), labels: Param("how many there are"),
    dtype: Param("type of the numbers"),
):  # fmt: skip
    """1 to N by first voxel; the scan of `trace` again, whose records must be the same."""
