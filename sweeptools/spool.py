"""Temporary files: a saved stream for a second sweep, and growing arrays for what scans leave behind.

Every file loses its name as soon as it is opened, so that nothing is left whatever ends the process. What is read
back is file-backed memory, which the system takes away when it is short.
"""

import contextlib
import errno
import mmap
import os
import tempfile
from math import prod

import numpy as np

from . import stream
from .errors import Refused, SweepError, UsageError
from .flow import Pool
from .machine import spell_size
from .spec import Source
from .stream.frame import write
from .stream.head import pack_head, wire_type

BUFFER = 1 << 16             # bytes that a log gathers before it writes
IN_MEMORY = ("tmpfs", "ramfs", "devtmpfs")


def place(tmpdir=None, beside=None):
    """The directory for temporary files: `tmpdir`, else $SWEEP_TMPDIR, else $TMPDIR, else that of the output `beside`,
    else the current one. What lies in memory counts only where it was named as tmpdir or $SWEEP_TMPDIR."""
    named = tmpdir or os.environ.get("SWEEP_TMPDIR")
    if named:
        if not os.path.isdir(named):
            raise UsageError(f"the directory for temporary files, {named}, does not exist")
        return os.path.abspath(named)
    beside = os.path.dirname(os.path.abspath(beside)) if beside else None
    for path in (os.environ.get("TMPDIR"), beside, os.getcwd()):
        if path and os.path.isdir(path) and os.access(path, os.W_OK | os.X_OK) and not in_memory(path):
            return os.path.abspath(path)
    raise Refused("no directory for temporary files that is not in memory; name one with --tmpdir or $SWEEP_TMPDIR")


def in_memory(path):
    """Whether a directory lies on a file system in memory."""
    device = os.stat(path).st_dev
    name = f"{os.major(device)}:{os.minor(device)}"
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as mounts:
        for line in mounts:
            fields, _, rest = line.partition(" - ")
            if fields.split()[2] == name:
                return rest.split()[0] in IN_MEMORY
    return False


def room(path):
    """Bytes that may still be written to the file system of a path."""
    told = os.statvfs(path)
    return told.f_bavail * told.f_frsize


def upper_bound(head):
    """The most bytes a spool of a stream takes: all its voxels as they are, and frames."""
    return head.slices * (head.slice_bytes + 320) + len(pack_head(head)) + 4096


def require(path, size, mend=""):
    """Refused unless `size` bytes fit in the directory `path`; `mend` says what would help."""
    free = room(path)
    if size > free:
        raise Refused(
            f"the spool may take {spell_size(size)}, {path} has {spell_size(free)} free; "
            + (mend or "name a larger directory with --tmpdir")
        )


def nameless(directory):
    """A new file in a directory, open for reading and writing, that has no name."""
    try:
        with contextlib.suppress(OSError):           # not every file system can make a file without a name
            return os.open(directory, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC | os.O_EXCL, 0o600)
        fd, path = tempfile.mkstemp(prefix=".sweep-", dir=directory)
        os.unlink(path)
        return fd
    except OSError as error:
        raise SweepError(f"no temporary file can be made in {directory}: {error.strerror.lower()}") from None


@contextlib.contextmanager
def full(directory):
    """A full disk said with the directory's name."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise SweepError(
            f"the directory for temporary files, {directory}, is full; name a larger one with --tmpdir"
        ) from None


class File:
    """A file without a name, closed when nobody holds it any more."""

    def __init__(self, directory):
        self.directory = directory
        self.fd = nameless(directory)

    def close(self):
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)

    def __del__(self):
        if getattr(self, "fd", -1) >= 0:
            self.close()


class Spool:
    """A stream saved in a temporary file: written once, then read in either direction, any range, as often as wanted.

    Where the file goes `place` says. Refused where the upper bound of its size does not fit there; `mend` says what
    would help. Several threads may read at once.
    """

    def __init__(self, head, tmpdir=None, codec="lz4", *, beside=None, pool=None, mend=""):
        directory = place(tmpdir, beside)
        require(directory, upper_bound(head), mend)
        self.head, self.pool = head, pool or Pool()
        self._file = File(directory)
        with full(directory):
            self._writer = stream.Writer(self._file.fd, head, codec, pool=self.pool)
        self._saved = stream.Saved(head, wire_type(head.dtype), self._writer.offsets, {})

    @property
    def bytes(self):
        """Bytes in the file."""
        return self._writer.bytes

    def write(self, block):
        """Append the next block in stream order."""
        with full(self._file.directory):
            self._writer.block(block)

    def finish(self):
        """Say that all slices were written. SweepError where some are missing."""
        with full(self._file.directory):
            self._writer.end()

    def blocks(self, direction="up", z0=None, z1=None):
        """The blocks of slices z0 to z1 of the whole, rising or falling, each verified as it is read. A range that was
        written may be read before the rest is."""
        if not self._writer.ended and (z0 is None or z1 is None):
            raise ValueError("a spool is read after it is finished")
        for block, _ in stream.read_blocks(self._file.fd, self._saved, self.pool, direction, z0, z1, "spool"):
            yield block
            del block

    def source(self, name="spool"):
        """The spool as a Source that can be read again."""
        held = 2 * min(self.head.depth, self.head.slices) * self.head.slice_bytes
        return Source(self.head, self.blocks, again=True, name=name, memory=(("spool: a block and its packing", held),))

    def close(self):
        """Give the disk's space back."""
        self._file.close()


