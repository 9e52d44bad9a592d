"""The wire: damage and strangers raise, in bounded memory; nothing wrong is ever handed on."""

import os
import struct
import tracemalloc

import numpy as np
import pytest
import xxhash
from wire import GOLDEN, check, facts, file_of, framed, got, preamble, sent, written

from sweeptools import stream
from sweeptools.errors import Corrupt, Refused, SweepError, Upstream, UsageError
from sweeptools.spec import Block, Head

# ------------------------------------------------------------------ damage


def tiny():
    """A tiny stream with all kinds of frames."""
    head = Head((3, 1, 2), "uint8", depth=1)
    blocks = [Block(0, 1, np.array([[[1, 2]]], "u1")), Block(1, 1, None, 7), Block(2, 1, np.array([[[3, 4]]], "u1"))]
    other = lambda writer: (writer.note({"stage": "a"}), writer.other(ord("Z"), b"\x80", b"abc"))  # noqa: E731
    return sent(head, blocks, name="gauss", tell=other)


def test_a_stream_cut_at_any_byte_raises():
    raw = tiny()
    for n in range(len(raw)):
        with pytest.raises(SweepError):
            got(raw[:n])
    assert got(raw)[0].end


def test_a_stream_with_any_bit_flipped_raises():
    raw = tiny()
    with file_of() as fd:
        for i in range(len(raw)):
            for bit in range(8):
                os.pwrite(fd, raw[:i] + bytes([raw[i] ^ 1 << bit]) + raw[i + 1 :], 0)
                os.lseek(fd, 0, os.SEEK_SET)
                with pytest.raises(SweepError):
                    list(stream.Reader(fd).blocks())


def test_frames_left_out_doubled_or_swapped_raise():
    raw = GOLDEN
    edges = [64, 384, 576, 704, 832, 1024]
    frames = [raw[a:b] for a, b in zip(edges, edges[1:])]
    for order in ((0, 1, 2, 4), (0, 1, 1, 2, 3, 4), (0, 3, 2, 1, 4), (1, 2, 3, 4), (0, 4), (4,), (0, 0, 1, 2, 3, 4)):
        with pytest.raises(Corrupt):
            got(raw[:64] + b"".join(frames[i] for i in order))


def test_nothing_may_follow_the_end():
    for more in (b"\0", GOLDEN):
        with pytest.raises(Corrupt, match="more bytes after the end mark"):
            got(GOLDEN + more)


@pytest.mark.parametrize("where", ["first", "last"])
def test_blocks_out_of_order_raise(where):
    empty = {"slices": 2, "digest": "", "reports": [], "found": []}
    z = 1 if where == "first" else 0
    block = {"box": [[z, z + 1], [0, 1], [0, 2]], "codec": "raw"}
    with pytest.raises(Corrupt, match="is next|end mark for 2"):
        got(written(block=block, payload=b"\1\2", parts=[b"\1\2"], end=empty))


@pytest.mark.parametrize(
    "end", [{"slices": 1}, {"digest": "0" * 32}, {"digest": 5}, {"slices": True}, {"reports": {}}, {"found": 3}]
)
def test_an_end_that_says_otherwise_raises(end):
    rows = b"".join(struct.pack("<QQ", i, check(p)) for i, p in enumerate((b"\1\2", b"\3\4")))
    right = {"slices": 2, "digest": xxhash.xxh3_128_hexdigest(rows), "reports": [], "found": []}
    assert got(written(end=right))[0].end["slices"] == 2
    with pytest.raises(Corrupt):
        got(written(end={**right, **end}))


@pytest.mark.parametrize("codec,packed", [
    ("lz4", b"\4\x22\x4d\x18\x60\x40\x82"), ("lz4", b"no"), ("zstd", b"\x28\xb5\x2f\xfd\x20\1\1\0\0"), ("zstd", b"no"),
])  # fmt: skip
def test_payloads_that_do_not_expand_raise(codec, packed):
    head = facts(whole=[2, 1, 200], box=[[0, 2], [0, 1], [0, 200]])
    block = {"box": [[0, 2], [0, 1], [0, 200]], "codec": codec}
    with pytest.raises(Corrupt, match="does not expand"):
        got(written(head, block, packed, [packed]))


@pytest.mark.parametrize("codec", ["lz4", "zstd"])
def test_bombs_are_refused_in_bounded_memory(codec):
    from sweeptools.stream.blocks import compress, expand

    bomb = compress(bytes(1 << 28), codec)
    tracemalloc.start()
    assert not expand(memoryview(bomb), memoryview(bytearray(1000)), codec)
    assert tracemalloc.get_traced_memory()[1] < 1 << 24
    tracemalloc.stop()


