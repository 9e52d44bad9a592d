"""Blocks as frames: voxels raw, compressed, or one value for all of them, and the order that they come in."""

import numpy as np

from ..errors import Refused
from ..spec import Block
from .digest import as_bytes, constant_digest, raw_digests, voxel
from .frame import part_checks

CODECS = ("raw", "lz4", "zstd")
PIECE = 1 << 18                          # bytes that LZ4 gets and gives at once, and its own block
SAMPLE, SAMPLES = 1 << 14, 16            # bytes of a sample, samples of a block


class Order:
    """Blocks must come in stream order, without gap or overlap, and fill the head's box along the axis swept."""

    def __init__(self, head):
        self.up = head.sweep == "up"
        self.total, self.depth = head.slices, head.depth
        self.next = head.box[0][0 if self.up else 1]
        self.last = head.box[0][1 if self.up else 0]
        self.seen = 0

    def fault(self, z, n):
        """What is wrong with a block of slices z to z + n coming now, or None; then the next is waited for."""
        start, stop = (z, z + n) if self.up else (z + n, z)
        beyond = stop > self.last if self.up else stop < self.last
        if n < 1 or n > self.depth or start != self.next or beyond:
            where = "none" if self.done else f"slice {self.next if self.up else self.next - 1}"
            return f"a block of slices {z}:{z + n} where {where} is next and {self.depth} is the most"
        self.next = stop
        self.seen += n
        return None

    @property
    def done(self):
        return self.next == self.last


def encode(block, head, codec="raw", pool=None):
    """(header, payload as bytes or None, checks of the payload's parts, digests of the slices) of a block; it is packed
    in the pool's memory."""
    header = {"box": [[block.z, block.z + block.n], *map(list, head.box[1:])], "codec": codec}
    none = np.empty(0, "<u8")
    if block.data is None:
        one = voxel(block.fill, head)
        digest = constant_digest(one, head.shape[1] * head.shape[2])
        return {**header, "codec": "raw", "fill": one}, None, none, np.full(block.n, digest, "<u8")
    if block.data.shape != (block.n, *head.slice_shape) or block.data.dtype != head.dtype:
        raise ValueError(
            f"a block of {block.data.dtype}{list(block.data.shape)} in a stream of "
            f"{head.dtype}{[block.n, *head.slice_shape]}"
        )
    data = as_bytes(block.data, head)
    digests = raw_digests(data, block.n, head.slice_bytes)
    if codec != "raw" and is_worth_packing(data, codec):
        deepest = min(head.depth, head.slices) * head.slice_bytes
        packed = pack_into(memoryview(pool.array((len(data),), np.uint8, deepest)), data, codec)
        if packed is not None:
            return header, packed, part_checks(packed, len(packed)), digests
    return {**header, "codec": "raw"}, data, digests, digests


def decode(frames, frame, head, wire, pool):
    """(block, digests of its slices) of a block's frame, whose payload is read into the pool's memory."""
    z, n, codec, fill = block_header(frames, frame, head)
    size = n * head.slice_bytes
    if fill is not None:
        if frame.payload:
            raise frames.damaged("a block with both fill and payload", frame.offset)
        frames.verify(frame, np.empty(0, "<u8"))
        value = np.frombuffer(fill, wire).astype(head.dtype).reshape((len(head.components),) if head.components else ())
        block = Block(z, n, None, value[()])
        digest = constant_digest(voxel(block.fill, head), head.shape[1] * head.shape[2])
        return block, np.full(n, digest, "<u8")
    if codec == "raw" and frame.payload != size:
        raise frames.damaged(f"a payload of {frame.payload} bytes for {size} bytes of voxels", frame.offset)
    if codec != "raw" and not 0 < frame.payload < size:
        raise frames.damaged(f"a compressed payload of {frame.payload} bytes for {size} bytes of voxels", frame.offset)
    deepest = min(head.depth, head.slices)
    data = _room(pool, (n, *head.slice_shape), wire, deepest)
    flat = memoryview(data.reshape(-1).view(np.uint8))
    if codec == "raw":
        frames.payload(frame, flat)
        digests = raw_digests(flat, n, head.slice_bytes)
        frames.verify(frame, digests)
    else:
        packed = memoryview(_room(pool, (size,), np.uint8, deepest * head.slice_bytes))[: frame.payload]
        frames.payload(frame, packed)
        frames.verify(frame, part_checks(packed, len(packed)))
        if not expand(packed, flat, codec):
            raise frames.damaged(f"a payload that {codec} does not expand to {size} bytes", frame.offset)
        digests = None
    if wire != head.dtype:
        data = data.byteswap(inplace=True).view(head.dtype)
    if digests is None or wire.byteorder == ">":
        digests = raw_digests(as_bytes(data, head), n, head.slice_bytes)
    return Block(z, n, data), digests


