"""sweep-stats: how many voxels, from where to where, their sum, mean and deviation, exactly."""

import numpy as np

from ..kernels import sums
from ..kernels.levels import flat
from ..params import Flag
from ..spec import Reduce, op
from ._exact import quotient, root, total
from ._levels import unbounded
from ._sample import band, drawn, within
from ._sample import sample as sample_of
from ._sample import seed as seed_of

SUBNORMAL = {"float32": 149, "float64": 1074}        # every finite value is a multiple of 2 to minus this


def start(head, per_slice=False, sample=None, seed=0):
    """Sums are whole numbers: of voxels where they are integers, else of the type's least positive value. Of slices there
    is one such state for each that was met, by z."""
    slices = drawn(head, sample, seed)
    more = {} if slices is None else {"drawn": slices}
    if per_slice:
        return {"slices": {}, "head": head} | more
    more |= {} if sample is None else {"depth": head.whole[0]}
    return {"count": 0, "nan": 0, "inf": 0, "sum": 0, "squares": 0, "ends": unbounded(head.dtype)} | more


def add(state, src, box, z, *, per_slice=False):
    for some in within(box, z, state.get("drawn")):
        add_all(state, src, some, z, per_slice)


def add_all(state, src, box, z, per_slice=False):
    if per_slice:
        z0, z1, *rest = box
        for i in range(z0, z1):
            if z + i not in state["slices"]:
                state["slices"][z + i] = start(state["head"])
            add_all(state["slices"][z + i], src, (i, i + 1, *rest), z)
        return
    box, src = flat(box, src)
    z0, z1, y0, y1, x0, x1 = box
    count = max(0, z1 - z0) * max(0, y1 - y0) * max(0, x1 - x0)
    odd = np.zeros(2, np.int64)
    if src.dtype.kind == "f":
        add_floats(state, src, box, odd)
    else:
        limbs = np.zeros((2, 6), np.int64)
        kernel = sums.small if src.dtype.itemsize <= 4 else sums.large
        kernel(src, box, state["ends"], limbs[0], limbs[1])
        state["sum"] += total(limbs[0])
        state["squares"] += total(limbs[1])
    state["nan"] += int(odd[0])
    state["inf"] += int(odd[1])
    state["count"] += count - int(odd.sum())


def add_floats(state, src, box, odd):
    if src.dtype.itemsize == 4:
        bins, kernel, parts, bits = np.zeros((256, 4), np.int64), sums.single, 1, 24
    else:
        bins, kernel, parts, bits = np.zeros((2048, 8), np.int64), sums.double, 2, 27
    kernel(src, src.view(f"u{src.dtype.itemsize}"), box, state["ends"], bins, odd)
    for exponent in np.flatnonzero(bins.any(axis=1)).tolist():
        limbs = bins[exponent].tolist()
        state["sum"] += total(limbs[:parts], bits) << (exponent - 1)
        state["squares"] += total(limbs[parts:], bits) << (2 * (exponent - 1))


def merge(state, other):
    if "slices" in other:
        for z, one in other["slices"].items():
            mine = state["slices"].get(z)
            state["slices"][z] = one if mine is None else merge(mine, one)
        return state
    for name in ("count", "nan", "inf", "sum", "squares"):
        state[name] += other[name]
    for i, pick in enumerate((np.minimum, np.maximum)):
        state["ends"][i] = pick(state["ends"][i], other["ends"][i])
    return state


@op(
    "count, extremes, sum, mean and deviation of all voxels", task="Answers", output="table",
    examples=("", "--per-slice", "--sample 200", "--json"), reduce=Reduce(start, add, merge), some=drawn,
    memory=lambda head, threads, per_slice: threads * ((1 << 18) + per_slice * held(head)),
)  # fmt: skip
def stats(state, *, per_slice: Flag("a row for each slice") = False, sample: sample_of() = None, seed: seed_of() = 0):
    """One row: count min max sum mean std nan inf. NaN and infinities are counted apart, under `nan` and `inf`;
    everything else is of the finite voxels alone, `count` too. `std` is the deviation of the population. Without a
    finite voxel sum, min, max, mean and std are empty. Where voxels have components, each value counts as a voxel.

    With --per-slice there is a row for each slice along the axis that is swept, after its index z, the first being 0; it
    takes up to 2 kB of memory.

    With --sample N all this is said of N slices drawn at random, and four columns follow: slices, how many were drawn;
    band, by how much, with 95 % confidence, the share of the volume's voxels up to any value may be more or less than
    that of the slices' voxels; mean_low and mean_high, between which, with the same confidence, the mean of the volume's
    voxels lies, those below `min` or above `max` taken as that. No more than `band` of the voxels are below, and no more
    above. This holds whatever the voxels are, for slices are counted, not voxels: band is
    sqrt((1 + ln 40) / (2 N)), 0.15 for 100 slices and 0.05 for 1000, and 0 where all are taken; see sweep-quantile(1).
    NaN and infinities, which the mean leaves out, leave it without bounds. With --per-slice there is a row for each
    slice drawn. Of a stored volume sweep-run(1) reads the chunks in which slices were drawn; a pipe passes whole.

    One sweep. Sums and sums of squares are exact for every type, so that nothing depends on order, threads or cut: min,
    max and the sum of integers are exact; the sum of floats, mean and std are the float64 nearest to the exact value (a
    sum beyond float64 is inf). Floats are summed in one bin for every exponent: Neal, "Fast exact summation using small
    and large superaccumulators" (2015).
    """
    if per_slice:
        found = sorted(state["slices"].items())
        rows = [row_of(one) for _, one in found]
        names = row_of(start(state["head"]))
        return {"z": [z for z, _ in found], **{name: [row[name] for row in rows] for name in names}}
    row = row_of(state)
    return {name: [value] for name, value in (row if sample is None else row | bounds(row, state)).items()}


def bounds(row, state):
    """What a sample's row says of the volume; see _sample.py. A mean is off by the integral of what shares are off by."""
    slices = state.get("drawn")
    told = {"slices": state["depth"] if slices is None else len(slices), "band": band(slices)}
    told |= {"mean_low": None, "mean_high": None}
    if row["count"] and not row["nan"] and not row["inf"]:
        off = told["band"] * (float(row["max"]) - float(row["min"]))
        told["mean_low"] = max(float(row["min"]), row["mean"] - off)
        told["mean_high"] = min(float(row["max"]), row["mean"] + off)
    return told


def held(head):
    """Bytes of the states of all slices: whole numbers of Python's."""
    return head.slices * 2048


def row_of(state):
    """The row of one state."""
    count, least, most = state["count"], *state["ends"].tolist()
    scale = 1 << SUBNORMAL.get(state["ends"].dtype.name, 0)
    floats = state["ends"].dtype.kind == "f"
    row = {"count": count, "min": None, "max": None, "sum": None,
           "mean": None, "std": None, "nan": state["nan"], "inf": state["inf"]}  # fmt: skip
    if count:
        spread = count * state["squares"] - state["sum"] ** 2
        row["min"], row["max"] = least + 0, most + 0         # -0.0 is 0.0
        row["sum"] = quotient(state["sum"], scale) if floats else state["sum"]
        row["mean"] = quotient(state["sum"], count * scale)
        row["std"] = root(spread, (count * scale) ** 2)
    return row
