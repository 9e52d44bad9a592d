"""PNG, JPEG 2000, N5 and precomputed volumes: what other libraries write is read, and they read what is written."""

import json

import imagecodecs
import numpy as np
import pytest
import tensorstore as ts
from PIL import Image
from test_volumes import hostile, read, same, write

from sweeptools import volumes
from sweeptools.errors import Corrupt, Refused, UsageError
from sweeptools.params import DTYPES
from sweeptools.spec import Head

FULL = {"spacing": (40.0, 4.0, 8.0), "unit": "nanometer", "origin": (400.0, -4.0, 80.0), "role": "labels",
        "history": ({"command": "read"}, {"command": "otsu"})}  # fmt: skip
A = hostile((5, 6, 7), "u2")


# ------------------------------------------------------------------ images


@pytest.mark.parametrize("name", ["s/z%03d.png", "s/z%03d.jp2"])
@pytest.mark.parametrize("dtype, comps", [("u1", 0), ("u2", 0), ("u1", 3), ("u2", 3), ("u2", 4), ("u1", 2)])
def test_images_in_and_out(tmp_path, name, dtype, comps):
    a = hostile((11, 6, 7, comps) if comps else (11, 6, 7), dtype)
    head = Head(a.shape[:3], dtype, components=("a", "b", "c", "d")[:comps])
    if "jp2" in name and comps == 2:
        with pytest.raises(Refused, match="JP2 has no voxels of 2 components"):
            volumes.create(f"{tmp_path}/{name}", head)
        return
    sink = write(f"{tmp_path}/{name}", a, head, sweep="down", cut=3)
    told, got = read(tmp_path / "s")
    assert same(got, a) and len(told.components) == comps and sink.stats["files"] == 11
    assert bool(sink.lost) == bool(comps) and all("does not keep components" in text for text in sink.lost)
    if "png" in name and (dtype == "u1" or not comps):
        assert (np.asarray(Image.open(tmp_path / "s" / "z007.png")) == a[7]).all()
    part = read(tmp_path / "s", range=(2, 9, 3), box=((0, 11, 1), (1, 5, 1), (2, 7, 2)))[1]
    assert same(part, a[2:9:3, 1:5, 2:7:2].copy())


def test_images_that_pillow_writes(tmp_path):
    (tmp_path / "s").mkdir()
    for z in range(12):
        Image.fromarray(A[0] + np.uint16(z)).save(tmp_path / "s" / f"{z}.png")
    assert same(read(tmp_path / "s")[1], A[0] + np.arange(12, dtype="u2")[:, None, None])
    Image.fromarray(A[0, :4].astype("u1")).save(tmp_path / "s" / "7.png")
    with pytest.raises(UsageError, match="7.png is 4 x 7 uint8, but 0.png is 6 x 7 uint16"):
        read(tmp_path / "s")
    (tmp_path / "s" / "7.png").write_bytes(b"\x89PNG\r\n\x1a\nno")
    with pytest.raises(Corrupt, match="7.png cannot be decoded"):
        read(tmp_path / "s")
    (tmp_path / "s" / "7.png").unlink()
    with pytest.raises(UsageError, match="8.png: before it slices are missing: there is no 7"):
        volumes.open(tmp_path / "s")
    with pytest.raises(Refused, match="PNG has no float32, only uint8, uint16"):
        volumes.create(f"{tmp_path}/t/%d.png", Head((5, 6, 7), "f4"))
    (tmp_path / "j").mkdir()
    (tmp_path / "j" / "a.jp2").write_bytes(imagecodecs.jpeg2k_encode(A[0], level=0, reversible=True))
    assert same(read(tmp_path / "j")[1], A[:1])


def test_format_makes_a_directory(tmp_path):
    write(f"{tmp_path}/s", A, format="png")
    assert (tmp_path / "s" / "slice_00004.png").is_file() and same(read(tmp_path / "s")[1], A)
    with pytest.raises(Refused, match="holds more than a volume of this format"):
        volumes.create(f"{tmp_path}/s/", Head(A.shape, "u2"), overwrite=True)
    write(f"{tmp_path}/s/n%d.png", A[:2], overwrite=True)
    assert same(read(tmp_path / "s")[1], A[:2])


# ------------------------------------------------------------------ N5 and precomputed

TYPES = {"v.n5": DTYPES, "v.precomputed": [t for t in DTYPES if t not in ("int64", "float64")]}


