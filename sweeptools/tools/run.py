"""The deed of sweep-run: a pipeline in this process."""

from ..engines.fused import Fused, built
from ..engines.tiled import Tiled
from ..engines.whole import why_not
from ..errors import Refused, UsageError
from ..plan import shell


def main(io, *, pipeline=None, file=None, **_):
    """Run it, whole or in tiles; the exit status is 0, or that of a tool at its end."""
    made = built(text_of(pipeline, file), io)
    try:
        return Fused(made, io).go()
    except Refused as error:
        if error.smallest is None:                   # it was not for want of memory
            raise
        whole = error
    return cut(made, io, whole).go()


def cut(pipeline, io, whole):
    """The run in tiles of what was refused whole."""
    why = why_not(pipeline)
    if why:
        whole.args = (f"{whole}; tiles would need less, but {why}", *whole.args[1:])
        raise whole
    return Tiled(pipeline, io, whole)


def text_of(pipeline, file):
    """The text of a pipeline that is given as a word or as a file."""
    if (pipeline is None) == (file is None):
        raise UsageError("give one pipeline: 'sweep-read v.zarr | sweep-gauss 2 | sweep-write out.zarr', or -f FILE")
    return pipeline if file is None else shell.of_file(file)
