"""sweep-tee: the stream goes on, and into a volume or another pipeline, too."""

from ..params import Address, Flag, Text
from ..spec import op


@op(
    "write or branch, and pass on", kind="tool", output="stream", task="Streams and flow",
    examples=("copy.zarr", "--to 'sweep-gauss 2 | sweep-write smooth.zarr'",
              "raw.zarr --overwrite --to 'sweep-stats --out stats.tsv' --to 'sweep-otsu | sweep-write mask.zarr'"),
)  # fmt: skip
def tee(*, address: Address("a volume to write", positional=True) = None,
        to: Text("a pipeline to feed, as often as wanted", multiple=True, metavar="'PIPELINE'") = (),
        overwrite: Flag("replace what is at ADDRESS") = False):  # fmt: skip
    """Pass the stream on as it is, and write it to ADDRESS as sweep-write does, or feed it to each PIPELINE, which bash
    runs. What a pipeline prints on its stdout goes to stderr here.

    A branch's failure is tee's: it is named, its exit status is passed on, and what reads tee's output is told. The end
    mark is sent on only after every branch has succeeded, so nothing downstream is published when one has not; when the
    stream itself fails, the branches are told, and none publishes. A slow branch slows the stream down.

    `sweep-tee >(sweep-write x.zarr)` is not this: bash neither waits for it nor reports it. The type is kept.
    """
