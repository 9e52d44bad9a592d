"""Exact quantiles of a stream: from the counts of every value, or by radix selection, 16 bits per sweep.

Selection is on keys: the bits of a voxel, made to rise with its value. A sweep counts 16 bits of all keys that begin as
those of the wanted ranks do, the highest bits first; all quantiles go together.
"""

from functools import partial
from math import floor

import numpy as np

from ..kernels import counts
from ..kernels.levels import flat
from ..params import Param
from ..spec import Reduce, op
from ._levels import few, merge_tally, tally
from ._sample import part, within

KINDS = {"u": 0, "i": 1, "f": 2}


def quantiles(stdin, q, finite=True, slices=None):
    """Node of the quantiles `q` (numbers 0..1), as numpy.quantile has them on float64; None where there is no voxel.

    NaN is left out, infinities too where `finite`. A quantile that is a voxel is given exactly, in its own type. Where
    there are `slices`, only voxels of those count.
    """
    dtype = stdin.head.dtype
    if few(dtype):
        return (stdin | tally(slices=slices)).then(partial(of_tally, q))
    return selected(stdin, q, finite, slices).then(of_keys)


def selected(stdin, q, finite=True, slices=None):
    """Node of what `select` comes to in the last of its sweeps, for types of 32 bits and more."""
    sought = tuple(q)
    for sweep in range(stdin.head.dtype.itemsize // 2):
        sought = stdin | select(sought=sought, finite=finite, most=2 * len(q) if sweep else 1, slices=slices)
    return sought


def ranks(q, n):
    """For each quantile of n sorted values: the ranks of both neighbours, and how far it lies from the lower one."""
    place = [min(max((n - 1) * share, 0), n - 1) for share in q]
    low = [floor(p) for p in place]
    return low, [min(r + 1, n - 1) for r in low], [p - r for p, r in zip(place, low)]


def between(a, b, share):
    """numpy's `linear`: what lies SHARE of the way from a to b."""
    if share == 0 or a == b:
        return a
    a, b = float(a), float(b)
    return a + (b - a) * share if share < 0.5 else b - (b - a) * (1 - share)


def of_tally(q, counted):
    values, counts = counted
    if not len(values):
        return None
    up_to = np.cumsum(counts)
    low, high, shares = ranks(q, int(up_to[-1]))
    pick = lambda wanted: values[np.searchsorted(up_to, wanted, side="right")].tolist()  # noqa: E731
    return [between(*three) for three in zip(pick(low), pick(high), shares)]


# ------------------------------------------------------------------ selection


def start(head, sought):
    """`sought` is what an earlier sweep came to, or at first the quantiles themselves."""
    first = isinstance(sought, tuple)
    prefixes = np.zeros(1, np.uint64) if first else np.unique(sought["prefixes"])
    return {
        "counts": np.zeros((len(prefixes), 1 << 16), np.int64), "prefixes": prefixes,
        "shift": (head.dtype.itemsize * 8 if first else sought["shift"]) - 16, "type": np.empty(0, head.dtype),
    }  # fmt: skip


def add(state, src, box, z, *, finite, slices=None):
    bad = 0
    if src.dtype.kind == "f":
        bad = int(np.array(np.inf, src.dtype).view(f"u{src.dtype.itemsize}")) + (not finite)
    for some in within(box, z, slices):
        some, voxels = flat(some, src)
        counts.digits(
            voxels.view(f"u{src.dtype.itemsize}"), some, KINDS[src.dtype.kind], np.uint64(bad), state["shift"],
            state["prefixes"], state["counts"],
        )  # fmt: skip


@op("narrow down the keys of ranks by 16 bits", reduce=Reduce(start, add, merge_tally),
    memory=lambda most, threads: most * (threads + 2) * 8 << 16, some=lambda slices: slices)  # fmt: skip
def select(state, *, sought: Param("quantiles, or what an earlier sweep found"), finite: Param("no infinities") = True,
           most: Param("ranks of different beginnings, at most") = 1, slices: part() = None):  # fmt: skip
    """{prefixes: the bits known so far of each rank's key, ranks: its rank among the keys that begin so, shares, shift,
    type, voxels: how many count}; the ranks of the lower neighbours first, then those of the upper ones."""
    up_to = np.cumsum(state["counts"], axis=1)
    if isinstance(sought, tuple):
        n = int(up_to[0, -1])
        low, high, shares = ranks(sought, n) if n else ([], [], [])
        sought = {"prefixes": np.zeros(len(low) * 2, np.uint64), "ranks": low + high, "shares": shares, "voxels": n}
    prefixes, within = [], []
    for prefix, rank in zip(sought["prefixes"].tolist(), sought["ranks"]):
        row = up_to[np.searchsorted(state["prefixes"], np.uint64(prefix))]
        digit = int(np.searchsorted(row, rank, side="right"))
        prefixes.append(prefix << 16 | digit)
        within.append(rank - (int(row[digit - 1]) if digit else 0))
    return {"prefixes": np.array(prefixes, np.uint64), "ranks": within, "shares": sought["shares"],
            "shift": state["shift"], "type": state["type"].dtype, "voxels": sought["voxels"]}  # fmt: skip


def of_keys(sought):
    """The quantiles, from whole keys."""
    if not sought["ranks"]:
        return None
    dtype, keys = sought["type"], sought["prefixes"].astype(f"u{sought['type'].itemsize}")
    sign = keys.dtype.type(1 << (8 * dtype.itemsize - 1))
    if dtype.kind == "f":
        keys ^= np.where(keys & sign, sign, ~keys.dtype.type(0))
    elif dtype.kind == "i":
        keys ^= sign
    values = keys.view(dtype).tolist()
    half = len(values) // 2
    return [between(a + 0, b + 0, share) for a, b, share in zip(values[:half], values[half:], sought["shares"])]
