"""The wire: what is sent comes back, and version 1 stays what it is."""

import os
import re
import struct
import threading
from pathlib import Path

import numpy as np
import pytest
import xxhash
from wire import GOLDEN, check, cut, facts, file_of, got, sent, volume, whole, written

from sweeptools import stream
from sweeptools.errors import Corrupt, Refused, SweepError
from sweeptools.flow import pieces
from sweeptools.params import DTYPES
from sweeptools.spec import Block, Head

ROOT = Path(__file__).parents[1]

# ------------------------------------------------------------------ what is sent comes back


@pytest.mark.parametrize("codec", ["raw", "lz4", "zstd"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_type_comes_back_to_the_bit(dtype, codec):
    data = volume((5, 3, 7), dtype)
    data[2:4] = data[2, 0, 0]
    head = Head(data.shape, dtype, depth=3)
    for blocks in (cut(data), cut(data, 1, 2), cut(data, 2, 4, fill=(2,))):
        reader, out = got(sent(head, blocks, codec))
        assert reader.head == head
        assert whole(reader, out).tobytes() == data.tobytes()
        assert reader.end["slices"] == 5


@pytest.mark.parametrize("codec", ["lz4", "zstd"])
def test_compressed_blocks_are_smaller_and_noise_is_sent_raw(codec):
    head = Head((4, 64, 64), "uint16", depth=4)
    smooth = np.arange(4 * 64 * 64, dtype="u2").reshape(head.shape) // 64
    noise = volume(head.shape, "u2")
    assert len(sent(head, cut(smooth), codec)) < len(sent(head, cut(smooth))) / 2
    assert sent(head, cut(noise), codec) == sent(head, cut(noise))
    reader, out = got(sent(head, cut(smooth), codec))
    assert np.array_equal(whole(reader, out), smooth)


def test_components_and_their_fill():
    data = volume((4, 2, 3, 2), "float32")
    data[1:3] = data[1, 0, 0]
    head = Head((4, 2, 3), "float32", components=("a", "b"), depth=2)
    reader, out = got(sent(head, cut(data, 1, 3, fill=(1,))))
    assert out[1].data is None and out[1].fill.shape == (2,)
    assert whole(reader, out).tobytes() == data.tobytes()


@pytest.mark.parametrize("box", [((0, 0), (0, 3), (0, 4)), ((2, 6), (0, 0), (0, 4)), ((2, 6), (1, 3), (0, 0))])
def test_empty_boxes(box):
    head = Head((6, 3, 4), "int16", box=box, depth=3)
    data = np.empty(head.shape, "int16")
    blocks = [Block(head.first, head.slices, data)] if head.slices else []
    reader, out = got(sent(head, blocks))
    assert reader.head == head and whole(reader, out).shape == data.shape
    assert reader.end["slices"] == head.slices


def test_down_sweeps_and_parts():
    data = volume((9, 2, 3), "uint8")
    head = Head((20, 4, 6), "uint8", ((5, 14), (1, 3), (2, 5)), ((1, 2), (0, 1), (0, 0)), sweep="down", depth=4)
    blocks = list(pieces(Block(5, 9, data), 4, "down"))
    reader, out = got(sent(head, blocks))
    assert [(block.z, block.n) for block in out] == [(13, 1), (9, 4), (5, 4)]
    assert np.array_equal(whole(reader, out), data)
    assert reader.head == head


def test_blocks_deeper_than_the_head_says_are_cut():
    data = volume((10, 2, 2), "uint8")
    for sweep in ("up", "down"):
        reader, out = got(sent(Head(data.shape, "uint8", depth=4, sweep=sweep), [Block(0, 10, data)]))
        assert max(block.n for block in out) == 4 and np.array_equal(whole(reader, out), data)


def test_all_facts_of_a_head_come_back():
    head = Head(
        (7, 8, 9), "int32", box=((1, 6), (0, 8), (2, 9)), halo=((1, 0), (0, 0), (2, 1)), components=("u", "v", "w"),
        sweep="down", axes=("y", "z", "x"), order=(1, 0, 2), spacing=(0.5, None, 2.0), unit="micrometer",
        origin=(-1.5, 0.0, 1e9), chunks=(64, 64, 64), nodata=-7, role="labels", depth=5,
        history=({"command": "gauss", "params": {"sigma": [1, 2.5, None]}},), peaks=(("read", 10**9), ("gauss", 5)),
        budget=1 << 33, meta={"omero": {"channels": [{"label": "µ", "active": True}]}, "file": "a\udcff.tif"},
        extra={"later": [1, {"x": b"\0"}]},
    )  # fmt: skip
    data = volume((5, 8, 7, 3), "int32")
    reader, _ = got(sent(head, list(pieces(Block(1, 5, data), 5, "down"))))
    assert reader.head == head
    assert got(sent(reader.head, [Block(1, 5, data)]))[0].head == head


def test_numpy_numbers_in_a_head_are_numbers():
    spacing = (np.float32(0.5),) * 3
    head = Head((np.int64(1), 1, 1), "uint8", spacing=spacing, nodata=np.uint8(3), meta={"a": np.arange(2)})
    back = got(sent(head, [Block(0, 1, None, 0)]))[0].head
    assert back.spacing == (0.5, 0.5, 0.5) and back.nodata == 3 and back.meta == {"a": [0, 1]}


def test_nan_as_nodata_and_fill():
    head = Head((1, 1, 2), "float32", nodata=float("nan"))
    reader, (block,) = got(sent(head, [Block(0, 1, None, float("nan"))]))
    assert np.isnan(reader.head.nodata) and np.isnan(block.fill)


def test_swapped_bytes_are_brought_to_this_machines_order():
    data = volume((2, 1, 2), ">u2")
    parts = [data[0].tobytes(), data[1].tobytes()]
    rows = b"".join(struct.pack("<QQ", i, check(s.astype("<u2").tobytes())) for i, s in enumerate(data))
    end = {"slices": 2, "digest": xxhash.xxh3_128_hexdigest(rows), "reports": [], "found": []}
    reader, out = got(written(facts(dtype=">u2"), payload=data.tobytes(), parts=parts, end=end))
    assert reader.head.dtype == np.dtype("u2") and reader.head.dtype.isnative
    assert np.array_equal(whole(reader, out), data) and out[0].data.dtype.isnative
    assert reader.end["digest"] == got(sent(reader.head, out))[0].end["digest"]
    filled = {"box": [[0, 2], [0, 1], [0, 2]], "codec": "raw", "fill": b"\1\2"}
    rows = b"".join(struct.pack("<QQ", i, check(b"\2\1\2\1")) for i in range(2))
    reader, out = got(written(facts(dtype=">u2"), filled, b"", (), {**end, "digest": xxhash.xxh3_128_hexdigest(rows)}))
    assert out[0].fill == 0x102


def test_the_writer_sends_little_endian():
    data = volume((2, 1, 2), ">u2")
    head = Head(data.shape, ">u2", depth=2)
    assert sent(head, [Block(0, 2, data)]) == sent(head.but(dtype="<u2"), [Block(0, 2, data.astype("<u2"))])


def test_notes_reports_and_found():
    notes = []
    head = Head((2, 1, 1), "uint8")
    raw = sent(
        head, cut(volume((2, 1, 1), "u1"), 1), tell=lambda w: w.note({"stage": "otsu", "text": "µ", "done": 1}),
        reports=[{"name": "otsu", "busy_s": 0.5}], found=[{"threshold": 7}],
    )  # fmt: skip
    reader, _ = got(raw, on_note=notes.append)
    assert notes == [{"stage": "otsu", "text": "µ", "done": 1}] * 2
    assert reader.end["reports"] == [{"name": "otsu", "busy_s": 0.5}] and reader.end["found"] == [{"threshold": 7}]
    assert len(got(raw)[1]) == 2                     # without anybody to hear them


def test_source_fills_its_end_and_refuses_the_other_way():
    data = volume((4, 2, 2), "u1")
    with file_of(sent(Head(data.shape, "u1"), cut(data, 1, 2, 3), name="read", found=[{"a": 1}])) as fd:
        source = stream.Reader(fd).source()
        assert source.name == f"sweep-read (pid {os.getpid()})" and not source.again
        assert "digest" not in source.end
        with pytest.raises(Refused, match="cannot be read down"):
            next(source.blocks("down"))
        assert len(list(source.blocks("up"))) == 4
        assert source.end["found"] == [{"a": 1}] and source.stats["bytes"] == os.fstat(fd).st_size


# ------------------------------------------------------------------ the digest


def test_digest_depends_on_the_voxels_alone():
    data = volume((8, 3, 5), "uint16")
    data[2:6] = 513
    slow = [(z, check(data[z].tobytes())) for z in range(8)]
    expected = xxhash.xxh3_128_hexdigest(b"".join(struct.pack("<QQ", *row) for row in slow))
    head = Head(data.shape, "uint16", depth=8)
    ways = [sent(head, cut(data, *places)) for places in ((), (1,), (3, 4, 7))]
    ways += [sent(head, cut(data, 2, 6, fill=(2,)), codec) for codec in ("raw", "lz4", "zstd")]
    ways += [sent(head.but(sweep="down", depth=3), pieces(Block(0, 8, data), 3, "down"))]
    for raw in ways:
        reader, _ = got(raw)
        assert reader.end["digest"] == expected
        index, digests = reader.end["slice_digests"]
        assert list(zip(index.tolist(), digests.tolist())) == slow


def test_digests_merge_across_parts():
    data = volume((6, 2, 2), "uint8")
    head = Head(data.shape, "uint8")
    one, two, all_of = stream.Digest(), stream.Digest(), stream.Digest()
    all_of.add(Block(0, 6, data), head)
    two.add(Block(3, 3, data[3:]), head)
    one.add(Block(0, 4, data[:4]), head)             # slice 3 is in both
    assert one.merge(two).hexdigest() == all_of.hexdigest() and len(one) == 6
    assert stream.Digest(*all_of.arrays()).hexdigest() == all_of.hexdigest()
    other = stream.Digest()
    other.add(Block(3, 1, data[3:4] + 1), head)
    with pytest.raises(Corrupt, match="slice 3 came twice"):
        one.merge(other).arrays()


@pytest.mark.parametrize("shape", [(1, 1), (700, 900), (1, 400_001), (0, 5)])
@pytest.mark.parametrize("dtype,fill", [("uint8", 3), ("uint16", 0x102), ("float64", -0.0)])
def test_the_digest_of_a_constant_slice_is_that_of_its_voxels(shape, dtype, fill):
    head = Head((2, *shape), dtype)
    data = np.full((2, *shape), fill, dtype)
    assert np.array_equal(
        stream.slice_digests(Block(0, 2, None, fill), head), stream.slice_digests(Block(0, 2, data), head)
    )


# ------------------------------------------------------------------ version 1 as bytes


def golden():
    head = Head((3, 1, 2), "uint16", depth=2)
    with file_of() as fd:
        writer = stream.Writer(fd, head)
        writer.block(Block(0, 2, np.array([[[1, 2]], [[3, 4]]], "uint16")))
        writer.note({"stage": "gauss", "done": 2, "total": 3})
        writer.block(Block(2, 1, None, 5))
        writer.end()
        return os.pread(fd, 1 << 20, 0)


def test_golden_bytes():
    reader, out = got(GOLDEN)
    assert whole(reader, out).tolist() == [[[1, 2]], [[3, 4]], [[5, 5]]]
    assert golden() == GOLDEN


def test_a_writer_made_from_the_page_is_understood():
    reader, out = got(written())
    assert whole(reader, out).tolist() == [[[1, 2]], [[3, 4]]]


def test_the_page_shows_what_is_sent():
    shown = re.findall(r"^[0-9a-f]{8}  ([0-9a-f ]+)$", (ROOT / "man/sweep-stream.5").read_text(), re.MULTILINE)
    assert bytes.fromhex("".join(shown)) == GOLDEN[384:576]


def test_payloads_are_aligned():
    with file_of() as fd:
        data = volume((3, 3, 3), "u1")
        writer = stream.Writer(fd, Head(data.shape, "u1", depth=1))
        for block in cut(data, 1, 2):
            writer.block(block)
        writer.end()
        raw = os.pread(fd, 1 << 20, 0)
        for z, _, at, _ in writer.offsets:
            assert at % 64 == 0 and raw[at + 128 : at + 137] == data[z].tobytes()


# ------------------------------------------------------------------ the writer's own order, pipes


def test_the_writer_sends_nothing_out_of_order():
    head = Head((4, 1, 1), "uint8", depth=4)
    for first in (Block(1, 1, None, 0), Block(0, 5, None, 0)):
        with file_of() as fd, pytest.raises(ValueError, match="a block of slices"):
            stream.Writer(fd, head).block(first)
    with file_of() as fd, pytest.raises(ValueError, match="a block of uint16"):
        stream.Writer(fd, head).block(Block(0, 1, np.zeros((1, 1, 1), "u2")))
    with file_of() as fd, pytest.raises(SweepError, match="only 3 of 4 slices were made"):
        writer = stream.Writer(fd, head)
        writer.block(Block(0, 3, None, 0))
        writer.end()


def test_what_cannot_be_sent_says_so():
    nan = float("nan")
    for wrong in ({"meta": {"a": 1 << 70}}, {"meta": {"a": object()}}, {"spacing": (nan, 1, 1)}, {"dtype": "O"}):
        with file_of() as fd, pytest.raises(SweepError):
            stream.Writer(fd, Head(**{"whole": (1, 1, 1), "dtype": "u1", **wrong}))
    with file_of() as fd, pytest.raises(SweepError, match="the most is"):
        stream.Writer(fd, Head((1, 1, 1), "u1", meta={"a": "x" * (17 << 20)}))


def test_a_pipe_with_threads_and_notes():
    data = volume((40, 50, 70), "uint16")
    head = Head(data.shape, "uint16", depth=7)
    r, w = os.pipe()
    os.set_blocking(w, False)                        # writes are taken in part, and not at all
    os.set_blocking(r, False)
    notes = []

    def work():
        writer = stream.Writer(w, head, "lz4", "gauss")
        stop = threading.Event()

        def tick():
            while not stop.is_set():
                writer.note({"stage": "gauss", "text": "x" * 1000})

        ticker = threading.Thread(target=tick)
        ticker.start()
        for block in pieces(Block(0, 40, data), 3):
            writer.block(block)
        writer.end()
        stop.set()
        ticker.join()
        os.close(w)

    thread = threading.Thread(target=work)
    thread.start()
    reader = stream.Reader(r, on_note=notes.append)
    assert np.array_equal(whole(reader, list(reader.blocks())), data)
    thread.join()
    os.close(r)
    assert notes and all(note["text"] == "x" * 1000 for note in notes)


def test_a_closed_pipe_is_a_broken_pipe_and_nothing_follows():
    r, w = os.pipe()
    writer = stream.Writer(w, Head((1000, 100, 100), "uint16"))
    assert not stream.reader_gone(w)
    os.close(r)
    assert stream.reader_gone(w)
    with pytest.raises(BrokenPipeError):
        writer.block(Block(0, 1000, np.zeros((1000, 100, 100), "u2")))
    writer.error("gauss", "nobody hears this")
    writer.note({})
    os.close(w)


def test_a_writer_that_stays_open_after_its_end_is_believed():
    r, w = os.pipe()
    os.write(w, GOLDEN)
    reader = stream.Reader(r)
    assert len(list(reader.blocks())) == 2 and reader.end["slices"] == 3
    os.close(r), os.close(w)


def test_pool_memory_is_used_again():
    from sweeptools.flow import Pool

    pool = Pool()
    data = volume((20, 64, 64), "uint8")
    with file_of(sent(Head(data.shape, "uint8", depth=2), cut(data))) as fd:
        places = {block.data.ctypes.data for block in stream.Reader(fd, pool).blocks()}
    assert len(places) <= 2


# ------------------------------------------------------------------ saved streams by their index


def test_a_file_is_read_in_either_direction_and_any_range():
    data = volume((11, 3, 4), "uint16")
    data[4:7] = 9
    for sweep in ("up", "down"):
        head = Head((20, 3, 4), "uint16", box=((5, 16), (0, 3), (0, 4)), sweep=sweep, depth=3)
        blocks = [Block(b.z + 5, b.n, b.data, b.fill) for b in cut(data, 2, 4, 7, fill=(4,))]
        blocks = blocks if sweep == "up" else blocks[::-1]
        raw = sent(head, blocks, "zstd", tell=lambda writer: writer.other(ord("z"), b"\x80", b"abc"))
        with file_of(raw) as fd:
            saved = stream.scan(fd, "x.sweep")
            assert saved.head == head and saved.end["slices"] == 11
            for direction in ("up", "down"):
                for a, b in ((5, 16), (5, 6), (8, 13), (10, 11), (15, 16), (9, 9)):
                    pairs = list(stream.read_blocks(fd, saved, stream.reader.Pool(), direction, a, b))
                    starts = [block.z for block, _ in pairs]
                    assert starts == sorted(starts, reverse=direction == "down")
                    seen = []
                    for block, digests in pairs:
                        for i, voxels in enumerate(block.array(head)):
                            assert np.array_equal(voxels, data[block.z + i - 5])
                            assert digests[i] == check(voxels.tobytes())
                            seen.append(block.z + i)
                    assert sorted(seen) == list(range(a, b))


