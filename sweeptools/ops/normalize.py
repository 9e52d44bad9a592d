"""sweep-normalize: zero mean, unit deviation."""

import numpy as np

from ..kernels import levels
from ..params import Dtype, Param
from ..spec import op
from .stats import stats


def floating(head):
    """float32, float64 from float64."""
    return head.dtype if head.dtype.kind == "f" else np.dtype("float32")


@op("(v - mean) / deviation", dtype=floating, casts=True, role="image")
def standard(src, dst, box, *, mean: Param("mean"), deviation: Param("deviation")):
    """0 where the deviation is 0 (and v the mean). Computed in float64, rounded once; NaN stays NaN."""
    return levels.standard(src, dst, box, mean or 0.0, deviation or 1.0)


@op("shift and scale to zero mean and unit deviation", task="Several sweeps", dtype=floating, casts=True, role="image",
    examples=("", "--dtype float64", "--dtype int8"))  # fmt: skip
def normalize(stdin, *, dtype: Dtype("type of the result, instead of the filter's own") = None):
    """Write (v - mean) / std, float32 (float64 from float64).

    Mean and deviation (of the population) are those of the finite voxels as sweep-stats finds them: from exact sums,
    the float64 nearest to the exact value; they go to the report and the history. A volume of one value gives 0. NaN
    and infinities stay what they are (in an integer type that --dtype asks for NaN gives 0, with a warning, infinities
    its limits). Where voxels have components, there is one mean and one deviation for all.

    Two sweeps. Voxels are computed in float64 and rounded once.
    """
    row = stdin | stats()
    mean = row.then(lambda table: table["mean"][0], found="mean")
    deviation = row.then(lambda table: table["std"][0], found="std")
    return stdin | standard(mean=mean, deviation=deviation, dtype=dtype)
