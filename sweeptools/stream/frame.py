"""Frames: the layout of the wire, and bytes read and written whole. Byte by byte in sweep-stream(5)."""

import contextlib
import fcntl
import os
import select
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import msgpack
import numpy as np
import xxhash

from ..errors import Corrupt, Refused, SweepError

MAGIC = b"\x89SWP\r\n\x1a\n"
VERSION = 1
MARK = b"\x89FRM"
UNIT = 64                                # frames and payloads start at multiples of it
PREFIX = struct.Struct("<4sBBHIIQQQQQ")  # all but the check in the last eight bytes
CHECK = struct.Struct("<Q")
SKIPPABLE = 1
MOST = 16 << 20                          # bytes of a header, and of the payload of any frame but a block
CONTAINERS = 1 << 20                     # lists and maps in one header
CHUNK = 1 << 20


class Kind(IntEnum):
    """What a frame is: a letter."""

    HEAD, BLOCK, NOTE, END, ERROR = b"HBNEX"


KNOWN = {Kind.HEAD: 0, Kind.BLOCK: 0, Kind.NOTE: SKIPPABLE, Kind.END: 0, Kind.ERROR: 0}    # kinds and their flags


class Cut(Exception):
    """The bytes ended before a frame did."""


@dataclass(frozen=True)
class Frame:
    """A prefix as it was read, with its verified header."""

    offset: int
    seq: int
    kind: int
    flags: int
    header: bytes
    payload: int                         # bytes without padding
    payload_check: int

    @property
    def skippable(self):
        return bool(self.flags & SKIPPABLE)


def pad(length):
    """Zeros from `length` to the next multiple of 64."""
    return -length % UNIT


def check(data):
    return xxhash.xxh3_64_intdigest(data)


def preamble():
    """The first 64 bytes of every stream."""
    head = MAGIC + struct.pack("<H", VERSION) + bytes(46)
    return head + CHECK.pack(check(head))


def pack(kind, header, parts, payload, seq, flags=0):
    """Prefix and padded header of a frame; `payload` is its length, `parts` the checks of its parts (u64, as bytes)."""
    if len(header) > MOST:
        raise SweepError(f"a header of {len(header)} bytes cannot be sent, the most is {MOST}")
    fields = PREFIX.pack(MARK, kind, flags, 0, len(header), 0, payload, check(header), check(parts), seq, 0)
    return b"".join((fields, CHECK.pack(check(fields)), header, bytes(pad(len(header)))))


# ------------------------------------------------------------------ headers


def dumps(value):
    """A header as msgpack; file names that are no UTF-8 go through as the bytes they are."""
    try:
        return msgpack.packb(value, use_bin_type=True, default=_plain, unicode_errors="surrogateescape")
    except (OverflowError, TypeError, ValueError) as error:
        raise SweepError(f"a header cannot be sent: {error}") from None


def _plain(value):
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} has no place in a header")


def loads(raw):
    """The map that a header is; ValueError where it is anything else, is nested too deep or swells when unpacked."""
    left = CONTAINERS

    def count(container):
        nonlocal left
        left -= 1
        if left < 0:
            raise ValueError(f"more than {CONTAINERS} lists and maps")
        return container

    try:
        value = msgpack.unpackb(
            raw, raw=False, strict_map_key=True, unicode_errors="surrogateescape", max_ext_len=0,
            object_hook=count, list_hook=count,
        )  # fmt: skip
    except RecursionError:
        raise ValueError("nested too deep") from None
    except msgpack.exceptions.UnpackException as error:
        raise ValueError(str(error) or type(error).__name__) from None
    if not isinstance(value, dict):
        raise ValueError("not a map")
    return value


def plain(text, most=2000):
    """Text of a stranger, fit for a terminal: one line without control characters."""
    text = str(text)[:most]
    return "".join(c if c.isprintable() else " " for c in text).strip()


# ------------------------------------------------------------------ bytes in


class Input:
    """Bytes of a file descriptor: from where it stands (a pipe), or from the offset `at` of a file on."""

    def __init__(self, fd, at=None):
        self.fd, self.at = fd, at
        self.done = at or 0              # bytes from the beginning of the stream

    def some(self, *buffers):
        """Fill the buffers as far as the bytes reach; how many did."""
        views, total = [memoryview(b) for b in buffers], 0
        while views := [v for v in views if len(v)]:
            try:
                n = os.readv(self.fd, views) if self.at is None else os.preadv(self.fd, views, self.done)
            except BlockingIOError:
                wait(self.fd, select.POLLIN)
                continue
            if n == 0:
                break
            views = rest(views, n)
            total += n
            self.done += n
        return total

    def fill(self, *buffers):
        """Fill all the buffers; Cut where the bytes end before."""
        if self.some(*buffers) < sum(len(b) for b in buffers):
            raise Cut

    def ended(self, patience=2.0):
        """Whether no byte follows; a pipe whose writer stays silent and does not close is believed after a while."""
        poll = select.poll()
        poll.register(self.fd, select.POLLIN)
        return not poll.poll(patience * 1000) or self.some(bytearray(1)) == 0


