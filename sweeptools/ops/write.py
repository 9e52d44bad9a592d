"""sweep-write: a stream into a stored volume."""

from ..errors import UsageError
from ..params import Address, Choice, Flag, Param, Sizes, Text
from ..spec import op


class Shards(Param):
    """Voxels of a shard along z, y, x, or none."""

    metavar = "Z,Y,X|none"
    unit = "voxels, multiples of the chunks"

    def parse(self, text):
        if text == "none":
            return text
        twin = Sizes(self.help)
        twin.name = self.name
        return twin.parse(text)


class Pyramid(Param):
    """Coarser levels of a volume: none, as many as it takes, or a number."""

    metavar = "none|auto|N"
    unit = "levels"

    def parse(self, text):
        words = self.metavar.split("|")[:-1]
        if text in words:
            return text
        try:
            return self.check(int(text))
        except ValueError:
            raise UsageError(f"{self.name} is {text!r}, must be {', '.join(words)} or a number of levels") from None


@op(
    "write a volume", kind="sink", task="Streams and flow",
    examples=("out.ome.zarr", "out.zarr --chunks 32,128,128 --shards none --codec zstd:3",
              "slices/s_%05d.tif --overwrite", "out.npy --stamp done.txt", "out.ome.zarr --pyramid auto",
              "image.ome.zarr/labels/cells"),
)  # fmt: skip
def write(*, address: Address("where to", positional=True),
          chunks: Sizes("chunks, in formats that have them; else 64, clipped to the volume") = None,
          shards: Shards("shards of a Zarr array; else one chunk deep and 32 to 64 MiB") = None,
          codec: Text("lz4 (with bit shuffle), zstd or gzip, with a level as in zstd:3, or none; else, in Zarr, zstd:1 for "
                      "labels and masks, lz4 for images; gzip:1 in HDF5, none in TIFF", metavar="CODEC") = None,
          pyramid: Pyramid("coarser levels of an OME-Zarr volume", low=0) = "none",
          ome: Choice("OME-Zarr version, or a bare array", "0.5", "0.4", "none") = None,
          format: Text("format, instead of by the suffix: zarr, tiff, slices, npy, hdf5 or another of sweep-formats(7)",
                       metavar="NAME") = None,
          keep_axes: Flag("leave the axes as the stream has them") = False,
          overwrite: Flag("replace what is there") = False,
          stamp: Text("touch FILE when the volume is in place", metavar="FILE") = None):  # fmt: skip
    """Write the stream to ADDRESS: .zarr or .ome.zarr, an OME-Zarr 0.5 group with the volume at `0`; .tif, one file of
    many pages (BigTIFF when needed, packed with --codec gzip); DIR/ or DIR/name_%05d.tif, one file a slice, .png and
    .jp2 too; .h5:/place, a dataset in a new file; .npy; .sweep, the stream as it is; and the other formats of
    sweep-formats(7). What a format does not keep of a volume, such as its spacing in .npy, is said on stderr.

    The volume appears under its name only when all of the stream came and is on the disk: the work is done in
    .NAME.partial beside it, which is removed where the run fails. Down sweeps and streams along y or x are put back in
    the order z, y, x, where the format takes slices z only through a temporary file as large as the voxels. Whole
    chunks are written, each once, the last row while the next one comes in; memory is two rows. Chunks that are 0
    everywhere are not stored. The history of the stream and the digests of its slices are kept with a Zarr volume,
    under "sweeptools" in its attributes; two runs write the same files, byte for byte.

    In sweep-run, what sweep-read reads of a Zarr volume straight into another of the same chunks, shards and codec is
    not packed anew: its files are copied as they are, after a crop too where that begins and ends with them. Every chunk
    is decoded all the same, so that a damaged one is found as ever and nothing is published. The report tells how many
    were copied, `files_passed`; none where anything between could change a voxel, and none in a pipe of processes, through
    which voxels go.

    --pyramid auto adds coarser levels, reduced while the voxels pass: each halves the axes whose spacing is within
    sqrt 2 of the finest, until a level fits in one chunk; N makes so many. A voxel of a level is what sweep-downsample
    makes of its block of the level before: the mean, of labels and masks the mode. Every level's chunks are written
    once; memory is up to two thirds more. Scale and translation of each level say where its voxels are, and `omero`
    which values occur, for viewers.

    An HDF5 file that exists is not added to: --overwrite replaces it where it holds nothing but this dataset. The
    dataset is packed by gzip:1 with byte shuffle, which all of HDF5 reads; lz4 and zstd need plugins there.

    IMAGE.ome.zarr/labels/NAME writes integers as labels into an image that is there, in its OME-Zarr version; nothing
    else of the image changes but the list of its labels.

    The type is kept, NaN and -0 too. Errors: an address of no known format, options that do not fit it (2); an output
    that exists, without --overwrite, or that another process writes, a stream that the format cannot hold (3).
    """
