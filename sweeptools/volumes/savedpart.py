"""A saved stream, NAME.sweep, read whole, or the part of it that a box keeps."""

import os

from ..errors import UsageError
from ..stream import read_blocks, scan
from .saved import open_saved
from .slabs import Stored
from .slabs import source as swept

WHY = "a saved stream is read slice by slice; write it to .zarr, or turn it with sweep-permute"


def source(path, pool, sweep="up", axis="z", box=None, range=None, spacing=None, role=None):
    """The Source of a saved stream. Read whole, its digest is verified at the end; a part's blocks are, each."""
    if (axis, box, range, spacing, role) == ("z", None, None, None, None):
        whole = open_saved(path, pool)
        whole.head = whole.head.but(sweep=sweep)
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

    def read(dst, part):
        (z0, z1), (y0, y1), (x0, x1) = part
        for block, _ in read_blocks(fd, saved, pool, "up", z0, z1, str(path)):
            dst[block.z - z0 : block.z - z0 + block.n] = block.array(head)[:, y0:y1, x0:x1]

    stored = Stored(head, read, (head.depth, 0, 0), str(path), why=WHY, close=lambda: os.close(fd))
    return swept(stored, pool, sweep=sweep, axis=axis, box=box, range=range, spacing=spacing, role=role)
