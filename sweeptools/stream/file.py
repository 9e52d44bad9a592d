"""Streams in files: an index of their blocks, which are then read in either direction, any range, by any thread."""

from dataclasses import dataclass

import numpy as np

from ..errors import SweepError
from ..spec import Head
from .blocks import Order, block_header, decode
from .frame import KNOWN, Cut, Frames, Input, Kind
from .head import unpack_head
from .reader import check_preamble, end_mark, upstream


@dataclass(frozen=True)
class Saved:
    """A saved stream: its head, the type its voxels have in the file, (z, n, byte, frame) of its blocks, its end."""

    head: Head
    wire: np.dtype
    index: list
    end: dict


def scan(fd, name):
    """The Saved that a file holds, found without reading voxels. The errors are those of Reader."""
    bytes_in = Input(fd, 0)
    frames = Frames(bytes_in, name)
    check_preamble(bytes_in, name)
    try:
        first = frames.next()
        if first.kind == Kind.ERROR:
            raise upstream(frames.header(first))
        if first.kind != Kind.HEAD or first.flags:
            raise frames.damaged("no head", first.offset)
        frames.empty(first)
        head, wire, _ = unpack_head(first.header)
        order, index = Order(head), []
        while (frame := frames.next()).kind != Kind.END:
            if frame.kind == Kind.BLOCK:
                z, n, _, _ = block_header(frames, frame, head)
                fault = order.fault(z, n)
                if fault:
                    raise frames.damaged(fault, frame.offset)
                index.append((z, n, frame.offset, frame.seq))
            elif frame.kind == Kind.ERROR:
                raise upstream(frames.header(frame))
            elif frame.kind in KNOWN and not frame.skippable:
                raise frames.damaged(f"a frame of kind {chr(frame.kind)} out of place", frame.offset)
            elif not frame.skippable:
                raise frames.unknown(frame)
            frames.skip(frame)
        frames.empty(frame)
    except Cut:
        raise SweepError(f"{name} is a stream without an end mark; was the command that saved it killed?") from None
    end = end_mark(frames, frame)
    if not order.done or end["slices"] != order.seen or not bytes_in.ended():
        raise frames.damaged("an end mark that does not fit what is before and after it", frame.offset)
    return Saved(head, wire, index, end)


def read_blocks(fd, saved, pool, direction, z0=None, z1=None, who="file"):
    """(block, digests of its slices) of slices z0 to z1 of the whole, rising or falling, each block verified. Where a
    block is cut to the range its digests are too."""
    low, high = saved.head.box[0]
    z0, z1 = low if z0 is None else max(z0, low), high if z1 is None else min(z1, high)
    wanted = sorted(entry for entry in saved.index if entry[0] < z1 and entry[0] + entry[1] > z0)
    for z, n, at, seq in wanted if direction == "up" else reversed(wanted):
        frames = Frames(Input(fd, at), who, seq)
        try:
            frame = frames.next()
            block, digests = decode(frames, frame, saved.head, saved.wire, pool)
        except Cut:
            raise frames.damaged("the end of the file within a block", at) from None
        if frame.kind != Kind.BLOCK or (block.z, block.n) != (z, n):
            raise frames.damaged("another block than was there before", at)
        a, b = max(z, z0), min(z + n, z1)
        yield (block, digests) if b - a == n else (block.part(a, b), digests[a - z : b - z])
        del block
