"""Stored volumes: what is written comes back to the bit, whatever the format, type, shape, sweep and cut; parts are
numpy's; whoever asks for what has no meaning is told so."""

import os

import numpy as np
import pytest

from sweeptools import volumes
from sweeptools.errors import Corrupt, Refused, SweepError, UsageError
from sweeptools.params import DTYPES, Range, Ranges, Spacing
from sweeptools.spec import Block, Head
from sweeptools.volumes import address, slabs

FORMATS = {
    "v.npy": {}, "v.zarr": {}, "plain.zarr": {"shards": "none"}, "old.zarr": {"ome": "0.4"},
    "bare.zarr": {"ome": "none"}, "v.tif": {}, "slices/": {}, "slices/s_%03d.tif": {}, "v.sweep": {},
}  # fmt: skip
SHAPES = [(1, 1, 1), (1, 7, 3), (70, 5, 66), (3, 130, 65), (65, 1, 2)]


def hostile(shape, dtype, seed=0):
    """Voxels of every kind a type has: ends of the range, zeros of both signs, NaN, infinities, constant regions."""
    rng = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        a = rng.standard_normal(shape).astype(dtype) * dtype.type(1e3)
        odd = np.array([np.nan, np.inf, -np.inf, -0.0, 0.0, np.finfo(dtype).tiny], dtype)
    else:
        info = np.iinfo(dtype)
        a = rng.integers(info.min, info.max, shape, dtype, endpoint=True)
        odd = np.array([info.min, info.max, 0], dtype)
    pick = rng.random(shape) < 0.3
    a[pick] = rng.choice(odd, int(pick.sum()))
    a[: shape[0] // 2, : shape[1] // 2] = 0
    return a


def write(path, array, head=None, cut=5, sweep="up", end=None, **how):
    """An array written through a sink, in blocks of `cut` slices."""
    head = (head or Head(array.shape[:3], array.dtype)).but(sweep=sweep)
    sink = volumes.create(path, head, threads=2, **how)
    starts = range(0, head.slices, cut)
    for z in starts if sweep == "up" else reversed(starts):
        part = np.array(array[z : z + cut], order="C")
        sink.write(Block(z, len(part), part))
    sink.finish(end or {})
    return sink


def read(path, **how):
    """(head, array in stream order) of a volume, checked block by block."""
    source = volumes.open(path, threads=2, **how)
    head = source.head
    out = np.empty((head.slices, *head.slice_shape), head.dtype)
    at = 0 if head.sweep == "up" else head.slices
    for block in source.blocks(head.sweep):
        assert block.n <= head.depth and block.array(head).shape == (block.n, *head.slice_shape)
        assert block.data is None or block.data.flags.c_contiguous
        assert block.z == (at if head.sweep == "up" else at - block.n)
        at += block.n if head.sweep == "up" else -block.n
        out[block.z : block.z + block.n] = block.array(head)
    source.close()
    assert at == (head.slices if head.sweep == "up" else 0)
    return head, out


def same(a, b):
    """Equal to the bit, NaN and -0 too."""
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_what_is_written_comes_back(tmp_path, name, shape):
    for k, dtype in enumerate(DTYPES):
        a = hostile(shape, dtype, k)
        path = f"{tmp_path}/{dtype}{name}"
        write(path, a, sweep="up" if k % 2 else "down", cut=1 + 7 * k, **FORMATS[name])
        for sweep in ("up", "down"):
            head, got = read(path.replace("s_%03d.tif", ""), sweep=sweep)
            assert same(got, a) and head.whole == shape and head.sweep == sweep, (dtype, sweep)


@pytest.mark.parametrize("name", ["v.npy", "v.zarr", "bare.zarr", "old.zarr", "v.tif", "slices/", "v.sweep"])
def test_blocks_of_one_value_and_components(tmp_path, name):
    shape = (67, 20, 30)
    head = Head(shape, "f4", components=("a", "b", "c"))
    a = hostile((*shape, 3), "f4")
    a[:64] = -0.0
    sink = volumes.create(f"{tmp_path}/{name}", head, threads=2, **FORMATS.get(name, {}))
    sink.write(Block(0, 40, None, np.float32(-0.0)))
    sink.write(Block(40, 24, None, np.float32(-0.0)))
    sink.write(Block(64, 3, a[64:].copy()))
    sink.finish({})
    told, got = read(f"{tmp_path}/{name}")
    assert same(got, a) and len(told.components) == 3


@pytest.mark.parametrize("name", ["v.zarr", "plain.zarr", "old.zarr", "bare.zarr", "v.npy"])
@pytest.mark.parametrize("shape", [(0, 4, 5), (4, 0, 5), (3, 4, 0)], ids=str)
def test_volumes_without_voxels(tmp_path, name, shape):
    write(f"{tmp_path}/{name}", np.empty(shape, "u2"), **FORMATS[name])
    head, got = read(f"{tmp_path}/{name}")
    assert got.shape == shape and head.whole == shape


def test_tiff_cannot_hold_nothing(tmp_path):
    for name in ("v.tif", "slices/"):
        with pytest.raises(Refused, match="cannot hold a volume of 0 x 4 x 5"):
            volumes.create(f"{tmp_path}/{name}", Head((0, 4, 5), "u1"))
        assert not list(tmp_path.iterdir())


STORES = ["v.zarr", "plain.zarr", "v.npy"]


@pytest.mark.parametrize("name", STORES)
@pytest.mark.parametrize("axis", "zy")
def test_a_part_is_numpys(tmp_path, name, axis):
    a = hostile((70, 67, 80), "i2")
    head = Head(a.shape, a.dtype, spacing=(2.0, 0.5, 0.25), unit="micrometer", origin=(10.0, 20.0, 30.0))
    write(f"{tmp_path}/{name}", a, head, **FORMATS[name])
    for box, cut in [(None, "3:60"), ("5:69,-60:,10:79", None), ("2:70:3,::2,1::5", "1::2"), (":,:,7:8", ":-1:7")]:
        window = [slice(*part) for part in Ranges("").parse(box)] if box else [slice(None)] * 3
        want = a[tuple(window)]
        step = [w.step or 1 for w in window]
        start = [w.indices(n)[0] for w, n in zip(window, a.shape)]
        i = "zy".index(axis)
        if cut:
            s = slice(*Range("").parse(cut))
            first = s.indices(want.shape[i])[0]
            start[i], step[i] = start[i] + first * step[i], step[i] * (s.step or 1)
            want = want[tuple(s if k == i else slice(None) for k in range(3))]
        order = [i, *(k for k in range(3) if k != i)]
        for sweep in ("up", "down"):
            how = {"box": box and Ranges("").parse(box), "range": cut and Range("").parse(cut)}
            told, got = read(f"{tmp_path}/{name}", axis=axis, sweep=sweep, **how)
            assert same(got, np.ascontiguousarray(want.transpose(order))), (box, cut, sweep)
            assert told.order == tuple(order)
            if name != "v.npy":
                assert told.spacing == tuple(head.spacing[k] * step[k] for k in order)
                assert told.origin == pytest.approx([head.origin[k] + start[k] * head.spacing[k] for k in order])
                assert told.axes == tuple("zyx"[k] for k in order)


@pytest.mark.parametrize("sweep", ["up", "down"])
@pytest.mark.parametrize("target", ["w.zarr", "plain.zarr", "w.npy", "w.tif"])
@pytest.mark.parametrize("axis", "yx")
def test_turned_streams_are_put_back(tmp_path, axis, sweep, target):
    a = hostile((66, 67, 70), "f4")
    write(f"{tmp_path}/v.zarr", a, Head(a.shape, a.dtype, spacing=(3.0, 2.0, 1.0), unit="nanometer"))
    told, turned = read(f"{tmp_path}/v.zarr", axis=axis, sweep=sweep)
    how = FORMATS.get(target, {})
    write(f"{tmp_path}/{target}", turned, told, sweep=sweep, tmpdir=str(tmp_path), **how)
    back, got = read(f"{tmp_path}/{target}")
    assert same(got, a) and (target == "w.npy" or back.spacing == (3.0, 2.0, 1.0))
    write(f"{tmp_path}/kept.zarr", turned, told, sweep=sweep, keep_axes=True)
    kept, got = read(f"{tmp_path}/kept.zarr")
    assert same(got, turned) and kept.axes == told.axes and kept.spacing == told.spacing and kept.order == (0, 1, 2)


@pytest.mark.parametrize("dtype", [">u2", ">f8", "?", "<i4"])
@pytest.mark.parametrize("order", "CF")
def test_npy_of_any_byte_order_and_layout(tmp_path, dtype, order):
    a = hostile((9, 10, 11), "i4") % 2 if dtype == "?" else hostile((9, 10, 11), dtype[1:])
    a = np.array(a, dtype, order=order)
    np.save(tmp_path / "v.npy", a)
    native = a.astype("u1") if dtype == "?" else a.astype(a.dtype.newbyteorder("="))
    head, got = read(f"{tmp_path}/v.npy", sweep="down")
    assert same(got, np.ascontiguousarray(native)) and head.role == ("mask" if dtype == "?" else "image")
    told, got = read(f"{tmp_path}/v.npy", box=Ranges("").parse("2:7,1:9,3:10"))
    assert same(got, np.ascontiguousarray(native[2:7, 1:9, 3:10]))
    out = read(f"{tmp_path}/v.npy", axis="x", tmpdir=str(tmp_path))[1]
    assert same(out, np.ascontiguousarray(native.transpose(2, 0, 1)))


def test_npy_is_numpys_own(tmp_path):
    a = hostile((6, 5, 4), "f8")
    write(f"{tmp_path}/v.npy", a, sweep="down")
    assert same(np.load(tmp_path / "v.npy"), a)


def test_spacing_and_role_can_be_told(tmp_path):
    np.save(tmp_path / "v.npy", np.zeros((4, 5, 6), "u1"))
    box = Ranges("").parse("::2,:,3:")
    head, _ = read(tmp_path / "v.npy", spacing=Spacing("").parse("2,1,1um"), role="labels", box=box)
    assert (head.spacing, head.unit, head.role) == ((4.0, 1.0, 1.0), "micrometer", "labels")
    assert head.origin == (0.0, 0.0, 3.0)
    for bad in ("1,0,1um", "1,1,1"):
        with pytest.raises(UsageError, match="must be (lengths above 0|a length with its unit)"):
            volumes.open(tmp_path / "v.npy", spacing=Spacing("").parse(bad))


def test_depth_is_bounded_and_memory_is_told(tmp_path):
    a = np.zeros((130, 300, 400), "u2")
    a[:, 0, 0] = 1
    write(f"{tmp_path}/v.zarr", a)
    source = volumes.open(tmp_path / "v.zarr")
    depth, size = source.head.depth, source.head.slice_bytes
    assert depth * size <= slabs.BLOCK < (depth + 1) * size
    held = dict(source.memory)
    assert held[f"{tmp_path}/v.zarr: 2 slabs of 64 slices"] == 2 * 64 * 300 * 400 * 2


def test_a_sweep_may_be_left_and_begun_again(tmp_path):
    a = hostile((200, 20, 20), "u1")
    write(f"{tmp_path}/v.zarr", a, chunks=(16, 16, 16))
    source = volumes.open(tmp_path / "v.zarr")
    blocks = source.blocks("up")
    next(blocks)
    blocks.close()
    for direction in ("down", "up"):
        got = {b.z: b.array(source.head).copy() for b in source.blocks(direction)}
        assert same(np.concatenate([got[z] for z in sorted(got)]), a)


ERRORS = [
    ("nowhere.zarr", "nowhere.zarr does not exist"),
    ("two.npy", "two.npy has two dimensions .4 x 5., a volume has three: z, y, x"),
    ("complex.npy", "complex.npy holds complex64, must be an integer of 8 to 64 bits, float32 or float64"),
    ("half.npy", "half.npy holds float16"),
    ("words.npy", "words.npy holds "),
    ("text.txt", "text.txt is not a volume; can be read: .zarr"),
    ("gone.h5:/entry/data", "gone.h5 does not exist"),
    ("empty", "empty is not a volume: there are no images in it"),
    ("hollow.zarr", "hollow.zarr is not a Zarr volume: it has no zarr.json"),
    ("none*.tif", "no file has such a name"),
    ("s3://bucket/v.zarr", "s3://bucket/v.zarr: URLs cannot be read"),
]


@pytest.mark.parametrize("name, words", ERRORS, ids=[name for name, _ in ERRORS])
def test_what_is_no_volume(tmp_path, monkeypatch, name, words):
    monkeypatch.chdir(tmp_path)
    np.save("two.npy", np.zeros((4, 5)))
    np.save("complex.npy", np.zeros((4, 5, 6), "c8"))
    np.save("half.npy", np.zeros((4, 5, 6), "f2"))
    np.save("words.npy", np.full((4, 5, 6), "word"))
    (tmp_path / "text.txt").write_text("nothing much")
    for folder in ("empty", "hollow.zarr"):
        (tmp_path / folder).mkdir()
    with pytest.raises(UsageError, match=words):
        volumes.open(name)


def test_damaged_npy(tmp_path):
    np.save(tmp_path / "v.npy", np.zeros((4, 5, 6)))
    os.truncate(tmp_path / "v.npy", 500)
    with pytest.raises(Corrupt, match="v.npy is cut off: it has 500 bytes, 1088 are needed"):
        volumes.open(tmp_path / "v.npy")
    (tmp_path / "w.npy").write_bytes(b"\x93NUMPY\x01\x00v\x00nonsense" + b" " * 200)
    with pytest.raises(Corrupt, match="w.npy: its header is damaged"):
        volumes.open(tmp_path / "w.npy")


def test_ranges_beyond_the_volume_or_empty(tmp_path):
    np.save(tmp_path / "v.npy", np.zeros((4, 5, 6)))
    with pytest.raises(UsageError, match="range 2:9 reaches beyond the volume's 0:4"):
        volumes.open(tmp_path / "v.npy", range=(2, 9, 1))
    with pytest.raises(UsageError, match="the part asked for is empty: 0 x 5 x 6 voxels"):
        volumes.open(tmp_path / "v.npy", range=(2, 2, 1))
    for option in ("level", "channel", "time"):
        with pytest.raises(UsageError, match=f"leave --{option} out"):
            volumes.open(tmp_path / "v.npy", **{option: 1})


@pytest.mark.parametrize("name, how, words", [
    ("v.xyz", {}, "suffix '.xyz' is not a format; can be written: .zarr"),
    ("v", {}, "an address without a suffix is not a format"),
    ("s3://b/v.zarr", {}, "URLs cannot be written"),
    ("no/such/v.npy", {}, "there is no directory"),
    ("s_%05d.bmp", {}, "a pattern has one number and a suffix"),
    ("s_%d_%d.tif", {}, "a pattern has one number and a suffix"),
    ("v.npy", {"chunks": (1, 1, 1)}, "--chunks is for .zarr"),
    ("v.npy", {"codec": "zstd"}, "--codec is for .zarr"),
    ("v.zarr", {"codec": "lzma"}, "codec is 'lzma', must be lz4, zstd or gzip"),
    ("v.zarr", {"codec": "zstd:99"}, "codec is 'zstd:99'"),
    ("v.zarr", {"chunks": (8, 8, 8), "shards": (8, 12, 8)}, "shards are 8,12,8, must be multiples of the chunks 8,8,8"),
    ("v.zarr", {"ome": "0.4", "shards": (64, 64, 64)}, "Zarr 2, which has no shards"),
    ("v.npy", {"format": "gif"}, "format is 'gif', must be one of zarr, tiff"),
])  # fmt: skip
def test_what_cannot_be_written(tmp_path, monkeypatch, name, how, words):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=words):
        volumes.create(name, Head((80, 80, 80), "u1"), **how)
    assert not list(tmp_path.iterdir())


def test_a_part_of_a_volume_is_refused(tmp_path):
    with pytest.raises(Refused, match="the stream is a part of a volume"):
        volumes.create(tmp_path / "v.npy", Head((8, 8, 8), "u1", box=((0, 4), (0, 8), (0, 8))))


def test_slices_that_did_not_come_are_missed(tmp_path):
    sink = volumes.create(tmp_path / "v.npy", Head((8, 2, 2), "u1"))
    sink.write(Block(0, 3, np.zeros((3, 2, 2), "u1")))
    with pytest.raises(SweepError, match="3 of 8 slices came"):
        sink.finish({})
    sink.abort()
    assert not list(tmp_path.iterdir())


def test_a_path_that_exists_is_that_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("odd:name.h5:x.npy", np.zeros((2, 3, 4), "u1"))
    assert address.readable("odd:name.h5:x.npy")[0] == "npy"
    np.save("data", np.zeros((2, 3, 4), "u1"))
    os.rename("data.npy", "data")
    assert read("data")[0].whole == (2, 3, 4)
