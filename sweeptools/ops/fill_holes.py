"""sweep-fill-holes: fill what the foreground encloses."""

from functools import partial

from ..errors import UsageError
from ..kernels import voxel
from ..spec import op
from ._objects import at_least, mask, zero


@op("1 where a voxel is not background, or is in a hole", dtype="uint8", role="mask")
def filled(src, hole, dst, box):
    """src is the mask of the background."""
    z0, z1, y0, y1, x0, x1 = box
    for background, inside, out in voxel.parts((z0, z1, y0, y1, x0, x1), src, hole, dst):
        out[...] = background ^ 1
        out |= inside


@op(
    "fill the holes of a mask", task="Objects", extent="volume", dtype="uint8", role="mask",
    examples=("", "--dtype uint16", "--dtype float32"),
)  # fmt: skip
def fill_holes(stdin):
    """Write 1 where a voxel is not zero, and in its holes: connected components of the background, 6-connected, that touch
    no face of the volume. NaN is not zero. The result is a uint8 mask.

    How many holes there are is told by -v, and kept in the history. Two sweeps, memory for a few slices; what becomes of
    the background's components is kept on disk, as with sweep-label. A source that changed in between is an error.

    Same as scipy.ndimage.binary_fill_holes.
    """
    if stdin.head.components:
        raise UsageError(f"fill-holes needs a mask, the stream has components {', '.join(stdin.head.components)}")
    background = stdin | zero()
    holes = mask(background, partial(at_least, least=0), "holes", connectivity=6, by_value=False, faces=1)
    return background | filled(holes)