def by_tensorstore(path):
    path = str(path)
    if path.endswith(".n5"):
        spec = {"driver": "n5", "kvstore": {"driver": "file", "path": f"{path}/s0/"}}
    else:
        spec = {"driver": "neuroglancer_precomputed", "kvstore": {"driver": "file", "path": f"{path}/"}}
    return np.asarray(ts.open(spec, read=True).result().T.read(order="C").result())


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("comps", [0, 2])
def test_stores_in_and_out(tmp_path, name, comps):
    for k, dtype in enumerate(DTYPES):
        a = hostile((21, 20, 30, comps) if comps else (21, 20, 30), dtype, k)
        head = Head(a.shape[:3], dtype, components=("u", "v")[:comps], **FULL)
        path = f"{tmp_path}/{k}{name}"
        if dtype not in TYPES[name]:
            with pytest.raises(Refused, match=f"neuroglancer has no {dtype}"):
                volumes.create(path, head)
            continue
        sink = write(path, a, head, sweep="down" if k % 2 else "up", cut=4, chunks=(8, 8, 16))
        want = np.moveaxis(a, -1, 0) if comps else a
        data = by_tensorstore(path)
        assert same(np.ascontiguousarray(data[0] if data.ndim > want.ndim else data), np.ascontiguousarray(want))
        for axis in "zx":
            told, got = read(path, axis=axis)
            assert same(got, np.ascontiguousarray(np.moveaxis(a, "zyx".index(axis), 0)))
        told, got = read(path, box=((3, 20, 1), (5, 19, 3), (0, 17, 1)))
        assert same(got, a[3:20, 5:19:3, 0:17].copy()) and told.chunks == (8, 8, 16)
        told, _ = read(path)
        assert sink.lost == () and all(getattr(told, fact) == value for fact, value in FULL.items())
        assert told.components == head.components
    bare, _ = read(write_plain(tmp_path / name))
    assert (bare.spacing, bare.unit, bare.origin, bare.role) == (None, None, (0, 0, 0), "image")


def write_plain(path):
    write(path, A)
    return path


def test_n5_of_others(tmp_path):
    for k in range(2):
        spec = {"driver": "n5", "kvstore": {"driver": "file", "path": f"{tmp_path}/v.n5/setup0/s{k}/"}, "create": True,
                "metadata": {"dimensions": [30 >> k, 20 >> k, 21 >> k], "blockSize": [8, 8, 8], "dataType": "int16",
                             "compression": {"type": "raw"}}}  # fmt: skip
        data = hostile((21 >> k, 20 >> k, 30 >> k), "i2", k)
        ts.open(spec).result().T.write(data).result()
        file = tmp_path / f"v.n5/setup0/s{k}/attributes.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), "downsamplingFactors": [1 << k] * 3}))
        if k == 0:
            first = data
    (tmp_path / "v.n5/attributes.json").write_text('{"n5": "2.0.0"}')
    group = {"pixelResolution": {"unit": "um", "dimensions": [0.25, 0.5, 2]}}
    (tmp_path / "v.n5/setup0/attributes.json").write_text(json.dumps(group))
    for path, level, want, spacing in (
        ("v.n5", None, first, (2, 0.5, 0.25)), ("v.n5/setup0", 1, data, (4, 1, 0.5)), ("v.n5/setup0/s1", None, data, None),
    ):  # fmt: skip
        head, got = read(tmp_path / path, level=level)
        assert same(got, want) and head.spacing == spacing
    with pytest.raises(UsageError, match="there is no level 2; it has 0, 1"):
        volumes.open(tmp_path / "v.n5", level=2)
    (tmp_path / "v.n5/setup0/s0/attributes.json").write_text("{no")
    with pytest.raises(Corrupt, match="attributes.json is damaged"):
        volumes.open(tmp_path / "v.n5")
    (tmp_path / "w.n5").mkdir()
    with pytest.raises(UsageError, match="w.n5 is not a N5 volume: it has no attributes.json"):
        volumes.open(tmp_path / "w.n5")


def test_precomputed_of_others(tmp_path):
    spec = {"driver": "neuroglancer_precomputed", "kvstore": {"driver": "file", "path": f"{tmp_path}/v.precomputed/"},
            "create": True, "multiscale_metadata": {"type": "image", "data_type": "uint16", "num_channels": 1},
            "scale_metadata": {"size": [7, 6, 5], "encoding": "raw", "chunk_size": [4, 4, 4], "resolution": [4, 8, 40],
                               "voxel_offset": [10, 20, 30]}}  # fmt: skip
    ts.open(spec).result().T.write(A[None]).result()
    head, got = read(tmp_path / "v.precomputed")
    assert same(got, A) and (head.spacing, head.unit) == ((40, 8, 4), "nanometer") and head.origin == (1200, 160, 40)
    with pytest.raises(UsageError, match="there is no level 1; it has 0 to 0"):
        volumes.open(tmp_path / "v.precomputed", level=1)
    chunk = next(p for p in (tmp_path / "v.precomputed").rglob("*-*"))
    chunk.write_bytes(b"no chunk")
    with pytest.raises(Corrupt, match="voxels .* cannot be read"):
        read(tmp_path / "v.precomputed")
    (tmp_path / "v.precomputed/info").write_text("{}")
    with pytest.raises(Corrupt, match="its info is damaged"):
        volumes.open(tmp_path / "v.precomputed")


def test_without_the_library_the_extra_is_named(tmp_path, monkeypatch):
    write(tmp_path / "v.n5", A)
    write(f"{tmp_path}/s", A, format="png")
    for library, extra, name in (("tensorstore", "tensorstore", "v.n5"), ("imagecodecs", "images", "s")):
        monkeypatch.setitem(__import__("sys").modules, library, None)
        with pytest.raises(UsageError, match=rf"needs {library}, which is not installed: pip .*sweeptools\[{extra}\]'"):
            volumes.open(tmp_path / name)
