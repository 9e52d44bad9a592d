"""sweep-run: a whole pipeline in one process."""

from ..params import Text
from ..spec import op


@op(
    "run a pipeline in one process", kind="tool", task="Streams and flow",
    examples=("'sweep-read v.zarr | sweep-gauss 2 | sweep-write out.zarr'", "-f job.sweep --memory 4G",
              "'sweep-read v.zarr | sweep-otsu | sweep-label | sweep-write labels.zarr' --threads 8 --report run.json"),
)  # fmt: skip
def run(*, pipeline: Text("the pipeline, as a shell has it", positional=True, metavar="'PIPELINE'") = None,
        file: Text("read the pipeline from FILE, where # begins a comment and lines may be broken", short="f",
                   metavar="FILE") = None):  # fmt: skip
    """Run PIPELINE, which is plain shell, in this one process: the bytes at its ends are those of the shell.

    Commands hand blocks on without a copy through a pipe; those that begin with the same source and the same filters
    share them; branches of sweep-tee and --via need no processes of their own; --memory and --threads hold for all
    of it. Depths of blocks follow from the budget. Where whole slices are too large for it, the plane is cut in tiles, of
    those cuts that fit the one that reads least: filters that look around each voxel work on tiles with their halo, counts
    are summed over them, sweep-label joins objects across them; from stored volumes or sweep-synth into Zarr and answers.
    What needs whole slices is named. What cannot fit is refused before any work (3), with the smallest budget that would
    do. sweep-plan shows what would be done.

    Understood are pipes, quotes, $NAME from the environment, ~, globs, <(...) and >(...). What is not sweeptools'
    (| pv |, ssh, redirections, $(...), &&) is named and refused (2). A file may begin with
    `#!/usr/bin/env -S sweep-run -f`. Nothing is published before all of the run has ended well; branches first, then
    the end of the pipeline itself. The types, NaN and errors are those of the commands, whose name an error begins with.
    """