# ------------------------------------------------------------------ strangers


def test_skippable_frames_are_handed_on_and_others_refused():
    seen = []
    between = [(b"z", b"\x81\xa1a\1", b"payload", None, 1), (b"q", {}, b"", None, 1)]
    reader, out = got(written(between=between), on_other=lambda *frame: seen.append(frame))
    assert seen == [(ord("z"), b"\x81\xa1a\1", b"payload"), (ord("q"), b"\x80", b"")]
    assert got(written(between=between))[0].end
    forwarded = sent(reader.head, out, tell=lambda writer: [writer.other(*frame) for frame in seen])
    again = []
    got(forwarded, on_other=lambda *frame: again.append(frame))
    assert again == seen
    with pytest.raises(Refused, match="frames of kind 122"):
        got(written(between=[(b"z", {}, b"", None, 0)]))


def test_unknown_keys():
    reader, _ = got(written(facts(later={"a": [1]})))
    assert reader.head.extra == {"later": {"a": [1]}}
    with pytest.raises(Refused, match="has colour, which this version does not know"):
        got(written(facts(critical={"colour": 1})))
    with pytest.raises(Refused, match="has vital"):
        got(written({**facts(), "vital": {}}))
    block = {"box": [[0, 2], [0, 1], [0, 2]], "codec": "raw", "slices": [{}, {}], "later": 1}
    assert got(written(block=block))[0].end


def test_unknown_flags_codecs_versions_and_bands_are_refused():
    with pytest.raises(Refused, match="flags 2"):
        got(written(flags=2))
    with pytest.raises(Refused, match="codec 'blosc'"):
        got(written(block={"box": [[0, 2], [0, 1], [0, 2]], "codec": "blosc"}))
    with pytest.raises(Refused, match="bands of rows"):
        got(written(block={"box": [[0, 2], [0, 1], [0, 1]], "codec": "raw"}))
    with pytest.raises(Refused, match="version 2, this sweeptools reads version 1"):
        got(preamble(2) + GOLDEN[64:])


@pytest.mark.parametrize("block,payload", [
    ({"box": [[0, 2], [0, 1], [0, 9]], "codec": "raw"}, b""), ({"box": [[0, 3], [0, 1], [0, 2]], "codec": "raw"}, b""),
    ({"box": [[1, 0], [0, 1], [0, 2]], "codec": "raw"}, b""), ({"box": [[0, 0], [0, 1], [0, 2]], "codec": "raw"}, b""),
    ({"box": [[-1, 1], [0, 1], [0, 2]], "codec": "raw"}, b""),
    ({"box": [[0, 2.0], [0, 1], [0, 2]], "codec": "raw"}, b""),
    ({"box": 7, "codec": "raw"}, b""), ({"codec": "raw"}, b""), ([1], b""), (b"\xc1", b""), (b"", b""),
    ({"box": [[0, 2], [0, 1], [0, 2]], "codec": "raw"}, b"\1\2\3"),
    ({"box": [[0, 2], [0, 1], [0, 2]], "codec": "lz4"}, b"\1\2\3\4\5"),
    ({"box": [[0, 2], [0, 1], [0, 2]], "codec": "raw", "fill": b"\1\2"}, b""),
    ({"box": [[0, 2], [0, 1], [0, 2]], "codec": "raw", "fill": 1}, b""),
    ({"box": [[0, 2], [0, 1], [0, 2]], "codec": "raw", "fill": b"\1"}, b"\1\2\3\4"),
    ({"box": [[0, 2], [0, 1], [0, 2]], "codec": "lz4", "fill": b"\1"}, b""),
])  # fmt: skip
def test_impossible_blocks_raise(block, payload):
    with pytest.raises(Corrupt):
        got(written(block=block, payload=payload, parts=[payload[:2], payload[2:]] if len(payload) == 4 else None))


