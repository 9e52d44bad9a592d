"""The table behind `regions` while it grows, and when it is finished: sums in typed arrays, a row for each label."""

from math import nan

import numpy as np

from ..errors import Refused, UsageError
from ..kernels import regions as kernels
from ..params import Param
from ..spec import Reduce, op
from ._exact import quotient, root

LONGEST = 1 << 21                  # voxels along an axis for which a run's sums fit in 64 bits
RUNS = 1 << 14                     # runs that are found, then added, at a time
ROWS = 1 << 13                     # rows whose sums become whole numbers of Python's at a time
SMALL = 1 << 26                    # voxels times extent below which moments are exact in float64
AXES = ("major", "middle", "minor", "major_z", "major_y", "major_x")
MANTISSA = {"float32": 23, "float64": 52}
PAIRS = {"zz": (0, 0), "yy": (1, 1), "xx": (2, 2), "zy": (0, 1), "zx": (0, 2), "yx": (1, 2)}


# ------------------------------------------------------------------ the table while it grows


def check(head):
    """Refuse what are no labels, or too large."""
    if head.dtype.kind not in "iu" or head.components:
        what = f"components {', '.join(head.components)}" if head.components else str(head.dtype)
        raise UsageError(f"regions needs labels, whole numbers, the stream has {what}; make them with sweep-label")
    if max(head.whole) > LONGEST:
        raise Refused(f"regions takes axes of at most {LONGEST} voxels, the volume has {max(head.whole)}")


def start(head):
    """An empty table, and what the finished one needs to know of the stream."""
    check(head)
    return {
        "count": 0, "slots": np.zeros(256, np.int32), "labels": np.zeros(128, np.uint64),
        "sums": np.zeros((128, 19), np.uint64), "ends": np.zeros((128, 6), np.int64),
        "runs": np.empty((max(RUNS, head.shape[2]), 5), np.int64),
        "first": np.array([lo for lo, _ in head.box]), "whole": np.array(head.whole), "order": np.array(head.order),
        "spacing": np.array([nan if s is None else s for s in head.spacing or (None,) * 3], np.float64),
        "origin": np.array(head.origin, np.float64), "unit": np.array(head.unit or "world"),
    }  # fmt: skip


def weights(state, dtype):
    """Make room for intensities of a type, once."""
    if "limbs" not in state:
        rows, words = len(state["labels"]), sum_words(dtype)
        state["limbs"] = np.zeros((rows, words + square_words(dtype)), np.uint64)
        state["odd"] = np.zeros((rows, 3), np.int64)
        state["least"], state["greatest"] = np.empty(rows, dtype), np.empty(rows, dtype)
        state["least"][:], state["greatest"][:] = extremes(dtype)


def sum_words(dtype):
    """Words of the sum of 2^45 values, with its sign."""
    return {"float32": 5, "float64": 34}.get(dtype.name, 2)


def square_words(dtype):
    """Words of the sum of the squares of 2^45 values."""
    return {"float32": 10, "float64": 67, "int64": 3, "uint64": 3}.get(dtype.name, 2)


def extremes(dtype):
    """What every least and every greatest value begins with."""
    return (np.inf, -np.inf) if dtype.kind == "f" else (np.iinfo(dtype).max, np.iinfo(dtype).min)


def reserve(state, rows):
    """Double the table until it has this many rows."""
    size = len(state["labels"])
    if size >= rows:
        return
    while size < rows:
        size *= 2
    for name in ("labels", "sums", "ends", "limbs", "odd", "least", "greatest", "met"):
        if name in state:
            old = state[name]
            state[name] = np.zeros((size, *old.shape[1:]), old.dtype)
            if name in ("least", "greatest"):
                state[name][:] = extremes(old.dtype)[name == "greatest"]
            state[name][: state["count"]] = old[: state["count"]]
    state["slots"] = np.zeros(2 * size, np.int32)
    kernels.rehash(state["slots"], state["labels"], state["count"])


def add(state, src, *rest, surface=False):
    """Add a box of a block of labels (of contacts, and of intensities) whose first slice is z: rest is [contacts,]
    [intensity,] box, z."""
    *more, box, z = rest
    met, intensity = (more[:1], more[1:]) if surface else ([], more)
    if met and "met" not in state:
        state["met"] = np.zeros((len(state["labels"]), 4), np.int64)
    if intensity and intensity[0].ndim > 3:
        raise UsageError("regions takes intensities with one value per voxel; these have components")
    if intensity:
        weights(state, intensity[0].dtype)
    line, lines, width = 0, (box[1] - box[0]) * (box[3] - box[2]), box[5] - box[4]
    _, y_first, x_first = (int(i) for i in state["first"])
    while True:
        reserve(state, state["count"] + width)
        line, state["count"], n = kernels.runs(
            src, box, line, state["slots"], state["labels"], state["count"], state["runs"]
        )
        kernels.measure(state["runs"], n, z, y_first, x_first, state["sums"], state["ends"])
        if met:
            kernels.touch(state["runs"], n, met[0], state["met"])
        if intensity:
            weigh(state, intensity[0], n)
        if line >= lines:
            return


