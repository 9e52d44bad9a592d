"""sweep-pyramid: coarser levels for a volume that has none."""

from ..params import Address
from ..spec import op
from .write import Pyramid


@op(
    "add coarser levels to a volume", kind="tool", task="Streams and flow",
    examples=("v.ome.zarr", "v.ome.zarr --levels 3", "v.ome.zarr/labels/cells"),
)  # fmt: skip
def pyramid(*, address: Address("an OME-Zarr image", positional=True),
            levels: Pyramid("how many coarser levels", low=1, metavar="auto|N") = "auto"):  # fmt: skip
    """Add levels to the OME-Zarr image at ADDRESS (0.4 or 0.5) that has only one, of every channel and time that it
    holds, as sweep-write --pyramid makes them with a new volume: auto halves the axes whose spacing is within sqrt 2 of
    the finest, until a level fits in one chunk. A voxel is the mean of its block of the level before, the mode where
    the image holds labels or a mask; NaN is as in sweep-downsample. Type, chunks and codec are those of the image.
    Where its metadata have no `omero`, which values occur in each channel is told there, for viewers.

    The image is read once and stays as it is; what others keep with it stays too. The levels grow in .NAME.partial
    beside it. When all of them are on the disk they are moved into it, and its metadata tell of them at once: whoever
    opens it finds the old image or the new one.

    Errors: what is no OME-Zarr image, or needs no coarser levels (2); an image that has several levels, or that is
    being written (3).
    """