@pytest.mark.parametrize("critical", [
    {"whole": [-2, 1, 2]}, {"whole": [2, 1]}, {"whole": [2, 1, 1 << 63]}, {"whole": [2.0, 1, 2]}, {"whole": None},
    {"whole": [True, 1, 2]}, {"whole": {"a": 1}}, {"whole": [(1 << 40) + 1, 1, 2]}, {"box": [[0, 3], [0, 1], [0, 2]]},
    {"box": [[1, 0], [0, 1], [0, 2]]}, {"box": [[-1, 1], [0, 1], [0, 2]]}, {"box": []}, {"halo": [[0, -1]] * 3},
    {"halo": [[2, 1], [0, 0], [0, 0]]}, {"halo": 1}, {"dtype": "|O"}, {"dtype": "O"}, {"dtype": "<V8"},
    {"dtype": "|S9"}, {"dtype": "uint8"}, {"dtype": "<u1,<u1"}, {"dtype": ["<u1"]}, {"dtype": "<f16"},
    {"dtype": "<M8[s]"}, {"dtype": "|b1"}, {"dtype": b"|u1"}, {"components": [1]},
    {"components": "ab"}, {"sweep": "sideways"}, {"sweep": []},
    {"order": [0, 1, 1]}, {"order": [0, 1]}, {"order": [0, 1, "2"]}, {"depth": 0}, {"depth": -1}, {"depth": 1 << 40},
    {"whole": [1 << 30, 1, 2], "box": [[0, 1 << 30], [0, 1], [0, 2]]},
    {"whole": [2, 1 << 30, 1 << 30], "box": [[0, 2], [0, 1 << 30], [0, 1 << 30]]},
    {"components": ["a"] * 1000, "whole": [2, 1, 1 << 39], "box": [[0, 2], [0, 1], [0, 1 << 39]]},
])  # fmt: skip
def test_hostile_heads_are_refused(critical):
    changed = facts(**critical)
    with pytest.raises((Corrupt, Refused), match="head of the stream|too large|too many|does not fit"):
        got(written(changed))
    for key in critical:
        missing = facts()
        del missing["critical"][key]
        with pytest.raises(Corrupt, match=f"lacks {key}"):
            got(written(missing))


@pytest.mark.parametrize("optional", [
    {"spacing": [float("nan"), 1, 1]}, {"spacing": [0, 1, 1]}, {"spacing": [-1, 1, 1]},
    {"spacing": [float("inf")] * 3}, {"spacing": [1, 1]}, {"spacing": "1"}, {"unit": 3}, {"origin": None},
    {"origin": [float("nan")] * 3}, {"axes": ["z"]}, {"chunks": [0, 1, 1]}, {"chunks": [1, 1]}, {"nodata": "x"},
    {"role": 1}, {"history": [1]}, {"history": {}}, {"peaks": [["a"]]}, {"peaks": [["a", -1]]},
    {"peaks": [["a", 1 << 63]]}, {"budget": -1}, {"budget": 1.5}, {"meta": []},
])  # fmt: skip
def test_hostile_optional_facts_are_refused(optional):
    with pytest.raises(Corrupt, match=f"head of the stream: {next(iter(optional))} is "):
        got(written(facts(**optional)))


@pytest.mark.parametrize("header", [
    b"\x91" * (1 << 20), b"\x81\xa1a" * (1 << 18), b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff",
    b"\xdd\x00\xf0\x00\x00" + b"\x80" * 0xF00000, b"\xc6\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff", b"\xc7\1\1a",
    b"\xd7\xff" + bytes(8), b"\x81\1\1", b"\x81\x90\1", b"\xc1", b"\x80\x80", b"\xc0",
], ids=range(14))  # fmt: skip
def test_headers_that_swell_are_refused_in_bounded_memory(header):
    raw = preamble() + framed(b"H", header)
    tracemalloc.start()
    with pytest.raises(Corrupt, match="head of the stream"):
        got(raw)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 300 << 20


def test_huge_lengths_are_refused_before_memory_is_taken():
    tracemalloc.start()
    for kind, wrong in ((b"H", {"size": 1 << 31}), (b"N", {"length": 1 << 60}), (b"z", {"length": 1 << 63})):
        with pytest.raises(Corrupt, match="must be at most"):
            got(preamble() + framed(kind, {}, flags=1, **wrong))
    assert tracemalloc.get_traced_memory()[1] < 64 << 20
    tracemalloc.stop()
    vast = [[0, 2], [0, 1], [0, 1 << 39]]
    with pytest.raises(SweepError, match="does not fit in memory|ended at slice 0 of 2"):
        got(written(facts(whole=[2, 1, 1 << 39], box=vast), {"box": vast, "codec": "raw"}, length=2 << 39))


# ------------------------------------------------------------------ what stands there instead