class Log:
    """A growing array of one type on disk, of which only a small buffer is in memory.

    `append` takes one item or an array of them; `array()` is all so far, read-only and backed by the file: slices of
    it from either end cost what they touch. `values` restores a log from the array saved of another.
    """

    def __init__(self, tmpdir, dtype, values=None):
        self.dtype = np.dtype(dtype)
        self._file = File(place(tmpdir))
        self._buffer = np.empty(max(1, BUFFER // self.dtype.itemsize), self.dtype)
        self._held = self._written = 0
        if values is not None:
            self.append(values)

    def __len__(self):
        return self._written + self._held

    @property
    def bytes(self):
        return len(self) * self.dtype.itemsize

    def append(self, values):
        """Add one item, or a one-dimensional array of items."""
        values = np.atleast_1d(np.asarray(values, self.dtype))
        if values.ndim != 1:
            raise ValueError(f"a log takes items or one row of them, not shape {values.shape}")
        if self._held + len(values) > len(self._buffer):
            self._flush()
        if len(values) > len(self._buffer):
            self._put(np.ascontiguousarray(values))
            return
        self._buffer[self._held : self._held + len(values)] = values
        self._held += len(values)

    def array(self):
        """All items so far as a read-only array over the file."""
        self._flush()
        if not self._written:
            return np.empty(0, self.dtype)
        return np.frombuffer(mmap.mmap(self._file.fd, self.bytes, access=mmap.ACCESS_READ), self.dtype)

    def finish(self):
        """The log itself, all of it in the file."""
        self._flush()
        return self

    def __array__(self, dtype=None, copy=None):
        return np.array(self.array(), dtype, copy=copy)

    def __getitem__(self, where):
        return self.array()[where]

    def close(self):
        """Give the disk's space back; arrays made before stay."""
        self._file.close()

    def _flush(self):
        if self._held:
            self._put(self._buffer[: self._held])
            self._held = 0

    def _put(self, values):
        with full(self._file.directory):
            write(self._file.fd, values.view(np.uint8))
        self._written += len(values)


class Disk:
    """Makes logs and spools in one directory, which is found when the first is asked for."""

    def __init__(self, tmpdir=None, beside=None):
        self._asked, self._directory, self._made, self._arrays = (tmpdir, beside), None, [], 0

    @property
    def directory(self):
        self._directory = self._directory or place(*self._asked)
        return self._directory

    @property
    def bytes(self):
        """Bytes in all files made here."""
        return self._arrays + sum(item.bytes for item in self._made)

    def ready(self):
        """Import what spools need."""
        stream.ready("lz4")

    def log(self, dtype, values=None):
        self._made.append(Log(self.directory, dtype, values))
        return self._made[-1]

    def spool(self, head, codec="lz4", pool=None, mend=""):
        """A spool in the same directory."""
        self._made.append(Spool(head, self.directory, codec, pool=pool, mend=mend))
        return self._made[-1]

    def zeros(self, shape, dtype):
        """An array of zeros in a file, all of whose room is taken now: of its pages the system keeps in memory those that
        are in use. The file goes with the array."""
        size = prod(shape) * np.dtype(dtype).itemsize
        file = File(self.directory)
        with full(self.directory):
            os.posix_fallocate(file.fd, 0, max(1, size))
        self._arrays += size
        return np.frombuffer(mmap.mmap(file.fd, max(1, size)), dtype, prod(shape)).reshape(shape)

    def turned(self, head, out, order, pool):
        """A stream with `head` that is to be read along another axis; see turned.Turned."""
        from .turned import Turned

        self._made.append(Turned(head, out, order, self.directory, pool))
        return self._made[-1]

    def close(self):
        for item in self._made:
            item.close()
