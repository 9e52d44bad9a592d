"""An operation that does not say what it means."""

from sweeptools.spec import op


@op("Does things.", examples=("",))
def mutant(src, dst, box):
    """Things."""
