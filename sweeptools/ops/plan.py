"""sweep-plan: what a pipeline will take, before a voxel moves."""

from ..params import Flag, Text
from ..spec import op


@op(
    "tell what a pipeline will take", kind="tool", task="Streams and flow",
    examples=("'sweep-read v.zarr | sweep-gauss 2 | sweep-write out.zarr'", "-f job.sweep -v",
              "'sweep-read none.zarr | sweep-otsu | sweep-write m.zarr' --assume 20000,250000,280000:uint8:64,64,64 --json"),
)  # fmt: skip
def plan(*, pipeline: Text("the pipeline, as a shell has it", positional=True, metavar="'PIPELINE'") = None,
         file: Text("read the pipeline from FILE, where # begins a comment and lines may be broken", short="f",
                    metavar="FILE") = None,
         assume: Text("what an address is where there is nothing yet: shape, type and chunks",
                      metavar="Z,Y,X:DTYPE[:CHUNKS]") = None,
         json: Flag("print one JSON object, by the names of the report") = False,
         calibrate: Flag("measure first, for a minute, what things cost on this machine: it gives seconds") = False,
         svg: Text("draw the graph, with its sweeps, buffers and bytes", metavar="FILE") = None):  # fmt: skip
    """Plan PIPELINE as sweep-run would run it, and run nothing: the stages with what each looks at, holds and gives, the
    memory of all of it, how often what is read, what is saved and what is made, and each decision in words. -v lists
    the memory item by item.

    What cannot be done is refused with the exit status of sweep-run: 3, and the smallest budget that would do, where
    --memory, $SWEEP_MEMORY or the machine's grant is too small. With --assume every address that does not exist is
    taken for a Zarr volume of this shape, type and chunks (64,64,64): a plan for data that is still to come.

    What several sweeps need is computed again in each from the source, or saved in a temporary file in the first and read
    back, packed, in the others: whichever takes fewer seconds or, where those are not known, moves fewer bytes and does
    less work, if the disk has room; the plan says which, and why. The voxels are the same.

    --calibrate measures small pieces of the real reading, writing, saving and filtering, those of PIPELINE first where
    there is one, and keeps what they cost for this version, kind of machine and number of threads: beside what is
    compiled, or in the file $SWEEP_COSTS. It takes about a minute, and longer where all is still to be compiled; another
    time it goes on with what it had no time for. From then on plans and reports of sweep-run have seconds, of a machine
    that does nothing else and files in its cache; before, and where that file is damaged, a plan has bytes and work.

    The memory is that of one process: the interpreter with the libraries that the run imports, measured here, and what
    the run holds at the same time at most, summed up; sweep-run reports it beside what it measured. Types and NaN are
    of no matter here.
    """
