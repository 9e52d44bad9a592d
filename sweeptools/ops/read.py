"""sweep-read: a stored volume as a stream."""

from ..params import Address, Choice, Count, Flag, Range, Ranges, Spacing, Text
from ..spec import op


@op(
    "read a volume", kind="source", task="Streams and flow",
    examples=("v.zarr", "v.zarr --range 100:200 --sweep down", "slices/ --spacing 2,0.5,0.5um",
              "v.ome.zarr --level 1 --channel DAPI --box 0:64,-512:,:"),
)  # fmt: skip
def read(*, address: Address("a volume", positional=True),
         sweep: Choice("from the first slice or from the last", "up", "down") = "up",
         axis: Choice("the axis along which the stream goes", "z", "y", "x") = "z",
         range: Range("slices to keep, along the axis swept, after --box") = None,
         box: Ranges("part of the volume to keep") = None,
         level: Count("level of an OME-Zarr pyramid, 0 is the finest", low=0) = None,
         channel: Text("channel by number or name, where there are several", metavar="N|NAME") = None,
         time: Text("time point by number, where there are several", metavar="N|NAME") = None,
         spacing: Spacing("distance between voxel centres, instead of the file's", low=0) = None,
         role: Choice("what the voxels are, instead of what the file says", "image", "labels", "mask") = None,
         allow_gaps: Flag("read a stack of slices though numbers are missing") = False):  # fmt: skip
    """Read the volume at ADDRESS: a Zarr array or OME-Zarr group (0.4, 0.5; Zarr 2 and 3), a TIFF file of many pages, a
    directory or a quoted glob of TIFF slices in natural order (2 before 10), a .npy file, or a saved stream .sweep.

    Every stored chunk is read once in a sweep, by rows of chunks, the next row while the last one is worked on: memory
    is two such rows. --axis y delivers slices z,x, and --axis x slices z,y; sweep-write puts them back in place. What
    is stored in chunks is read in columns of chunks, straight away; what lies in slices (TIFF, .sweep, along x .npy
    too) is turned through a temporary file as large as its voxels, each slice read once, with 32 MiB or a slice in
    memory: a line on stderr says so, and where the file is. A part that --box or --range keeps is a volume of its own:
    its origin moves with the first voxel, a step multiplies the spacing. Axes of length one are dropped; a longer
    channel or time axis needs --channel or --time. RGB(A) pixels come as voxels with components.

    The type is kept; bool comes as a uint8 mask, and bytes in either order as the machine's own. NaN passes
    unchanged. Errors: an address that is no volume, has two dimensions or another type, slices of another shape, type
    or suffix or with a gap in their numbers (2); a temporary file that would not fit (3); damaged files (4).
    """
