#!/usr/bin/env python3
"""Read a sweeptools stream with nothing but msgpack: sweep-synth ramp --shape 4,5,6 | examples/read-stream.py

Prints what the stream is and the mean of each slice. Structure, order and the end mark are checked, the checksums
(they need xxhash) are not. The layout is that of sweep-stream(5)."""

import struct
import sys

import msgpack

CODES = {"u1": "B", "u2": "H", "u4": "I", "u8": "Q", "i1": "b", "i2": "h", "i4": "i", "i8": "q", "f4": "f", "f8": "d"}


def take(size):
    """Exactly so many bytes, and the zeros up to the next multiple of 64."""
    data = sys.stdin.buffer.read(size + -size % 64)
    if len(data) < size + -size % 64 or any(data[size:]):
        sys.exit("read-stream: the stream is cut or damaged")
    return data[:size]


def frames():
    """(kind, header, payload) of each frame that this program knows."""
    if take(64)[:10] != b"\x89SWP\r\n\x1a\n\x01\x00":
        sys.exit("read-stream: stdin is not a stream of version 1")
    for expected in range(1 << 64):
        mark, kind, flags, size, length, number = struct.unpack("<4scB2xI4xQ16xQ16x", take(64))
        if mark != b"\x89FRM" or number != expected or size > 16 << 20:
            sys.exit(f"read-stream: no frame {expected} where it should be")
        header, payload = take(size), take(length)
        if kind in b"HBNEX":
            yield kind, msgpack.unpackb(header), payload
        elif not flags & 1:
            sys.exit(f"read-stream: cannot do without frames of kind {kind}")


slices = total = 0
for kind, header, payload in frames():
    if kind == b"H":
        head = header["critical"]
        (z0, z1), (y0, y1), (x0, x1) = head["box"]
        order, code, total, up = head["dtype"][0], head["dtype"][1:], z1 - z0, head["sweep"] == "up"
        step = (y1 - y0) * (x1 - x0) * max(1, len(head["components"])) * int(code[1:])
        print(f"{total} slices of {y1 - y0} x {x1 - x0}, type {code}, sweep {head['sweep']}")
    elif kind == b"B":
        a, b = header["box"][0]
        if (a - z0 if up else z1 - b) != slices or header["codec"] != "raw":
            sys.exit(f"read-stream: slices {a}:{b} come out of order or compressed")
        if len(payload) != ("fill" not in header) * (b - a) * step:
            sys.exit(f"read-stream: slices {a}:{b} have {len(payload)} bytes")
        for z in range(a, b):
            raw = header["fill"] if "fill" in header else payload[(z - a) * step : (z - a + 1) * step]
            voxels = struct.unpack(f"{order.replace('|', '<')}{len(raw) // int(code[1:])}{CODES[code]}", raw)
            print(f"{z}\t{sum(voxels) / max(1, len(voxels)):.6g}")
        slices += b - a
    elif kind == b"X":
        sys.exit(f"read-stream: {header['stage']} failed: {header['why']}")
    elif kind == b"E":
        sys.exit(0 if slices == total == header["slices"] else "read-stream: the end mark counts other slices")
