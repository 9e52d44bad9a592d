"""The table behind `regions` while it grows: sums in typed arrays, a row for each label, in memory while it is small."""

from math import nan

import numpy as np

from ..errors import Refused, UsageError
from ..kernels import contacts, weights
from ..kernels import regions as kernels
from ..params import Param
from ..spec import Reduce, op
from ._region_columns import HEAVY, LIGHT, ROWS, columns

LONGEST = 1 << 21                  # voxels along an axis for which a run's sums fit in 64 bits
MOST = 45                          # of the number of voxels in a region, bits
RUNS = 1 << 14                     # runs that are found, then added, at a time
TABLE = 16 << 20                   # bytes of a table in memory; a larger one is in a file
ROW = 2048                         # bytes of a row, at most
MANTISSA = {"float32": 23, "float64": 52}
BITS = {"float32": 277, "float64": 2098, "int64": 64, "uint64": 64}       # of a value, in multiples of the least one


def check(head):
    """Refuse what are no labels, or too large."""
    if head.dtype.kind not in "iu" or head.components:
        what = f"components {', '.join(head.components)}" if head.components else str(head.dtype)
        raise UsageError(f"regions needs labels, whole numbers, the stream has {what}; make them with sweep-label")
    if max(head.whole) > LONGEST:
        raise Refused(f"regions takes axes of at most {LONGEST} voxels, the volume has {max(head.whole)}")


# ------------------------------------------------------------------ the state


def start(head, disk=None):
    """An empty table, and what the finished one needs to know of the stream. Without a disk it stays in memory."""
    check(head)
    state = {
        "count": 0, "slots": np.zeros(256, np.int32), "labels": np.zeros(128, np.uint64),
        "sums": np.zeros((128, 19), np.uint64), "ends": np.zeros((128, 6), np.int64),
        "runs": np.empty((max(RUNS, head.shape[2]), 5), np.int64),
        "first": np.array([lo for lo, _ in head.box]), "whole": np.array(head.whole), "order": np.array(head.order),
        "spacing": np.array([nan if s is None else s for s in head.spacing or (None,) * 3], np.float64),
        "origin": np.array(head.origin, np.float64), "unit": np.array(head.unit or "world"),
    }  # fmt: skip
    return state if disk is None else state | {"disk": disk}


def begin_weights(state, dtype):
    """Make room for intensities of a type, once."""
    if "limbs" not in state:
        rows = len(state["labels"])
        state["at"] = places(dtype)
        state["limbs"] = np.zeros((rows, state["at"][-1]), np.uint64)
        state["odd"] = np.zeros((rows, 3), np.int64)
        state["least"], state["greatest"] = np.empty(rows, dtype), np.empty(rows, dtype)
        state["least"][:], state["greatest"][:] = extremes(dtype)


def begin_contacts(state):
    """Make room for contacts, once."""
    if "met" not in state:
        state["met"] = np.zeros((len(state["labels"]), 4), np.int64)


