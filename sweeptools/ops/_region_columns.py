"""Rows of the table behind `regions` as its columns: places, shapes, axes, intensities, in voxels and in the world."""

from math import nan

import numpy as np

from ..kernels.axes import principal
from ._exact import quotient, root

ROWS = 1 << 13                     # rows that become columns at a time, a quarter where they have intensities
LIGHT, HEAVY = 2048, 8192          # bytes for each of them meanwhile: whole numbers of Python's
SMALL = 1 << 26                    # voxels times extent below which moments are exact in float64
BOX = ("z0", "y0", "x0", "z1", "y1", "x1")
LENGTHS = ("major", "middle", "minor")
AXES = (*LENGTHS, *(f"{name}_{axis}" for name in LENGTHS for axis in "zyx"))
WEIGHTED = ("weighted_z", "weighted_y", "weighted_x")
PAIRS = {"zz": (0, 0), "yy": (1, 1), "xx": (2, 2), "zy": (0, 1), "zx": (0, 2), "yx": (1, 2)}


def columns(state, rows):
    """The columns of some rows of the table: {name: array}."""
    axis = np.argsort(state["order"])                # the stream's axis that each of the volume's is
    sums, ends = turned(state, rows, axis)
    table = {"label": state["labels"][rows], "size": sums[:, 0].view(np.int64)}
    table |= {name: ends[:, i] + i // 3 for i, name in enumerate(BOX)}
    table |= dict(zip(("z", "y", "x", *PAIRS), shape(table["size"], sums, ends), strict=True))
    table |= axes(table)
    if "limbs" in state:
        table |= intensities(state, rows, axis, table["size"])
    if "met" in state:
        met = state["met"][rows]
        table["surface"] = 2 * (3 * table["size"] - met[:, :3].sum(axis=1))
        table["euler"] = met[:, 3].copy()
    extent = state["whole"][axis]
    table["border"] = ((ends[:, :3] == 0) | (ends[:, 3:] == extent - 1)).any(axis=1).astype(np.int64)
    if not np.isnan(state["spacing"]).any():
        table |= world(state, rows, axis, table)
    return table


def turned(state, rows, axis):
    """Sums and ends of some rows, all that is by axis in the order of the volume's own axes."""
    pairs = [sorted((int(axis[i]), int(axis[j]))) for i, j in PAIRS.values()]
    second = [list(PAIRS.values()).index(tuple(pair)) for pair in pairs]
    words = [0] + [1 + 2 * int(i) + k for i in axis for k in (0, 1)] + [7 + 2 * i + k for i in second for k in (0, 1)]
    return state["sums"][rows][:, words], state["ends"][rows][:, [*axis, *(axis + 3)]]


def whole(words, signed=False):
    """Rows of words, lowest first, as whole numbers of Python's."""
    total = words[:, -1].view(np.int64).astype(object) if signed else words[:, -1].astype(object)
    for k in range(words.shape[1] - 2, -1, -1):
        total = (total << 64) + words[:, k].astype(object)
    return total


# ------------------------------------------------------------------ place and shape


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


def axes(table, scale=(1.0, 1.0, 1.0)):
    """{AXES: column}: lengths of the principal axes, longest first, of the ellipsoid with the same second moments; and the
    direction of each, z y x, of length 1, whose last component that is not 0 is positive."""
    moments = np.stack([table[name] * scale[i] * scale[j] for name, (i, j) in PAIRS.items()], axis=1)
    values, ways = np.empty((len(moments), 3)), np.empty((len(moments), 3, 3))
    principal(moments, values, ways)
    return dict(zip(AXES, (*np.sqrt(20 * np.maximum(values, 0)).T, *ways.reshape(-1, 9).T), strict=True))


# ------------------------------------------------------------------ intensities


def intensities(state, rows, axis, size):
    """Mean, standard deviation, extremes, and the centroid where each voxel weighs what its intensity is."""
    odd, dtype = state["odd"][rows], state["least"].dtype
    table = weighed(state["limbs"][rows], state["at"], odd, size, dtype, axis)
    for name, column in (("min", "least"), ("max", "greatest")):
        values = state[column][rows] + dtype.type(0)
        table[name] = np.where(odd[:, 0] > 0, nan, values) if dtype.kind == "f" else values
    return {name: table[name] for name in ("mean", "std", "min", "max", *WEIGHTED)}


def weighed(limbs, at, odd, size, dtype, axis):
    """What comes of sums, each number rounded once; NaN where what is not finite leaves nothing else to say."""
    unit = 1 << {"float32": 149, "float64": 1074}.get(dtype.name, 0)
    total, squares, *first = (whole(limbs[:, a:b], k != 1) for k, (a, b) in enumerate(zip(at, at[1:])))
    n = size.astype(object)
    some = np.maximum(n - odd.sum(axis=1), 1)
    nans, ups, downs = (odd > 0).T
    table = {"mean": each(quotient, total, some * unit)}
    table["std"] = each(root, some * squares - total * total, (some * unit) ** 2)
    table["mean"][ups], table["mean"][downs] = np.inf, -np.inf
    table["mean"][nans | ups & downs] = nan
    table["std"][nans | ups | downs] = nan
    for name, i in zip(WEIGHTED, axis, strict=True):
        table[name] = each(centre, first[i], total)
        table[name][nans | ups | downs] = nan
    return table


def each(fn, *numbers):
    """fn of every row's numbers, as float64."""
    return np.frompyfunc(fn, len(numbers), 1)(*numbers).astype(np.float64)


def centre(first, total):
    """first / total; NaN where nothing weighs anything in all."""
    return quotient(first, total) if total > 0 else quotient(-first, -total) if total else nan


# ------------------------------------------------------------------ the world


def world(state, rows, axis, table):
    """Columns in the unit of the spacing."""
    spacing, origin = state["spacing"][axis], state["origin"][axis]
    unit = str(state["unit"])
    places = [("z", "y", "x"), *([WEIGHTED] if WEIGHTED[0] in table else [])]
    made = {f"{name}_{unit}": o + table[name] * s for names in places for name, o, s in zip(names, origin, spacing)}
    made[f"volume_{unit}3"] = table["size"] * float(np.prod(spacing))
    if "surface" in table:
        z, y, x = spacing.tolist()
        met = state["met"][rows][:, axis]
        made[f"surface_{unit}2"] = (2 * (table["size"][:, None] - met) * (y * x, z * x, z * y)).sum(axis=1)
    return made | {f"{name}_{unit}": column for name, column in axes(table, spacing).items()}
