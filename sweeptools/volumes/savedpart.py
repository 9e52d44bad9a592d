"""A saved stream, NAME.sweep, read whole, or the part of it that a box keeps."""

import os

from ..errors import UsageError
from ..stream import read_blocks, scan
from .saved import open_saved
from .slabs import Stored


def stored(path, pool, part):
    """A saved stream: read whole, the Source whose digest is verified at the end; else the Stored of which `part`, the
    options of slabs.source, is taken: each block is verified."""
    if {**part, "sweep": None} == {"sweep": None, "axis": "z", **dict.fromkeys(("box", "range", "spacing", "role"))}:
        whole = open_saved(path, pool)
        whole.head = whole.head.but(sweep=part["sweep"])
        return whole
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        saved = scan(fd, str(path))
        head = saved.head.but(sweep="up")
        if head.is_part:
            raise UsageError(f"{path} is a part of a volume; read it whole, without --box, --range or --axis")
    except BaseException:
        os.close(fd)
        raise

    def read(dst, region):
        (z0, z1), (y0, y1), (x0, x1) = region
        for block, _ in read_blocks(fd, saved, pool, "up", z0, z1, str(path)):
            dst[block.z - z0 : block.z - z0 + block.n] = block.array(head)[:, y0:y1, x0:x1]

    return Stored(head, read, (head.depth, 0, 0), str(path), close=lambda: os.close(fd))