def weigh(state, values, n):
    """Add the intensities of n runs."""
    words, name = sum_words(values.dtype), values.dtype.name
    if name in MANTISSA or values.dtype.itemsize == 8:
        bits = values.view(f"uint{8 * values.dtype.itemsize}")
        kernels.weigh(
            state["runs"], n, values, bits, MANTISSA.get(name, 0), words, state["limbs"], state["odd"], state["least"],
            state["greatest"],
        )  # fmt: skip
    else:
        kernels.weigh_small(state["runs"], n, values, words, state["limbs"], state["least"], state["greatest"])


def merge(state, other):
    """Both tables in the first."""
    n = other["count"]
    reserve(state, state["count"] + n)
    rows = np.empty(n, np.int64)
    state["count"] = kernels.rows_of(other["labels"], n, state["slots"], state["labels"], state["count"], rows)
    kernels.merge(rows, n, state["sums"], state["ends"], other["sums"], other["ends"])
    if "met" in other:
        if "met" not in state:
            state["met"] = np.zeros((len(state["labels"]), 4), np.int64)
        state["met"][rows] += other["met"][:n]
    if "limbs" in other:
        dtype = other["least"].dtype
        weights(state, dtype)
        names = ("limbs", "odd", "least", "greatest")
        kernels.merge_weights(rows, n, sum_words(dtype), *(s[name] for s in (state, other) for name in names))
    return state


def held(head):
    """Bytes of a table of as many labels as the type has, at most 65536, while it doubles or is turned into columns."""
    voxels = int(np.prod(head.shape, dtype=object))
    rows = 1 << min(voxels, 1 << min(16, 8 * head.dtype.itemsize)).bit_length()
    return rows * 1000 + max(RUNS, head.shape[2]) * 40 + ROWS * 1000


# ------------------------------------------------------------------ the finished table


def whole(words, signed=False):
    """Rows of words, lowest first, as whole numbers of Python's."""
    total = words[:, -1].view(np.int64).astype(object) if signed else words[:, -1].astype(object)
    for k in range(words.shape[1] - 2, -1, -1):
        total = (total << 64) + words[:, k].astype(object)
    return total


def by_rows(fn, names, *columns):
    """{name: float64} from fn(columns of some rows), which gives an array for each name, for many rows at a time."""
    table = {name: np.empty(len(columns[0])) for name in names}
    for i in range(0, len(columns[0]), ROWS):
        for name, part in zip(names, fn(*(column[i : i + ROWS] for column in columns)), strict=True):
            table[name][i : i + ROWS] = part
    return table


def shape(size, sums, ends):
    """Centroid and second central moments, each the float64 nearest to the quotient of two whole numbers."""
    extent = (ends[:, 3:] - ends[:, :3]).max(axis=1, initial=0) + 1
    small = size < SMALL // extent
    out = np.empty((9, len(size)))
    out[:, small] = shape_small(size[small], sums[small], ends[small])
    out[:, ~small] = shape_large(size[~small], sums[~small])
    return out


def shape_small(size, sums, ends):
    """In int64, about the box's corner: only the low words are needed, and what is divided is exact in float64."""
    n = size.astype(np.int64)
    low = np.ascontiguousarray(sums[:, 1::2]).view(np.int64)
    first, corner = low[:, :3], ends[:, :3]
    about = first - n[:, None] * corner
    moments = []
    for k, (i, j) in enumerate(PAIRS.values()):
        p, q = corner[:, i], corner[:, j]
        product = low[:, 3 + k] - p * first[:, j] - q * first[:, i] + n * p * q
        moments.append((n * product - about[:, i] * about[:, j]) / (n * n))
    return [*(first / n[:, None]).T, *moments]


def shape_large(size, sums):
    """In whole numbers of Python's."""
    n = size.astype(object)
    first = [whole(sums[:, 1 + 2 * i : 3 + 2 * i]) for i in range(3)]
    second = [whole(sums[:, 7 + 2 * i : 9 + 2 * i]) for i in range(6)]
    return [s / n for s in first] + [
        (n * s - first[i] * first[j]) / (n * n) for s, (i, j) in zip(second, PAIRS.values(), strict=True)
    ]


