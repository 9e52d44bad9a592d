"""Which labels a volume has, and others in their place."""

import numpy as np

from ..errors import UsageError
from ..kernels import regions, relabel
from ..kernels.levels import flat
from ..params import Param
from ..spec import Reduce, op

RUNS = 1 << 14                     # runs that are found at a time


def check(head, name):
    """Refuse what are no labels."""
    if head.dtype.kind not in "iu" or head.components:
        what = f"components {', '.join(head.components)}" if head.components else str(head.dtype)
        raise UsageError(f"{name} needs labels, whole numbers, the stream has {what}")


# ------------------------------------------------------------------ the labels that there are


def start(head):
    return {
        "count": 0, "slots": np.zeros(256, np.int32), "labels": np.zeros(128, np.uint64),
        "runs": np.empty((max(RUNS, head.shape[2]), 5), np.int64),
    }  # fmt: skip


def reserve(state, rows):
    """Double the table until it has room for so many labels."""
    size = len(state["labels"])
    if size < rows:
        while size < rows:
            size *= 2
        labels = np.zeros(size, np.uint64)
        labels[: state["count"]] = state["labels"][: state["count"]]
        state["labels"], state["slots"] = labels, np.zeros(2 * size, np.int32)
        regions.rehash(state["slots"], labels, state["count"])


def add(state, src, box, z):
    line, lines, width = 0, (box[1] - box[0]) * (box[3] - box[2]), box[5] - box[4]
    while line < lines and width:
        reserve(state, state["count"] + width)
        line, state["count"], _ = regions.runs(
            src, box, line, state["slots"], state["labels"], state["count"], state["runs"]
        )


def merge(state, other):
    n = other["count"]
    reserve(state, state["count"] + n)
    state["count"] = regions.rows_of(
        other["labels"], n, state["slots"], state["labels"], state["count"], np.empty(n, np.int64)
    )
    return state


def held(head, threads):
    """Bytes of the tables of as many labels as the type has, at most 65536, while they double."""
    voxels = int(np.prod(head.shape, dtype=object))
    rows = 1 << min(voxels, 1 << min(16, 8 * head.dtype.itemsize)).bit_length()
    return threads * (rows * 48 + max(RUNS, head.shape[2]) * 40)


@op("the labels above 0 that there are", reduce=Reduce(start, add, merge), memory=held)
def present(state):
    """uint64, rising."""
    return np.sort(state["labels"][: state["count"]])


# ------------------------------------------------------------------ others in their place


@op("numbers in the place of others")
def replaced(src, dst, box, *, pairs: Param("old (rising) and new numbers"), rest: Param("in the place of others, or None"),
             count: Param("how many there are") = 0):  # fmt: skip
    """Of src's type; where `rest` is None others stay."""
    old, new = (np.ascontiguousarray(numbers).astype(src.dtype) for numbers in pairs)
    none = src.dtype.type(0 if rest is None else rest)
    box, src, dst = flat(box, src, dst)
    relabel.replace(src, dst, box, old, new, none, rest is None)
