"""A graph that computes otherwise when its input is not a pipe."""

from sweeptools.ops import load
from sweeptools.spec import op


@op("smooth", examples=("",))
def mutant(stdin):
    """Smooth, more precisely when fused."""
    first = load("cast")(type="float32") if stdin.name != "stdin" else load("cast")(type="uint8")
    return stdin | first | load("box")(size=(1, 1, 3))