def places(dtype):
    """Where the words of the five sums of intensities begin, and the last ones end; see kernels/weights.py."""
    bits = BITS.get(dtype.name, 32)
    wide = (bits + MOST + 1, 2 * bits + MOST, *(3 * (bits + MOST + LONGEST.bit_length(),)))
    return np.cumsum([0, *(-(-n // 64) for n in wide)])


def extremes(dtype):
    """What every least and every greatest value begins with."""
    return (np.inf, -np.inf) if dtype.kind == "f" else (np.iinfo(dtype).max, np.iinfo(dtype).min)


GROW = ("labels", "sums", "ends", "limbs", "odd", "least", "greatest", "met")


def reserve(state, rows):
    """Double the table until it has this many rows; one that is larger than TABLE lies in files, whose pages the system
    keeps in memory while they are in use, and only then."""
    size = len(state["labels"])
    if size >= rows:
        return
    while size < rows:
        size *= 2
    names = [name for name in GROW if name in state]
    each = 8 + sum(state[name].nbytes for name in names) // len(state["labels"])
    make = room(state, size * each)
    for name in names:
        old = state[name]
        state[name] = make((size, *old.shape[1:]), old.dtype)
        if name in ("least", "greatest"):
            state[name][:] = extremes(old.dtype)[name == "greatest"]
        state[name][: state["count"]] = old[: state["count"]]
    state["slots"] = None                            # the old one goes before the new one is made
    state["slots"] = make((2 * size,), np.dtype(np.int32))
    kernels.rehash(state["slots"], state["labels"], state["count"])


def room(state, size):
    """What makes arrays of zeros that have so many bytes in all."""
    return state["disk"].zeros if "disk" in state and size > TABLE else np.zeros


# ------------------------------------------------------------------ adding and merging


def add(state, src, *rest, surface=False):
    """Add a box of a block of labels (of contacts, and of intensities) whose first slice is z: rest is [contacts,]
    [intensity,] box, z."""
    *more, box, z = rest
    met, intensity = (more[:1], more[1:]) if surface else ([], more)
    if intensity and intensity[0].ndim > 3:
        raise UsageError("regions takes intensities with one value per voxel; these have components")
    if met:
        begin_contacts(state)
    if intensity:
        begin_weights(state, intensity[0].dtype)
    line, lines, width = 0, (box[1] - box[0]) * (box[3] - box[2]), box[5] - box[4]
    first = np.array([z, *state["first"][1:]])
    while True:
        reserve(state, state["count"] + width)
        line, state["count"], n = kernels.runs(
            src, box, line, state["slots"], state["labels"], state["count"], state["runs"]
        )
        kernels.measure(state["runs"], n, *first.tolist(), state["sums"], state["ends"])
        if met:
            contacts.touch(state["runs"], n, met[0], state["met"])
        if intensity:
            weigh(state, intensity[0], n, first)
        if line >= lines:
            return


def weigh(state, values, n, first):
    """Add the intensities of n runs."""
    name, runs, into = values.dtype.name, state["runs"], (state["least"], state["greatest"])
    if name in MANTISSA or values.dtype.itemsize == 8:
        bits = values.view(f"uint{8 * values.dtype.itemsize}")
        mantissa = MANTISSA.get(name, 0)
        weights.weigh(runs, n, values, bits, mantissa, first, state["at"], state["limbs"], state["odd"], *into)
    else:
        weights.weigh_small(runs, n, values, first, state["at"], state["limbs"], *into)


def merge(state, other):
    """Both tables in the first."""
    if "met" in other:
        begin_contacts(state)
    if "limbs" in other:
        begin_weights(state, other["least"].dtype)
    for i in range(0, other["count"], ROWS):
        more = {name: other[name][i : min(i + ROWS, other["count"])] for name in GROW if name in other}
        n = len(more["labels"])
        reserve(state, state["count"] + n)
        rows = np.empty(n, np.int64)
        state["count"] = kernels.rows_of(more["labels"], n, state["slots"], state["labels"], state["count"], rows)
        kernels.merge(rows, n, state["sums"], state["ends"], more["sums"], more["ends"])
        if "met" in more:
            state["met"][rows] += more["met"]
        if "limbs" in more:
            names = ("limbs", "odd", "least", "greatest")
            weights.merge(rows, n, state["at"], *(s[name] for s in (state, more) for name in names))
    return state


# ------------------------------------------------------------------ the finished table


def held(head, threads):
    """Bytes of the tables of all threads, the last of which doubles, and of columns made of rows."""
    voxels = int(np.prod(head.shape, dtype=object))
    rows = 1 << min(voxels, 1 << min(20, 8 * head.dtype.itemsize)).bit_length()
    tables = min(rows * ROW * 3 // 2, TABLE * 3 // 2)
    making = max(min(rows, ROWS) * LIGHT, min(rows, ROWS // 4) * HEAVY)
    return threads * (tables + max(RUNS, head.shape[2]) * 40) + min(rows * ROW // 4, TABLE) + making


@op("measure labelled regions", output="table", extent="volume", memory=held, reduce=Reduce(start, add, merge))
def measured(state, *, surface: Param("whether contacts are given") = False):
    """The table of sweep-regions, its columns in the volume's own axes, made of a few rows at a time."""
    if surface:
        begin_contacts(state)
    n = state["count"]
    labels = room(state, n * 8)((n,), np.dtype(np.uint64))
    labels[:] = state["labels"][:n]
    labels.sort()
    table, step = {}, ROWS // 4 if "limbs" in state else ROWS
    for i in range(0, max(1, n), step):
        wanted = labels[i : i + step]
        rows = np.empty(len(wanted), np.int64)
        kernels.rows_of(wanted, len(wanted), state["slots"], state["labels"], n, rows)
        part = columns(state, rows)
        if not table:
            make = room(state, n * sum(column.dtype.itemsize for column in part.values()))
            table = {name: make((n,), column.dtype) for name, column in part.items()}
        for name, column in part.items():
            table[name][i : i + step] = column
    return table
