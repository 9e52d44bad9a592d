"""sweep-quantile: exact quantiles of the voxels."""

from functools import partial

from ..params import Arg, Number
from ..spec import op
from ._levels import few
from ._quantile import of_keys, quantiles, selected
from ._sample import band, drawn, size
from ._sample import sample as sample_of
from ._sample import seed as seed_of


@op(
    "exact quantiles of all voxels", task="Answers", output="table", extent="volume",
    examples=("0.5", "0.01 0.25 0.5 0.75 0.99", "0 1", "0.5 --sample 200"),
)  # fmt: skip
def quantile(
    stdin, *, q: Arg(Number, "shares of the voxels, 0.5 for the median", low=0, high=1, multiple=True, metavar="Q"),
    sample: sample_of() = None, seed: seed_of() = 0,
):  # fmt: skip
    """Print a row for each Q, in the order given: q, and the value below which that share of the voxels lies. Between two
    voxels it is on the line that joins them, numpy.quantile's `linear`; a value that is a voxel is exact, of its own type.

    NaN and infinities are left out; without a finite voxel the value is empty. Where voxels have components, each value
    counts as a voxel.

    With --sample N the values are those of N slices drawn at random, and two columns follow: low and high, between which,
    with 95 % confidence, the volume's quantiles lie, all at once. They are the slices' quantiles for Q less and Q more
    sqrt((1 + ln 40) / (2 N)), that is 0.15 for 100 slices and 0.05 for 1000: wide, since slices are counted, not voxels.
    Voxels of a slice are alike, and nothing is taken for granted of them but that they are finite: a side of which the
    slices cannot tell so much is empty, both are where a slice has NaN or infinities, and where all slices are taken both
    are the value. The bound of Dvoretzky, Kiefer and Wolfowitz (1956; Massart 1990) is for single voxels; that it holds
    for whole slices with e times the chance to fail, drawn without replacement, too, follows from Hoeffding (1963) and
    Pinelis (1998). The chance is that of the draw: another --seed draws others. Of a stored volume sweep-run(1) reads the
    chunks in which slices were drawn; a pipe passes whole.

    One sweep for integers of up to 16 bits, two for other types of 32 bits, four for those of 64, however many Q there
    are; 0.5 MB of memory for each Q and thread from the second sweep on, three times that with --sample. Selection by 16
    bits of the value at a time.
    """
    q = tuple(q)
    if sample is None:
        return quantiles(stdin, q).then(lambda found: {"q": list(q), "value": found or [None] * len(q)})
    slices = drawn(stdin.head, sample, seed)
    n = size(stdin.head, slices)
    off = band(slices) + (4 / max(1, n) if band(slices) else 0)    # 4: neighbours of the ranks, and how they are rounded
    sides = [[min(max(share + way * off, 0.0), 1.0) for share in q] for way in (-1, 1)]
    wanted = (*q, *sides[0], *sides[1])
    if few(stdin.head.dtype):
        return quantiles(stdin, wanted, slices=slices).then(partial(bounded, q, off))
    return selected(stdin, wanted, slices=slices).then(
        lambda sought: bounded(q, off, of_keys(sought), known=sought["voxels"] == n or not off)
    )


def bounded(q, off, found, known=True):
    """The table of a sample: a side is known where its rank is among those of the slices' voxels, all of them finite."""
    k = len(q)
    value, low, high = (found[i : i + k] if found else [None] * k for i in (0, k, 2 * k))
    low = [v if known and share >= off else None for share, v in zip(q, low)]
    high = [v if known and share + off <= 1 else None for share, v in zip(q, high)]
    return {"q": list(q), "value": value, "low": low, "high": high}
