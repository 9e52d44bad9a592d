"""sweep-synth: made-up volumes of any size, without a disk."""

from ..params import Choice, Count, Counts, Dtype, Spacing
from ..spec import op


@op(
    "make up a volume", kind="source", task="Streams and flow",
    examples=("noise --shape 20,30,40", "blobs --shape 64 --dtype uint16 --seed 3",
              "ramp --shape 4,5,6 --spacing 2,1,1um", "zeros --shape 100000,4096,4096"),
)  # fmt: skip
def synth(*, kind: Choice("what to make", "zeros", "ramp", "noise", "blobs", "checker", "shells", positional=True),
          shape: Counts("voxels of the volume", low=1), dtype: Dtype("type of the voxels") = "uint8",
          seed: Count("another seed gives other noise and blobs", low=0, high=2**63 - 1) = 0,
          period: Count("edge of a checker's field or a blob, width of a shell", low=1, high=128, unit="voxels") = 16,
          spacing: Spacing("distance between voxel centres", low=0) = None):  # fmt: skip
    """Make a volume of which every voxel is a function of KIND, SEED and its place z, y, x alone, so that it is the
    same however it is cut, from either end, and for any SHAPE (but shells, which lie about the middle of the SHAPE).

    zeros    0 everywhere: sent as blocks without voxels.
    ramp     z + y + x; integers start again at 0 after the greatest value of the type.
    noise    evenly distributed over all values of an integer type, over 0 <= v < 1 in floats.
    blobs    smooth: random values at every PERIOD-th voxel, linear in between; 0 to the greatest value of an integer
             type in 65536 steps at most, 0 <= v < 1 in floats. Half of that is a fair threshold.
    checker  0, and the greatest value of an integer type, or 1 in floats, in cubes of PERIOD voxels.
    shells   distance from the middle of the volume in voxels, modulo PERIOD; rounded down in integers.

    Noise is the SplitMix64 generator (Steele, Lea, Flood 2014) as a hash of the place; blobs are value noise.
    Integer arithmetic and correctly rounded division and root only: the same bytes on every CPU. No NaN occurs.
    """