class Frames:
    """Frames of an input one after the other, each verified; `who` names the stream in errors."""

    def __init__(self, bytes_in, who, seq=0):
        self.bytes_in, self.who, self.seq = bytes_in, who, seq

    def damaged(self, what, offset):
        return Corrupt(f"{self.who} is damaged: {what} at byte {offset}")

    def next(self):
        """The next frame's prefix and header; Cut where the stream ends."""
        at = self.bytes_in.done
        raw = bytearray(UNIT)
        self.bytes_in.fill(raw)
        fields = bytes(raw[:56])
        if CHECK.unpack_from(raw, 56)[0] != check(fields):
            raise self.damaged("the checksum of a frame's prefix disagrees", at)
        mark, kind, flags, zero, size, zero2, payload, header_check, payload_check, seq, zero3 = PREFIX.unpack(fields)
        if mark != MARK or zero or zero2 or zero3:
            raise self.damaged("no frame of version 1", at)
        if seq != self.seq:
            raise self.damaged(f"frame {seq} where frame {self.seq} should be", at)
        if size > MOST:
            raise self.damaged(f"a header of {size} bytes, must be at most {MOST},", at)
        if kind != Kind.BLOCK and payload > MOST:
            raise self.damaged(f"a payload of {payload} bytes that is no block, must be at most {MOST},", at)
        header = bytearray(size + pad(size))
        self.bytes_in.fill(header)
        if check(memoryview(header)[:size]) != header_check:
            raise self.damaged("the checksum of a frame's header disagrees", at)
        if any(memoryview(header)[size:]):
            raise self.damaged("padding that is not zero", at)
        self.seq += 1
        return Frame(at, seq, kind, flags, bytes(memoryview(header)[:size]), payload, payload_check)

    def header(self, frame):
        """The header as a map."""
        try:
            return loads(frame.header)
        except ValueError as error:
            raise self.damaged(f"a header that cannot be read ({error})", frame.offset) from None

    def payload(self, frame, buffer):
        """Read the payload into `buffer` (bytes) and its padding; `verify` must follow."""
        padding = bytearray(pad(frame.payload))
        self.bytes_in.fill(buffer, padding)
        if any(padding):
            raise self.damaged("padding that is not zero", frame.offset)

    def verify(self, frame, parts):
        """Compare the checks of a payload's parts (u64) with the prefix."""
        if check(parts.tobytes()) != frame.payload_check:
            raise self.damaged("the checksum of a frame's payload disagrees", frame.offset)

    def small(self, frame):
        """The payload of a frame that is no block, verified."""
        buffer = bytearray(frame.payload)
        self.payload(frame, buffer)
        self.verify(frame, part_checks(buffer, len(buffer)))
        return bytes(buffer)

    def empty(self, frame):
        """See that a frame has no payload."""
        if frame.payload:
            raise self.damaged(f"a frame of kind {chr(frame.kind)} with a payload", frame.offset)
        self.small(frame)

    def unknown(self, frame):
        return Refused(f"{self.who} has frames of kind {frame.kind}, which this version cannot read")

    def skip(self, frame):
        """Pass over the payload of a file's frame unread."""
        self.bytes_in.done += frame.payload + pad(frame.payload)


def part_checks(buffer, size):
    """xxh3-64 of each `size` bytes of a buffer, as little-endian u64; of an empty buffer none."""
    view = memoryview(buffer)
    return np.fromiter((check(view[i : i + size]) for i in range(0, len(view), size or 1)), "<u8")


# ------------------------------------------------------------------ bytes out, manners


def write(fd, *buffers):
    """Write all the buffers without a copy, whatever a call of the system takes of them."""
    views = [memoryview(b) for b in buffers]
    while views := [v for v in views if len(v)]:
        try:
            views = rest(views, os.writev(fd, views))
        except BlockingIOError:
            wait(fd, select.POLLOUT)


def rest(views, n):
    """What is left of buffers after their first n bytes."""
    while views and n >= len(views[0]):
        n -= len(views[0])
        views = views[1:]
    return [views[0][n:], *views[1:]] if n else views


def wait(fd, event):
    """Wait on a descriptor that whoever shares it has made non-blocking."""
    poll = select.poll()
    poll.register(fd, event)
    poll.poll()


def widen(fd):
    """Give a pipe room for 1 MiB where the system allows; anything else is left alone."""
    with contextlib.suppress(OSError):   # not a pipe, or the user's share of pipe memory is used up: slower, not wrong
        fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, CHUNK)


def reader_gone(fd):
    """Whether the reader of the pipe `fd` has closed it: for stages that are silent for long."""
    poll = select.poll()
    poll.register(fd, 0)
    return any(event & select.POLLERR for _, event in poll.poll(0))