def block_header(frames, frame, head):
    """(z, n, codec, fill) of a block's header."""
    header = frames.header(frame)
    box, codec, fill = header.get("box"), header.get("codec"), header.get("fill")
    if not _is_box(box):
        raise frames.damaged("a block without a box", frame.offset)
    (z0, z1), *plane = (tuple(pair) for pair in box)
    if tuple(plane) != head.box[1:]:
        if all(lo <= a <= b <= hi for (a, b), (lo, hi) in zip(plane, head.box[1:])):
            raise Refused(f"{frames.who} comes in bands of rows, this version reads whole slices only")
        raise frames.damaged("a block that reaches beyond the head's box", frame.offset)
    if codec not in CODECS:
        raise Refused(f"{frames.who} has a block of codec {codec!r:.40}, this version reads {', '.join(CODECS)}")
    if fill is not None and (not isinstance(fill, bytes) or len(fill) != len(voxel(0, head)) or codec != "raw"):
        raise frames.damaged("a block whose fill is not one voxel", frame.offset)
    if not (head.box[0][0] <= z0 <= z1 <= head.box[0][1] and z1 - z0 <= head.depth):
        raise frames.damaged(f"a block of slices {z0}:{z1}, which the head does not allow,", frame.offset)
    return z0, z1 - z0, codec, fill


def _is_box(box):
    return isinstance(box, list) and len(box) == 3 and all(
        isinstance(pair, list) and len(pair) == 2 and all(type(v) is int and v >= 0 for v in pair) for pair in box
    )  # fmt: skip


def _room(pool, shape, dtype, depth):
    try:
        return pool.array(shape, dtype, depth)
    except (MemoryError, ValueError):
        raise Refused(f"a block of {dtype}{list(shape)} does not fit in memory") from None


def is_worth_packing(data, codec):
    """Whether samples from all over a block shrink by an eighth: where they do not, packing and unpacking cost several
    times what the bytes saved on their way do (16-bit images shrink by 11 % at 300 MB/s)."""
    places = range(0, len(data) - SAMPLE, max(1, len(data) // SAMPLES))
    if len(places) < SAMPLES:
        return len(data) > 0
    sample = b"".join(data[i : i + SAMPLE] for i in places)
    return len(compress(sample, codec)) < len(sample) * 7 // 8


def ready(codec):
    """Import what a codec needs."""
    if codec != "raw":
        compress(b"", codec)


def packing(size):
    """Bytes held beside a block of `size` bytes: what it is packed in, and pieces: LZ4 packs by way of two, unpacks by
    way of two of its own and two of Python's, and the memory of each stays with its thread."""
    return size + 6 * PIECE


def pack_into(out, data, codec):
    """The part of `out` that holds the data compressed; None where it does not fit."""
    done = 0
    for part in _lz4_parts(data) if codec == "lz4" else [compress(data, codec)]:
        if done + len(part) >= len(out):
            return None
        out[done : done + len(part)] = part
        done += len(part)
    return out[:done]


def _lz4_parts(data):
    import lz4.frame as lz4

    context = lz4.create_compression_context()
    yield lz4.compress_begin(context, block_size=lz4.BLOCKSIZE_MAX256KB, auto_flush=True)
    for i in range(0, len(data), PIECE):
        yield lz4.compress_chunk(context, data[i : i + PIECE])
    yield lz4.compress_flush(context)


def compress(data, codec):
    """Bytes compressed: an LZ4 frame, or a Zstandard frame that states its size."""
    if codec == "lz4":
        return b"".join(_lz4_parts(data))
    import zstandard

    return zstandard.ZstdCompressor(level=1).compress(data)


def expand(packed, out, codec):
    """Expand into `out`; whether that filled it exactly. Memory is bounded by `out` whatever the payload claims."""
    if codec == "lz4":
        return _expand_lz4(packed, out)
    import zstandard

    try:
        with zstandard.ZstdDecompressor().stream_reader(packed) as reader:
            done = 0
            while done < len(out) and (n := reader.readinto(out[done:])):
                done += n
            return done == len(out) and not reader.read(1)
    except zstandard.ZstdError:
        return False


def _expand_lz4(packed, out):
    """In pieces that stay in the cache: memory for all of it at once would be touched for the first time each time."""
    import lz4.frame

    context, read, done, eof = lz4.frame.create_decompression_context(), 0, 0, False
    try:
        while not eof:
            piece, n, eof = lz4.frame.decompress_chunk(context, packed[read:], max_length=PIECE)
            if not (n or piece) or done + len(piece) > len(out):
                return False
            out[done : done + len(piece)] = piece
            read, done = read + n, done + len(piece)
    except RuntimeError:
        return False
    return eof and done == len(out) and read == len(packed)
