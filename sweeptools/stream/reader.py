"""Reading a stream: every bit of it is verified before a voxel is handed on."""

import os
import stat

from ..errors import Corrupt, Refused, SweepError, Upstream, UsageError
from ..flow import Pool
from ..spec import Source
from .blocks import Order, decode
from .digest import Digest
from .frame import KNOWN, MAGIC, UNIT, VERSION, Cut, Frames, Input, Kind, plain, preamble, widen
from .head import unpack_head


class Reader:
    """A stream from a file descriptor: preamble and head are read at once.

    `on_note(dict)` gets the notes, `on_other(kind, header, payload)` the skippable frames of unknown kind. `end` is
    None until the end mark was verified, then slices, digest, slice_digests (indices, digests), reports and found.
    Raises UsageError for what is no stream, Upstream at an error mark, Corrupt for damage, Refused for what is beyond
    this version, SweepError for a stream that ends without a mark.
    """

    def __init__(self, fd, pool=None, on_note=None, name="", on_other=None):
        self.name = name or "stdin"
        self.pool = pool or Pool()
        self.on_note, self.on_other = on_note or _ignore, on_other or _ignore
        self.digest, self.end = Digest(), None
        widen(fd)
        self._in = Input(fd)
        self._frames = Frames(self._in, f"stream from {self.name}")
        check_preamble(self._in, self.name)
        try:
            frame = self._next((Kind.HEAD,))
        except Cut:
            raise SweepError(f"{self._frames.who} ended before its head; was the command before it killed?") from None
        self.head, self.wire, self.sender = unpack_head(frame.header)
        if self.sender:
            self._frames.who = f"stream from {self.sender}"
        self._order = Order(self.head)

    @property
    def bytes(self):
        """Bytes read so far."""
        return self._in.done

    def blocks(self):
        """The blocks in stream order, once."""
        try:
            while True:
                frame = self._next((Kind.BLOCK, Kind.END))
                if frame.kind == Kind.END:
                    self._finish(frame)
                    return
                block, digests = decode(self._frames, frame, self.head, self.wire, self.pool)
                fault = self._order.fault(block.z, block.n)
                if fault:
                    raise self._frames.damaged(fault, frame.offset)
                self.digest.put(block.z, digests)
                yield block
                del block
        except Cut:
            raise SweepError(
                f"{self._frames.who} ended at slice {self._order.seen} of {self._order.total} without an end mark; "
                "was it killed (out of memory)?"
            ) from None

    def source(self, name=None):
        """The stream as a Source, which can be read once and in its own direction."""
        source = Source(self.head, None, name=name or self.sender or self.name, end={"slice_digests": None})

        def blocks(direction=None):
            if direction not in (None, self.head.sweep):
                raise Refused(f"{source.name} sends an {self.head.sweep} sweep and cannot be read {direction}")
            for block in self.blocks():
                source.stats["bytes"] = self.bytes
                yield block
            source.stats["bytes"] = self.bytes
            source.end.update(self.end)

        source.blocks = blocks
        return source

    def _next(self, wanted):
        """The next frame of a wanted kind; notes and unknown frames on the way are handed on."""
        while True:
            frame = self._frames.next()
            if frame.kind not in KNOWN:
                if not frame.skippable:
                    raise self._frames.unknown(frame)
                self.on_other(frame.kind, frame.header, self._frames.small(frame))
                continue
            if frame.flags != KNOWN[frame.kind]:
                raise Refused(f"{self._frames.who} has flags {frame.flags}, which this version does not know")
            if frame.kind in wanted and (frame.kind != Kind.HEAD or frame.seq == 0):
                if frame.kind != Kind.BLOCK:
                    self._frames.empty(frame)
                return frame
            self._frames.empty(frame)
            if frame.kind == Kind.ERROR:
                raise upstream(self._frames.header(frame))
            if frame.kind != Kind.NOTE or frame.seq == 0:
                raise self._frames.damaged(f"a frame of kind {chr(frame.kind)} out of place", frame.offset)
            self.on_note(self._frames.header(frame))

    def _finish(self, frame):
        end = end_mark(self._frames, frame)
        if not self._order.done or end["slices"] != self._order.seen:
            raise self._frames.damaged(
                f"an end mark for {end['slices']} slices after {self._order.seen} of {self._order.total}", frame.offset
            )
        if end["digest"] != self.digest.hexdigest():
            raise Corrupt(f"{self._frames.who} is damaged: the digest of its voxels is not the one in its end mark")
        if not self._in.ended():
            raise self._frames.damaged("more bytes after the end mark", self._in.done - 1)
        self.end = {**end, "slice_digests": self.digest.arrays()}


def end_mark(frames, frame):
    """slices, digest, reports and found of an end mark."""
    header = frames.header(frame)
    slices, digest = header.get("slices"), header.get("digest")
    lists = [header.get(name, []) for name in ("reports", "found")]
    if type(slices) is not int or not isinstance(digest, str) or not all(isinstance(v, list) for v in lists):
        raise frames.damaged("an end mark that cannot be read", frame.offset)
    return {"slices": slices, "digest": digest, "reports": lists[0], "found": lists[1]}


def check_preamble(bytes_in, name):
    """Read the preamble; say what stands there instead."""
    raw = bytearray(UNIT)
    raw = bytes(raw[: bytes_in.some(raw)])
    if raw == preamble():
        return
    if not raw:
        raise SweepError(f"{name} is empty where a stream should be; the command before it wrote nothing")
    if raw.startswith(MAGIC) and len(raw) == UNIT:
        version = int.from_bytes(raw[8:10], "little")
        if version > VERSION and not any(raw[10:56]):
            raise Refused(f"{name} is a stream of version {version}, this sweeptools reads version {VERSION}")
        raise Corrupt(f"{name} is damaged within the first 64 bytes of the stream")
    if preamble().startswith(raw):
        raise SweepError(f"{name} ended within the first 64 bytes of a stream; was the command before it killed?")
    if raw[:4] == MAGIC[:4] or raw[1:4] == MAGIC[1:4]:
        raise Corrupt(f"{name} is a stream damaged on its way, as by a transfer in text mode")
    if _is_text(raw):
        start = plain(raw.decode(errors="replace"), 30)
        raise UsageError(
            f"{name} is text ({start!r}), not a stream; a command that answers with text hands its stream on with "
            "--pass FILE, which the text goes to"
        )
    raise UsageError(f"{name} is not a stream (it starts with {raw[:8].hex(' ')}); sweep-read makes one of a volume")


def is_stream(fd):
    """Whether a regular file, or a path to one, starts as a stream does; its offset stays where it is."""
    if not isinstance(fd, int):
        with open(fd, "rb") as file:
            return is_stream(file.fileno())
    return stat.S_ISREG(os.fstat(fd).st_mode) and os.pread(fd, len(MAGIC), 0) == MAGIC


def _is_text(raw):
    try:
        decoded = raw.decode()
    except UnicodeDecodeError as error:
        if error.end < len(raw) or error.reason != "unexpected end of data":
            return False
        decoded = raw[: error.start].decode()
    return all(c.isprintable() or c in "\t\n\r\f\v\b\x1b" for c in decoded)


def upstream(header):
    """What an error mark says."""
    status = header.get("status")
    status = status if type(status) is int and 0 < status < 256 else 1
    return Upstream(plain(header.get("stage", "a stage"), 60), plain(header.get("why", "it did not say why")), status)


def _ignore(*_):
    """What is done with notes nobody asked for."""
