"""Saved streams: the same file for every cut, read in either direction, verified to the last bit."""

import os

import numpy as np
import pytest
from wire import GOLDEN, cut, volume

from sweeptools.errors import Corrupt, SweepError, UsageError
from sweeptools.flow import pieces
from sweeptools.spec import Block, Head
from sweeptools.volumes import saved
from sweeptools.volumes.saved import Writer, is_constant, open_saved


def save(path, head, blocks, end=None):
    sink = Writer(path, head)
    for block in blocks:
        sink.write(block)
    sink.finish(end)
    assert sink.stats["bytes"] == os.path.getsize(path)
    return path.read_bytes()


def array(source, direction="up"):
    blocks = list(source.blocks(direction))
    assert [b.z for b in blocks] == sorted((b.z for b in blocks), reverse=direction == "down")
    return np.concatenate([b.array(source.head) for b in sorted(blocks, key=lambda b: b.z)])


@pytest.mark.parametrize("components", [(), ("a", "b")])
@pytest.mark.parametrize("sweep", ["up", "down"])
@pytest.mark.parametrize("frame", [1, 200, 4 << 20])
def test_one_file_for_every_cut(tmp_path, monkeypatch, sweep, frame, components):
    monkeypatch.setattr(saved, "FRAME", frame)
    data = volume((11, 3, 4, *([2] if components else [])), "uint16")
    data[4:9] = data[4, 0, 0]
    head = Head((30, 3, 4), "uint16", ((6, 17), (0, 3), (0, 4)), sweep=sweep, components=components, depth=1)
    files = []
    for i, places in enumerate(((), (1,), (3, 5, 8), (4, 9), range(1, 11))):
        blocks = [Block(b.z + 6, b.n, b.data, b.fill) for b in cut(data, *places, fill=(4,) if 9 in places else ())]
        blocks = blocks if sweep == "up" else blocks[::-1]
        own = head.but(depth=i + 1, peaks=(("read", i),), budget=i)
        files.append(save(tmp_path / f"{i}.sweep", own, blocks, {"found": [{"a": 1}], "reports": [i]}))
    assert len(set(files)) == 1
    source = open_saved(tmp_path / "0.sweep")
    assert source.again and source.head.sweep == "up" and source.head.components == components
    for direction in ("down", "up"):
        assert np.array_equal(array(source, direction), data)
        assert source.end["found"] == [{"a": 1}] and source.end["slices"] == 11
    source.close()


def test_constant_voxels():
    for shape in ((1, 1, 1), (3, 2, 2), (3, 2, 2, 2)):
        data = np.zeros(shape, "float32")
        data[...] = np.arange(shape[3]) if len(shape) > 3 else 0
        assert is_constant(data)
        if data.size > 2:
            data[-1, -1, -1] = -0.0 if len(shape) == 3 else 5
            assert not is_constant(data)
    assert is_constant(np.full((2, 2, 2), np.nan)) and not is_constant(np.zeros((2, 0, 2)))


@pytest.mark.parametrize("shape", [(0, 3, 4), (3, 0, 4), (1, 1, 1)])
def test_empty_and_tiny(tmp_path, shape):
    data = np.zeros(shape, "float64")
    save(tmp_path / "x.sweep", Head(shape, "float64"), pieces(Block(0, shape[0], data), 1))
    blocks = list(open_saved(tmp_path / "x.sweep").blocks())
    assert sum(block.n for block in blocks) == shape[0]


def test_an_existing_file_is_left_alone_and_an_aborted_one_removed(tmp_path):
    path = tmp_path / "x.sweep"
    sink = Writer(path, Head((2, 1, 1), "uint8"))
    with pytest.raises(FileExistsError):
        Writer(path, Head((2, 1, 1), "uint8"))
    with pytest.raises(SweepError, match="only 0 of 2 slices"):
        sink.finish()
    sink.abort()
    sink.abort()
    assert not path.exists()


def test_what_is_no_saved_stream(tmp_path):
    path = tmp_path / "x.sweep"
    for raw, kind, text in (
        (b"", SweepError, "x.sweep is empty"), (b"hello\n", UsageError, "x.sweep is text"),
        (GOLDEN[:-1], SweepError, "without an end mark"), (GOLDEN + b"\0", Corrupt, "end mark that does not fit"),
    ):  # fmt: skip
        path.write_bytes(raw)
        with pytest.raises(kind, match=text):
            open_saved(path)


def test_damage_is_found_while_reading(tmp_path):
    path = tmp_path / "x.sweep"
    for i in range(0, len(GOLDEN), 3):
        path.write_bytes(GOLDEN[:i] + bytes([GOLDEN[i] ^ 4]) + GOLDEN[i + 1 :])
        with pytest.raises(SweepError):
            array(open_saved(path), "down")
