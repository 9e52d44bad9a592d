"""Writing a stream."""

import os
import threading

import numpy as np

from ..errors import SweepError
from ..flow import Pool, pieces
from .blocks import CODECS, Order, encode
from .digest import Digest
from .frame import SKIPPABLE, Kind, dumps, pack, pad, part_checks, preamble, widen, write
from .head import pack_head


class Writer:
    """A stream to a file descriptor: preamble and head go out at once, then blocks, notes, and one mark at the end.

    `name` is the stage that sends it, which a reader names where the stream is cut; without one the bytes depend on
    the voxels alone. Any thread may call any method. BrokenPipeError comes through: the reader went away.
    """

    def __init__(self, fd, head, codec="raw", name="", pool=None):
        if codec not in CODECS:
            raise ValueError(f"codec {codec!r}")
        self.head, self.codec, self._pool = head, codec, pool or Pool()
        self.offsets = []                # (z, n, byte, frame) of every block in the stream
        self.bytes = 0
        self.digest = Digest()
        self.ended = False               # a mark has been sent, or the stream is broken within a frame
        self._broken = None              # why nothing more can be sent, where a write failed
        self._fd, self._seq, self._lock, self._order = fd, 0, threading.Lock(), Order(head)
        widen(fd)
        header = pack_head(head, (name, os.getpid()) if name else None)
        self._put(preamble())
        self._send(Kind.HEAD, header)

    @property
    def digests(self):
        """(indices, digests) of the slices sent."""
        return self.digest.arrays()

    def block(self, block):
        """Send a block, which must be the next in stream order; one deeper than the head's depth goes in pieces."""
        for piece in pieces(block, self.head.depth, self.head.sweep) if block.n > self.head.depth else (block,):
            header, payload, parts, digests = encode(piece, self.head, self.codec, self._pool)
            with self._lock:
                self._whole("block")
                fault = self._order.fault(piece.z, piece.n)
                if fault:
                    raise ValueError(fault)
                at, seq = self.bytes, self._seq
                self._send(Kind.BLOCK, dumps(header), payload, parts)
                self.offsets.append((piece.z, piece.n, at, seq))
                self.digest.put(piece.z, digests)

    def note(self, facts):
        """Send a note between two frames; nothing after the end, as tickers may still run."""
        header = dumps(facts)
        with self._lock:
            if not self.ended:
                self._send(Kind.NOTE, header, flags=SKIPPABLE)

    def other(self, kind, header, payload):
        """Pass on a skippable frame of unknown kind, as Reader's `on_other` got it."""
        with self._lock:
            if not self.ended:
                self._send(kind, header, payload, part_checks(payload, len(payload)), SKIPPABLE)

    def end(self, reports=(), found=()):
        """Send the end mark. SweepError where slices are missing: a stream cut short must never look whole."""
        with self._lock:
            self._whole("second end")
            if not self._order.done:
                raise SweepError(f"only {self._order.seen} of {self._order.total} slices were made")
            facts = {"slices": self._order.seen, "digest": self.digest.hexdigest()}
            self._send(Kind.END, dumps({**facts, "reports": list(reports), "found": list(found)}))
            self.ended = True

    def error(self, stage, why, status=1):
        """Send an error mark instead of the end; nothing where that can no longer be said."""
        with self._lock:
            if not self.ended:
                self._send(Kind.ERROR, error_header(stage, why, status))
                self.ended = True

    def _whole(self, what):
        """See that the stream can go on: any thread may have found that its reader is gone."""
        if self._broken:
            raise self._broken
        if self.ended:
            raise ValueError(f"a {what} after the end of the stream")

    def _send(self, kind, header, payload=None, parts=None, flags=0):
        payload = b"" if payload is None else payload
        parts = np.empty(0, "<u8") if parts is None else parts
        prefix = pack(kind, header, parts.tobytes(), len(payload), self._seq, flags)
        self._seq += 1
        self._put(prefix, payload, bytes(pad(len(payload))))

    def _put(self, *buffers):
        try:
            write(self._fd, *buffers)
        except BaseException as error:   # part of a frame may be out: what follows would be taken for its rest
            self.ended, self._broken = True, error
            raise
        self.bytes += sum(len(b) for b in buffers)


def error_header(stage, why, status):
    return dumps({"stage": stage, "why": str(why), "status": int(status)})


def send_error(fd, stage, why, status=1):
    """A stream that is nothing but an error mark, for a stage that fails before it knows its head."""
    header = error_header(stage, why, status)
    write(fd, preamble(), pack(Kind.ERROR, header, b"", 0, 0))
