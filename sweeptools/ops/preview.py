"""sweep-preview: a montage of slices, as a picture or in the terminal."""

from ..params import Address, Count, Flag, Pair, Text
from ..spec import op


@op(
    "look at some slices", kind="tool", task="Answers",
    examples=("", "v.zarr", "labels.zarr --out labels.png --slices 16", "v.zarr --out v.png --limits 0,4000 --bar"),
)  # fmt: skip
def preview(*, address: Address("the volume; stdin where it is left out", positional=True) = "-",
            out: Text("write the picture to FILE, by its suffix .png .jpg .tif", metavar="FILE.png") = None,
            slices: Count("slices to show", low=1, high=1000) = 9,
            width: Count("width of the picture", low=16, high=20000, unit="pixels; columns in a terminal") = None,
            limits: Pair("what is black and what is white; else the least and greatest value shown") = None,
            bar: Flag("draw a scale bar, in a picture of a volume with spacing") = False):  # fmt: skip
    """Show SLICES slices, evenly spaced along the axis swept, side by side: as a picture with --out, else on stdout in
    half blocks of 24-bit colour, as terminals have them. Of a stored volume only these slices are read.

    Images are stretched from the least to the greatest finite value of the slices shown (exact: before they are
    reduced), NaN is black. Labels have colours that depend on the label alone, mask voxels are white, 0 is black. Three
    or four components are taken for red, green and blue; of other numbers the first is shown. Slices are reduced by
    averaging, labels and masks by taking one voxel, in the proportions of the spacing.

    Memory is that of one block and of the picture. Errors: --bar without spacing, a suffix that is no picture (2).
    """
