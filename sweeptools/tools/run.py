"""The deed of sweep-run: a pipeline in this process."""

from ..engines.fused import Fused, built
from ..errors import UsageError
from ..plan import shell


def main(io, *, pipeline=None, file=None, **_):
    """Run it; the exit status is 0, or that of a tool at its end."""
    return Fused(built(text_of(pipeline, file), io), io).go()


def text_of(pipeline, file):
    """The text of a pipeline that is given as a word or as a file."""
    if (pipeline is None) == (file is None):
        raise UsageError("give one pipeline: 'sweep-read v.zarr | sweep-gauss 2 | sweep-write out.zarr', or -f FILE")
    return pipeline if file is None else shell.of_file(file)
