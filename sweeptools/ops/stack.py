"""sweep-stack: volumes one after the other along z."""

from math import isclose

from ..errors import UsageError
from ..params import Arg, Volume, convert
from ..spec import Block, op
from ._axes import whole


def _head(head, heads):
    """The first volume's head, as long as all of them; UsageError where another does not continue it."""
    for i, other in enumerate(heads[1:], 1):
        who = f"volume {i}"
        if whole(other).whole[1:] != whole(head).whole[1:]:
            a, b = (" x ".join(map(str, h.whole[1:])) for h in (other, head))
            raise UsageError(f"{who} has slices of {a} voxels, the stream of {b}: they must be equal")
        if other.order != head.order:
            raise UsageError(f"{who} goes along {other.axes[0]}, the stream along {head.axes[0]}; use sweep-read --axis")
        if other.dtype != head.dtype:
            raise UsageError(f"{who} is {other.dtype}, the stream {head.dtype}; use sweep-cast {other.dtype} first")
        if len(other.components) != len(head.components):
            a, b = (len(h.components) or "no" for h in (other, head))
            raise UsageError(f"{who} has {a} components, the stream {b}: they must be as many")
        if not _agree(head, other):
            a, b = (_spelt(h) for h in (other, head))
            raise UsageError(f"{who} has {a}, the stream {b}; set one with sweep-read --spacing Z,Y,Xum")
    return head.but(
        whole=(sum(h.whole[0] for h in heads), *head.whole[1:]),
        chunks=head.chunks if head.chunks and all(h.whole[0] % head.chunks[0] == 0 for h in heads[:-1]) else None,
    )  # fmt: skip


def _agree(head, other):
    """Whether the other's spacing is the head's, whatever their units, or not known."""
    if other.spacing is None:
        return True
    if head.spacing is None or (head.unit is None) != (other.unit is None):
        return False
    own = [None if s is None else convert(s, other.unit, head.unit) for s in other.spacing]
    return all(a is b is None or (a and b and isclose(a, b, rel_tol=1e-6)) for a, b in zip(own, head.spacing))


def _spelt(head):
    if head.spacing is None:
        return "no spacing"
    return f"a spacing of {','.join('?' if s is None else f'{s:g}' for s in head.spacing)} {head.unit or ''}".rstrip()


@op("volumes one after the other", extent="slice", head=_head)
def _joined(streams, work):
    """Each is read when the one before has ended."""
    places, z = [], 0
    for head, blocks in zip(work.heads, streams):
        places.append((z, blocks))
        z += head.whole[0]
    for z, blocks in places if work.way == "up" else reversed(places):
        for block in blocks:
            yield Block(z + block.z, block.n, block.data, block.fill)
            del block


@op("put volumes one after the other", task="Geometry", extent="slice",
    examples=("next.zarr", "second.zarr third.zarr", "next.zarr --dtype float32"))  # fmt: skip
def stack(stdin, *others, volumes: Arg(Volume, "what follows the stream, in this order", multiple=True,
                                       metavar="VOLUME")):  # fmt: skip
    """Put the slices of every VOLUME behind those of the stream, along z, as numpy.concatenate does.

    All must have slices of the same size and voxels of the same type and components; where a VOLUME has a spacing it
    must be the stream's, in whatever unit. Origin, role and all else are the stream's. A VOLUME is an address, or a
    stream <(...); it is read when its turn comes, what comes through a pipe earlier waits in memory and on disk.

    Along another axis: sweep-permute before and after. The type is kept, and every voxel, NaN too.
    """
    return stdin | _joined(*others)
