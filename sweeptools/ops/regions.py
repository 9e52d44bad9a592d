"""sweep-regions: a table with one row per label: size, place, shape, and intensity."""

from ..params import Flag, Volume
from ..spec import op
from ._contacts import contacts
from ._regions import check, measured


@op(
    "measure labelled regions", task="Answers", kind="graph", output="table", extent="volume",
    examples=("", "--surface", "--intensity raw.zarr", "--intensity photons.zarr"),
)  # fmt: skip
def regions(
    stdin, *more, surface: Flag("also count faces, and the Euler number") = False,
    intensity: Volume("values to measure within the labels, of the same shape") = None,
):  # fmt: skip
    """Print a table with one row per label, sorted by label. Labels are the whole numbers above 0, as in
    scikit-image: 0 and below are background. A mask of one value is one region.

    label size        the label and its number of voxels
    z0 y0 x0 z1 y1 x1 bounding box, ends excluded
    z y x             centroid, in voxels
    zz yy xx zy zx yx second central moments over size: the covariance of the voxels' places, in voxels squared
    major middle minor lengths of the axes of the ellipsoid with the same second moments, in voxels
    major_z major_y major_x middle_z middle_y middle_x minor_z minor_y minor_x
                      direction of each, of length 1; its last component that is not 0 is positive
    mean std min max  of the intensities, where they are given (deviation of the population)
    weighted_z weighted_y weighted_x
                      with intensities: centroid of voxels that weigh what their intensity is
    surface           with --surface: faces of voxels between the region and all else, beyond the volume too
    euler             with --surface: Euler number, 26-connected: parts + cavities - tunnels
    border            1 where the region touches a face of the volume, else 0

    Where the stream has a spacing there follow, in its unit, here micrometer: z_micrometer y_micrometer x_micrometer,
    the centroid with the volume's origin, and the weighted one; volume_micrometer3; with --surface surface_micrometer2;
    major_micrometer middle_micrometer minor_micrometer and the directions, of the axes as they lie in space.

    Sums are exact, for intensities too, and rounded once, so that the table never depends on threads or parts. A NaN
    makes a region's mean, std, min and max NaN, an infinity its std, either its weighted centroid, which is NaN too where
    the intensities add up to 0. A stream of another type than whole numbers is an error.

    One sweep. Up to 16 MiB for each thread, and for the answer, are held in memory, however many labels there are: what is
    more lies in temporary files, whose pages the system keeps in memory while they are in use, 240 bytes for each
    label that a thread meets, with intensities up to 1900, and as much again while they grow; the answer's 350 at most.

    As skimage.measure.regionprops. Floats are added as whole numbers, after Kulisch; axes by Jacobi's rotations,
    which give the same on every CPU.
    """
    check(stdin.head)
    if surface:
        more = (stdin | contacts(), *more)
    return stdin | measured(*more, surface=surface)
