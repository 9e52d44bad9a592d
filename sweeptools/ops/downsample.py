"""sweep-downsample: one voxel out of each block."""

from ..kernels import blocks
from ..params import Arg, Choice, Counts
from ..spec import Reach, op

METHODS = ("mean", "mode", "nearest", "max", "min")


class Method(Choice):
    """How a block becomes a voxel; `auto` goes by what the volume is."""

    def bind(self, value, head):
        return value if value != "auto" else "mode" if head.role in ("labels", "mask") else "mean"


def _head(head, factor, method):
    """Sizes are divided and rounded up, spacing multiplied; the origin is the centre of the first voxel's block, or
    that of the voxel taken from it."""
    spacing = head.spacing and tuple(s and s * f for s, f in zip(head.spacing, factor))
    distance = head.spacing or (None,) * 3
    shift = 0.0 if method == "nearest" else 0.5
    return head.but(
        whole=tuple(-(-n // f) for n, f in zip(head.whole, factor)),
        spacing=spacing,
        origin=tuple(o + (f - 1) * shift * (1.0 if s is None else s) for o, f, s in zip(head.origin, factor, distance)),
        chunks=head.chunks and tuple(max(1, c // f) for c, f in zip(head.chunks, factor)),
        nodata=None if method == "mean" else head.nodata,
    )


@op(
    "shrink by whole factors",
    task="Geometry",
    examples=("2", "1,2,2", "3 --method max", "2,3,1 --method mode", "4 --method nearest", "2 --method min"),
    extent="slice",
    reach=lambda factor: tuple(Reach(stride=f, size=f) for f in factor),
    head=_head,
)
def downsample(
    src, dst, box, *,
    factor: Arg(Counts, "edge lengths of a block in voxels, z,y,x or one for all", low=1, metavar="F"),
    method: Method("what a block becomes; auto is mode for labels and masks, else mean", "auto", *METHODS) = "auto",
):  # fmt: skip
    """Replace every block of F voxels by one: its mean, mode, first voxel (nearest), max or min.

    The result has ceil(size / F) voxels along each axis; an incomplete block at the far border is reduced over the
    voxels it has. The type is kept: means of integers are exact, rounded to nearest, ties to even; means of floats are
    computed in float64 and rounded once. To keep fractions of an integer volume cast it first:
    sweep-cast float32 | sweep-downsample 2. Of equally common values mode takes the smaller. Without --method the
    mean is taken of images, the mode of labels and masks. Components are reduced each on its own.

    NaN: mean, max and min of a block with NaN are NaN; mode counts all NaN as one value, greater than any other.

    The spacing is multiplied by F and the origin moves to the centre of the first block. nearest keeps the first
    voxel of each block, as v[::F] in numpy and sweep-crop ::F,::F,::F do, hence the origin too.
    """
    blocks.reduce_blocks(src, dst, box, factor, method)