@pytest.mark.parametrize("raw,kind,text", [
    (b"", SweepError, "stdin is empty where a stream should be"),
    (b"label\tsize\n1\t20\n", UsageError, r"stdin is text \('label size 1 20'\), not a stream; .*--pass FILE"),
    ("µ" * 40 + "x", UsageError, "stdin is text"), ("x" + "µ" * 40, UsageError, "stdin is text"),
    (b"\x1f\x8b\x08\0" * 20, UsageError, r"not a stream \(it starts with 1f 8b 08 00 1f 8b 08 00\)"),
    (b"\0", UsageError, "not a stream"), (GOLDEN[:20], SweepError, "ended within the first 64 bytes"),
    (GOLDEN[:100], SweepError, "ended before its head"), (GOLDEN.replace(b"\r\n", b"\n"), Corrupt, "text mode"),
    (b"\x09" + GOLDEN[1:], Corrupt, "text mode"),
    (GOLDEN[:60] + bytes(4) + GOLDEN[64:], Corrupt, "within the first 64"),
])  # fmt: skip
def test_what_is_no_stream_is_named(raw, kind, text):
    with pytest.raises(kind, match=text) as caught:
        got(raw.encode() if isinstance(raw, str) else raw)
    assert type(caught.value) is kind


def test_a_cut_names_the_sender_and_the_place():
    head = Head((4000, 1, 1), "uint8", depth=812)
    raw = sent(head, [Block(0, 4000, None, 0)], name="gauss")
    with file_of() as fd:
        writer = stream.Writer(fd, head, name="gauss")
        writer.block(Block(0, 812, None, 0))
        raw = os.pread(fd, 1 << 20, 0)
    message = (
        f"stream from sweep-gauss (pid {os.getpid()}) ended at slice 812 of 4000 without an end mark; "
        "was it killed (out of memory)?"
    )
    for more in (b"", bytes(10)):
        with pytest.raises(SweepError) as caught:
            got(raw + more)
        assert str(caught.value) == message and type(caught.value) is SweepError


def test_error_marks():
    with file_of() as fd:
        writer = stream.Writer(fd, Head((4, 1, 1), "uint8"), name="gauss")
        writer.block(Block(0, 1, None, 0))
        writer.error("read", "v.zarr: no space\x1b[2J left", 4)
        writer.error("gauss", "again", 1)
        writer.note({"stage": "late"})
        raw = os.pread(fd, 1 << 20, 0)
        with pytest.raises(ValueError):
            writer.block(Block(1, 1, None, 0))
    with pytest.raises(Upstream, match=r"read failed: v.zarr: no space \[2J left") as caught:
        got(raw)
    assert (caught.value.stage, caught.value.status) == ("read", 4)


def test_an_error_before_the_head():
    with file_of() as fd:
        stream.send_error(fd, "read", "no such file", 2)
        os.lseek(fd, 0, os.SEEK_SET)
        with pytest.raises(Upstream, match="read failed: no such file") as caught:
            stream.Reader(fd)
    assert caught.value.status == 2


def test_is_stream_looks_without_reading(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(GOLDEN)
    assert stream.is_stream(path)
    with file_of(GOLDEN) as fd:
        assert stream.is_stream(fd) and os.lseek(fd, 0, os.SEEK_CUR) == 0
    with file_of(b"\x89SW") as fd:
        assert not stream.is_stream(fd)
    r, w = os.pipe()
    assert not stream.is_stream(r)
    os.close(r), os.close(w)


def test_a_damaged_file_raises():
    def read(raw):
        with file_of(raw) as fd:
            saved = stream.scan(fd, "x.sweep")
            digest = stream.Digest()
            for block, digests in stream.read_blocks(fd, saved, stream.reader.Pool(), "down"):
                digest.put(block.z, digests)
            if digest.hexdigest() != saved.end["digest"]:
                raise Corrupt("digest")

    read(GOLDEN)
    for n in range(0, len(GOLDEN), 7):
        with pytest.raises(SweepError):
            read(GOLDEN[:n])
    for i in range(len(GOLDEN)):
        with pytest.raises(SweepError):
            read(GOLDEN[:i] + bytes([GOLDEN[i] ^ 1 << i % 8]) + GOLDEN[i + 1 :])
    with pytest.raises(SweepError):
        read(GOLDEN + b"\0")


@pytest.mark.parametrize("codec", ["lz4", "zstd"])
def test_packed_bytes_of_any_kind_expand_or_do_not(codec):
    from sweeptools.stream.blocks import compress, expand

    rng = np.random.default_rng(5)
    data = rng.integers(0, 4, 3000, dtype=np.uint8)
    packed = compress(data, codec)
    assert expand(memoryview(packed), memoryview(bytearray(3000)), codec)
    for size in (2999, 3001, 1):
        assert not expand(memoryview(packed), memoryview(bytearray(size)), codec)
    assert not expand(memoryview(packed[:-1]), memoryview(bytearray(3000)), codec)
    for _ in range(2000):
        other = bytearray(packed[: rng.integers(1, len(packed) + 1)])
        other[rng.integers(len(other))] ^= 1 << rng.integers(8)
        assert expand(memoryview(other), memoryview(bytearray(3000)), codec) in (True, False)
