"""sweep-otsu: the threshold that parts the voxels into the two classes that differ most, or into more."""

import numpy as np

from ..params import Count, Flag
from ..spec import op
from ._levels import above
from ._thresholds import classes_of, levelled


@op(
    "threshold by Otsu's method", task="Several sweeps", dtype="uint8", role="mask",
    examples=("", "--print", "--dtype uint16", "--classes 3"),
)  # fmt: skip
def otsu(
    stdin,
    *,
    classes: Count("classes that the voxels are parted into", low=2, high=16) = 2,
    print: Flag("print the threshold as text instead of passing on a stream") = False,
):
    """Write 1 where v > t, else 0. The threshold t is the least value at which the variance between the classes
    v <= t and v > t is greatest, in exact arithmetic; it goes to the report and the history, and is shown by -v.

    Integers of up to 16 bits have a bin for each value. All other types have 256 bins of equal width between the least
    and the greatest voxel, and t is the middle of a bin, as in skimage.filters.threshold_otsu. A volume of one value
    has that value as t, and gives 0 everywhere. NaN gives 0; NaN and infinities do not count towards t. Without a
    finite voxel there is no t and the result is 0. Where voxels have components, there is one t for all.

    With --classes N there are N - 1 thresholds, between which the voxels are 1 to N - 2, and N - 1 above the last: those
    with the greatest variance between classes, in float64, of equals the least. Integers of 16 bits are then counted in
    256 bins too where more values than that occur. Fewer values than classes give as many classes as there are values.
    As skimage.filters.threshold_multiotsu.

    Two sweeps up to 16 bits, else three. Otsu, "A threshold selection method from gray-level histograms" (1979).
    """
    if classes == 2:
        return stdin | above(level=levelled(stdin, of_two).then(lambda t: t, found="threshold"))
    levels = levelled(stdin, lambda values, counts: of_many(values, counts, classes)).then(lambda t: t, found="thresholds")
    return stdin | classes_of(levels=levels)


def of_two(levels, counts):
    place = best(levels, counts)
    return None if place is None else levels[place]


def of_many(levels, counts, classes):
    """The levels that end all classes but the last."""
    if not levels:
        return None
    levels, ends, counts = gathered(levels, counts)
    return [ends[i] for i in parted(levels, counts, min(classes, len(levels)))]


def gathered(levels, counts):
    """(levels, the last value of each, counts), of 256 bins where there are more levels."""
    if len(levels) <= 256:
        return levels, levels, counts
    width = (levels[-1] - levels[0]) / 256
    place = np.minimum(((np.array(levels) - levels[0]) / width).astype(int), 255)
    bins, first = np.unique(place, return_index=True)
    last = [*(first[1:] - 1).tolist(), len(levels) - 1]
    return bins.tolist(), [levels[i] for i in last], np.add.reduceat(np.array(counts), first).tolist()


def parted(levels, counts, classes):
    """Indices of the levels that end each class but the last: by dynamic programming over the greatest sum of s^2 / n."""
    n = np.concatenate([[0.0], np.cumsum(counts, dtype=float)])
    s = np.concatenate([[0.0], np.cumsum(np.array(counts, float) * (np.array(levels, float) - levels[0]))])
    most = len(levels)
    with np.errstate(invalid="ignore", divide="ignore"):
        gain = (s[None, 1:] - s[:-1, None]) ** 2 / (n[None, 1:] - n[:-1, None])      # of the levels i to j as a class
    value, ways = gain[0].copy(), []
    for k in range(1, classes):
        total = np.full((most, most), -np.inf)                # of i as the end of the class before, j as that of this one
        total[k - 1 :, k:] = np.where(
            np.arange(k - 1, most)[:, None] < np.arange(k, most)[None, :],
            value[k - 1 :, None] + np.vstack([gain[1:], np.full(most, -np.inf)])[k - 1 :, k:], -np.inf,
        )  # fmt: skip
        ways.append(total.argmax(axis=0))
        value = total.max(axis=0)
    ends, at = [], most - 1
    for way in reversed(ways):
        at = int(way[at])
        ends.insert(0, at)
    return ends


def best(levels, counts):
    """Index of the least of rising whole `levels` at which the variance between classes is greatest; None without any.

    With n0 of n voxels in the lower class, which sum to s0 of s, it is (n s0 - n0 s)^2 / (n0 (n - n0)) / n^2: quotients
    of whole numbers, compared crosswise.
    """
    n, s = sum(counts), sum(level * count for level, count in zip(levels, counts))
    n0 = s0 = 0
    place, top, bottom = (0 if counts else None), 0, 1
    for i, (level, count) in enumerate(zip(levels[:-1], counts)):
        n0 += count
        s0 += level * count
        a, b = (n * s0 - n0 * s) ** 2, n0 * (n - n0)
        if a * bottom > top * b:
            place, top, bottom = i, a, b
    return place
