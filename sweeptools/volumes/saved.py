"""Saved streams, NAME.sweep: the stream as it is, read in either direction by the place of each block."""

import os

import numpy as np

from ..errors import Corrupt
from ..flow import Pool
from ..spec import Block, Source
from ..stream import Digest, read_blocks, scan
from ..stream import Writer as Frames

FRAME = 4 << 20              # bytes of voxels in a block of the file


def open_saved(path, pool=None):
    """A saved stream as a Source that can be read again and in either direction.

    A sweep from end to end is compared with the digest in the end mark; what else stands there is in `end`.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        saved = scan(fd, str(path))
    except BaseException:
        os.close(fd)
        raise
    pool = pool or Pool()
    held = 2 * min(saved.head.depth, saved.head.slices) * saved.head.slice_bytes
    source = Source(
        saved.head.but(sweep="up"), None, again=True, name=str(path), memory=(("saved stream: a block", held),),
        stats={"bytes": 0, "chunks": 0, "chunks_total": len(saved.index)},
    )  # fmt: skip

    def blocks(direction="up"):
        digest = Digest()
        for block, digests in read_blocks(fd, saved, pool, direction, who=str(path)):
            digest.put(block.z, digests)
            source.stats["bytes"] += block.n * saved.head.slice_bytes
            source.stats["chunks"] += 1
            yield block
            del block
        if digest.hexdigest() != saved.end["digest"]:
            raise Corrupt(f"{path} is damaged: the digest of its voxels is not the one in its end mark")
        source.end.update(saved.end, slice_digests=digest.arrays())

    def close():
        nonlocal fd
        fd, old = -1, fd
        if old >= 0:
            os.close(old)

    source.blocks, source.close = blocks, close
    return source


class Writer:
    """A sink for a new file, whose bytes depend on the voxels and the head alone: it gathers blocks of a depth of its
    own, so that the file is the same for every cut."""

    axes = (0, 1, 2)

    def __init__(self, path, head):
        depth = max(1, min(head.slices, FRAME // max(1, head.slice_bytes)))
        self.head = head.but(depth=depth, peaks=(), budget=None)
        self.path, self.stats = path, {"bytes": 0, "chunks": 0, "chunks_rewritten": 0, "files": 1}
        frames = ("saved stream: 2 frames", 2 * depth * head.slice_bytes)
        self.memory = (frames,) if depth == head.depth else (frames, ("a block of the stream", head.block_bytes))
        self._pool, self._held = Pool(), []
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        self._writer = Frames(self._fd, self.head)

    def write(self, block):
        """Append the next block in stream order."""
        base, depth, up = self.head.first, self.head.depth, self.head.sweep == "up"
        a, b = block.z, block.z + block.n
        cuts = [z for z in range(base + -(-(a - base) // depth) * depth, b, depth) if z > a]
        parts = [block.part(lo, hi) for lo, hi in zip([a, *cuts], [*cuts, b])]
        for part in parts if up else reversed(parts):
            self._held.append(part)
            edge = part.z + part.n if up else part.z
            if (edge - base) % depth == 0 or edge == self.head.box[0][1]:
                self._flush()

    def finish(self, end=None):
        """Write the end mark with what was found, and see that all is on the disk."""
        self._writer.end(found=(end or {}).get("found", ()))
        self.stats["bytes"] = self._writer.bytes
        fd, self._fd = self._fd, -1
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def abort(self):
        """Close and remove what was written."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
            os.unlink(self.path)

    def _flush(self):
        held, self._held = sorted(self._held, key=lambda part: part.z), []
        whole = held[0] if len(held) == 1 else self._join(held)
        if whole.data is not None and is_constant(whole.data):
            whole = Block(whole.z, whole.n, None, whole.data.reshape(-1, *whole.data.shape[3:])[0])
        self._writer.block(whole)
        self.stats["chunks"] += 1

    def _join(self, held):
        n = sum(part.n for part in held)
        data = self._pool.array((n, *self.head.slice_shape), self.head.dtype)
        at = 0
        for part in held:
            data[at : at + part.n] = part.array(self.head)
            at += part.n
        return Block(held[0].z, n, data)


def is_constant(data):
    """Whether all voxels are the same to the bit; where they are not this is mostly seen in the first slice."""
    voxels = data.reshape(len(data), -1, data.shape[3] if data.ndim > 3 else 1)
    if voxels.size == 0:
        return False
    bits = voxels.view(f"u{data.dtype.itemsize}")
    return all(np.array_equal(part, np.broadcast_to(bits[0, :1], part.shape)) for part in bits)
