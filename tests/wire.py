"""Streams made and read in memory, and a second writer by the letter of sweep-stream(5)."""

import os
import struct
from contextlib import contextmanager

import msgpack
import numpy as np
import xxhash

from sweeptools import stream
from sweeptools.spec import Block

# A stream of 3 slices of 1 x 2 voxels of u2: 1 2, 3 4 raw, a note, and 5 5 as fill. Version 1 is these bytes for ever.
GOLDEN = bytes.fromhex("""
895357500d0a1a0a010000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000
2bf100783dccf9aa8946524d48000000e3000000000000000000000000000000bf910190f5f43108c294d3380580062d0000000000000000
00000000000000007f981bc696e44eb582a8637269746963616c88a577686f6c6593030102a3626f7893920003920001920002a468616c6f
93920000920000920000a56474797065a33c7532aa636f6d706f6e656e747390a57377656570a27570a56f7264657293000102a564657074
6802a86f7074696f6e616c8ba46178657393a17aa179a178a773706163696e67c0a4756e6974c0a66f726967696e93cb0000000000000000
cb0000000000000000cb0000000000000000a66368756e6b73c0a66e6f64617461c0a4726f6c65a5696d616765a7686973746f727990a570
65616b7390a6627564676574c0a46d6574618000000000000000000000000000000000000000000000000000000000008946524d42000000
19000000000000000800000000000000ef757b535e855a25a7ab78ed1142911201000000000000000000000000000000ca886a5cfafef072
82a3626f7893920002920001920002a5636f646563a372617700000000000000000000000000000000000000000000000000000000000000
0000000000000000010002000300040000000000000000000000000000000000000000000000000000000000000000000000000000000000
000000000000000000000000000000008946524d4e0100001a00000000000000000000000000000007f155cc116f1591c294d3380580062d
02000000000000000000000000000000be1e0cf984de18c283a57374616765a56761757373a4646f6e6502a5746f74616c03000000000000
00000000000000000000000000000000000000000000000000000000000000008946524d4200000022000000000000000000000000000000
c8404b0695758825c294d3380580062d03000000000000000000000000000000c68b4219bc6d761083a3626f7893920203920001920002a5
636f646563a3726177a466696c6cc40205000000000000000000000000000000000000000000000000000000000000008946524d45000000
420000000000000000000000000000004190067d5a6f53a9c294d3380580062d04000000000000000000000000000000522bdd0148862dbf
84a6736c6963657303a6646967657374d9203166366364346233383364393937616462366136363664313764656535616539a77265706f72
747390a5666f756e649000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000
00000000000000000000000000000000
""")  # fmt: skip


@contextmanager
def file_of(raw=b""):
    """A descriptor of a file in memory with these bytes."""
    fd = os.memfd_create("stream")
    try:
        os.pwrite(fd, raw, 0)
        yield fd
    finally:
        os.close(fd)


def sent(head, blocks, codec="raw", name="", tell=lambda writer: None, **end):
    """The bytes of a stream; `tell(writer)` is called before each block."""
    with file_of() as fd:
        writer = stream.Writer(fd, head, codec, name)
        for block in blocks:
            tell(writer)
            writer.block(block)
        writer.end(**end)
        assert writer.bytes == os.fstat(fd).st_size
        return os.pread(fd, writer.bytes, 0)


def got(raw, **options):
    """(reader, blocks) of a stream's bytes."""
    with file_of(raw) as fd:
        reader = stream.Reader(fd, **options)
        return reader, list(reader.blocks())


def whole(reader, blocks):
    """The array that blocks make."""
    blocks = sorted(blocks, key=lambda block: block.z)
    if not blocks:
        return np.empty((0, *reader.head.slice_shape), reader.head.dtype)
    return np.concatenate([block.array(reader.head) for block in blocks])


def cut(data, *places, fill=()):
    """Blocks of an array cut at these slices; those that start at a place in `fill` go without voxels."""
    edges = [0, *places, len(data)]
    for a, b in zip(edges, edges[1:]):
        constant = data[a:b].reshape(-1, *data.shape[3:])[0] if a in fill else None
        yield Block(a, b - a, None, constant) if a in fill else Block(a, b - a, data[a:b])


def volume(shape, dtype, seed=0):
    bits = np.random.default_rng(seed).integers(0, 256, (*shape, np.dtype(dtype).itemsize), dtype=np.uint8)
    return bits.view(dtype).reshape(shape)


def check(data):
    return xxhash.xxh3_64_intdigest(data)


def framed(kind, header, payload=b"", parts=None, seq=0, flags=0, **wrong):
    """A frame by the letter of sweep-stream(5), written a second time; `wrong` replaces fields."""
    header = header if isinstance(header, bytes) else msgpack.packb(header)
    parts = ([payload] if payload else []) if parts is None else parts
    fields = {
        "mark": b"\x89FRM", "kind": kind, "flags": flags, "zero": 0, "size": len(header), "zero2": 0,
        "length": len(payload), "header_check": check(header),
        "payload_check": check(b"".join(struct.pack("<Q", check(p)) for p in parts)), "seq": seq, "zero3": 0, **wrong,
    }  # fmt: skip
    prefix = struct.pack("<4scBHIIQQQQQ", *fields.values())
    pad = lambda data: data + bytes(-len(data) % 64)  # noqa: E731
    return prefix + struct.pack("<Q", check(prefix)) + pad(header) + pad(payload)


def preamble(version=1):
    first = b"\x89SWP\r\n\x1a\n" + struct.pack("<H", version) + bytes(46)
    return first + struct.pack("<Q", check(first))


def facts(**changes):
    """A head's map for a volume of 2 x 1 x 2 voxels of u1."""
    box = [[0, 2], [0, 1], [0, 2]]
    critical = {
        "whole": [2, 1, 2], "box": box, "halo": [[0, 0]] * 3, "dtype": "|u1", "components": [], "sweep": "up",
        "order": [0, 1, 2], "depth": 2,
    }  # fmt: skip
    optional = {key: changes.pop(key) for key in list(changes) if key not in critical and key != "critical"}
    return {"critical": {**critical, **changes.pop("critical", {}), **changes}, "optional": optional}


def written(head=None, block=None, payload=b"\1\2\3\4", parts=(b"\1\2", b"\3\4"), end=None, between=(), **wrong):
    """A whole stream by hand around one block."""
    block = {"box": [[0, 2], [0, 1], [0, 2]], "codec": "raw"} if block is None else block
    rows = b"".join(struct.pack("<QQ", i, check(p)) for i, p in enumerate((b"\1\2", b"\3\4")))
    end = {"slices": 2, "digest": xxhash.xxh3_128_hexdigest(rows), "reports": [], "found": []} if end is None else end
    frames = [(b"H", head or facts(), b"", None, 0), *between]
    frames += [(b"B", block, payload, parts, 0), (b"E", end, b"", (), 0)]
    out = preamble()
    for seq, (kind, header, data, pieces_of, flags) in enumerate(frames):
        out += framed(kind, header, data, pieces_of, seq, **{"flags": flags, **(wrong if kind == b"B" else {})})
    return out
