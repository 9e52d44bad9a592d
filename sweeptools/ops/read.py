"""sweep-read: a stored volume as a stream."""

from ..params import Address, Choice, Count, Dtype, Flag, Range, Ranges, Sizes, Spacing, Text
from ..spec import op


@op(
    "read a volume", kind="source", task="Streams and flow",
    examples=("v.zarr", "v.zarr --range 100:200 --sweep down", "slices/ --spacing 2,0.5,0.5um",
              "v.ome.zarr --level 1 --channel DAPI --box 0:64,-512:,:", "scan.nxs:/entry/data/data",
              "scan.vol --shape 900,2048,2048 --dtype uint16 --endian big --offset 1024"),
)  # fmt: skip
def read(*, address: Address("a volume", positional=True),
         sweep: Choice("from the first slice or from the last", "up", "down") = "up",
         axis: Choice("the axis along which the stream goes", "z", "y", "x") = "z",
         range: Range("slices to keep, along the axis swept, after --box") = None,
         box: Ranges("part of the volume to keep") = None,
         level: Count("level of a pyramid, 0 is the finest", low=0) = None,
         channel: Text("channel by number or name, where there are several", metavar="N|NAME") = None,
         time: Text("time point by number, where there are several", metavar="N|NAME") = None,
         spacing: Spacing("distance between voxel centres, instead of the file's", low=0) = None,
         role: Choice("what the voxels are, instead of what the file says", "image", "labels", "mask") = None,
         allow_gaps: Flag("read a stack of slices though numbers are missing, an HDF5 virtual dataset though files "
                          "are") = False,
         shape: Sizes("voxels along z, y, x of raw voxels, which any file may hold", unit="voxels") = None,
         dtype: Dtype("type of raw voxels") = None,
         endian: Choice("byte order of raw voxels; else little", "little", "big") = None,
         offset: Count("where raw voxels begin; else 0", low=0, unit="bytes") = None):  # fmt: skip
    """Read the volume at ADDRESS: a Zarr array or OME-Zarr group (0.4, 0.5; Zarr 2 and 3), a TIFF file of many pages, a
    directory or a quoted glob of slices in natural order (2 before 10; TIFF, PNG, JPEG 2000), HDF5, a .npy file, a saved
    stream .sweep, NIfTI, NRRD, MetaImage, MRC, N5, a neuroglancer precomputed volume, or raw voxels with --shape and
    --dtype. sweep-formats(7) tells of each.

    In HDF5, x.h5:/entry/data names a dataset, or the group in which it is to be found. Without a place, or in a group,
    NeXus' default and signal are followed; else the one dataset of three dimensions is read, and several are an error
    that lists them. Soft and external links are followed, relative to the file that has them. One that leads nowhere is
    an error where it is named, and a warning where it was only passed.

    Every stored chunk is read once in a sweep, by rows of chunks, the next row while the last one is worked on: memory
    is two such rows. --axis y delivers slices z,x, and --axis x slices z,y; sweep-write puts them back in place. What
    is stored in chunks is read in columns of chunks, straight away; what lies in slices (TIFF, .sweep, along x .npy
    too) is turned through a temporary file as large as its voxels, each slice read once, with 32 MiB or a slice in
    memory: a line on stderr says so, and where the file is. A part that --box or --range keeps is a volume of its own:
    its origin moves with the first voxel, a step multiplies the spacing. Axes of length one are dropped; a longer
    channel or time axis needs --channel or --time. RGB(A) pixels come as voxels with components.

    The type is kept; bool comes as a uint8 mask, and bytes in either order as the machine's own. NaN passes
    unchanged. Errors: an address that is no volume, has two dimensions or another type, slices of another shape, type
    or suffix or with a gap in their numbers, several volumes in a file (2); a temporary file that would not fit (3);
    damaged files (4).
    """