def intensity_of(dtype):
    """A function of size, limbs and odd that gives mean and standard deviation."""
    words, name = sum_words(dtype), dtype.name
    unit = 1 << {"float32": 149, "float64": 1074}.get(name, 0)
    mean = np.frompyfunc(lambda total, n: quotient(total, n * unit), 2, 1)
    deviation = np.frompyfunc(lambda total, squares, n: root(n * squares - total * total, (n * unit) ** 2), 3, 1)

    def tell(size, limbs, odd):
        n = size.astype(object)
        finite = n - odd.sum(axis=1).astype(object)
        total, squares = whole(limbs[:, :words], signed=True), whole(limbs[:, words:])
        some = np.where(finite > 0, finite, 1)
        means, deviations = mean(total, some).astype(float), deviation(total, squares, some).astype(float)
        nans, ups, downs = (odd > 0).T
        means[ups], means[downs] = np.inf, -np.inf
        means[nans | ups & downs] = nan
        deviations[nans | ups | downs] = nan
        return means, deviations

    return tell


def axes(table, scale=(1.0, 1.0, 1.0)):
    """Lengths of the principal axes, longest first, of the ellipsoid with the same second moments; and the direction of
    the first, z, y, x, whose last component that is not 0 is positive."""
    moments = np.stack([table[name] * scale[i] * scale[j] for name, (i, j) in PAIRS.items()], axis=1)
    values, way = np.empty((len(moments), 3)), np.empty((len(moments), 3))
    kernels.principal(moments, values, way)
    return (*np.sqrt(20 * np.maximum(values, 0)).T, *way.T)


def turned(state):
    """Rows of the state sorted by label, all that is by axis in the order of the volume's own axes."""
    rows = np.argsort(state["labels"][: state["count"]], kind="stable")
    axis = np.argsort(state["order"])
    pairs = [sorted((int(axis[i]), int(axis[j]))) for i, j in PAIRS.values()]
    second = [list(PAIRS.values()).index(tuple(pair)) for pair in pairs]
    words = [0] + [1 + 2 * int(i) + k for i in axis for k in (0, 1)] + [7 + 2 * i + k for i in second for k in (0, 1)]
    ends = [*axis, *(axis + 3)]
    return rows, axis, state["sums"][rows][:, words], state["ends"][rows][:, ends]


def world(state, axis, table):
    """Columns in the unit of the spacing."""
    spacing, origin = state["spacing"][axis], state["origin"][axis]
    unit = str(state["unit"])
    columns = {f"{name}_{unit}": o + table[name] * s for name, o, s in zip("zyx", origin, spacing, strict=True)}
    columns[f"volume_{unit}3"] = table["size"] * float(np.prod(spacing))
    if "surface" in table:
        z, y, x = spacing.tolist()
        met = state["met"][np.argsort(state["labels"][: state["count"]], kind="stable")][:, axis]
        columns[f"surface_{unit}2"] = (2 * (table["size"][:, None] - met) * (y * x, z * x, z * y)).sum(axis=1)
    return columns | dict(zip((f"{name}_{unit}" for name in AXES), axes(table, spacing), strict=True))


@op("measure labelled regions", output="table", extent="volume", memory=held, reduce=Reduce(start, add, merge))
def measured(state, *, surface: Param("whether contacts are given") = False):
    """The table of sweep-regions, its columns in the volume's own axes."""
    rows, axis, sums, ends = turned(state)
    table = {"label": state["labels"][rows], "size": sums[:, 0].view(np.int64)}
    table |= {name: ends[:, i] + i // 3 for i, name in enumerate(("z0", "y0", "x0", "z1", "y1", "x1"))}
    table |= by_rows(shape, ("z", "y", "x", *PAIRS), table["size"], sums, ends)
    table |= dict(zip(AXES, axes(table), strict=True))
    if "limbs" in state:
        limbs, odd, dtype = state["limbs"][rows], state["odd"][rows], state["least"].dtype
        table |= by_rows(intensity_of(dtype), ("mean", "std"), table["size"], limbs, odd)
        for name, column in (("min", "least"), ("max", "greatest")):
            values = state[column][rows] + dtype.type(0)
            table[name] = np.where(odd[:, 0] > 0, nan, values) if dtype.kind == "f" else values
    extent = state["whole"][axis]
    if surface:
        met = state["met"][rows] if "met" in state else np.zeros((0, 4), np.int64)
        table["surface"] = 2 * (3 * table["size"] - met[:, :3].sum(axis=1))
        table["euler"] = met[:, 3].copy()
    table["border"] = ((ends[:, :3] == 0) | (ends[:, 3:] == extent - 1)).any(axis=1).astype(np.int64)
    if not np.isnan(state["spacing"]).any():
        table |= world(state, axis, table)
    return table
