"""sweep-quantile: exact quantiles of the voxels."""

from ..params import Arg, Number
from ..spec import op
from ._quantile import quantiles


@op(
    "exact quantiles of all voxels", task="Answers", output="table", extent="volume",
    examples=("0.5", "0.01 0.25 0.5 0.75 0.99", "0 1"),
)  # fmt: skip
def quantile(
    stdin, *, q: Arg(Number, "shares of the voxels, 0.5 for the median", low=0, high=1, multiple=True, metavar="Q"),
):  # fmt: skip
    """Print a row for each Q, in the order given: q, and the value below which that share of the voxels lies. Between two
    voxels it is on the line that joins them, numpy.quantile's `linear`; a value that is a voxel is exact, of its own type.

    NaN and infinities are left out; without a finite voxel the value is empty. Where voxels have components, each value
    counts as a voxel.

    One sweep for integers of up to 16 bits, two for other types of 32 bits, four for those of 64, however many Q there
    are; 0.5 MB of memory for each Q and thread from the second sweep on. Selection by 16 bits of the value at a time.
    """
    return quantiles(stdin, tuple(q)).then(lambda found: {"q": list(q), "value": found or [None] * len(q)})
