"""HDF5: whatever h5py, NeXus and ilastik write is found and read, and h5py reads what is written here."""

import os
import time

import h5py
import hdf5plugin
import numpy as np
import pytest
from test_volumes import hostile, read, same, write

from sweeptools import volumes
from sweeptools.errors import Corrupt, Refused, UsageError
from sweeptools.spec import Head
from sweeptools.volumes import hdf5, hdf5chunks

A = hostile((21, 20, 30), "u2")


def make(path, data=A, place="data", **how):
    with h5py.File(path, "a") as file:
        file.create_dataset(place, data=data, **how)


CODECS = {
    "gzip": {"compression": "gzip"}, "shuffled": {"compression": "gzip", "shuffle": True}, "none": {},
    "lzf": {"compression": "lzf"}, "checked": {"compression": "gzip", "fletcher32": True},
    "lz4": hdf5plugin.LZ4(nbytes=512), "bitshuffle": hdf5plugin.Bitshuffle(cname="lz4"),
    "bits": hdf5plugin.Bitshuffle(cname="none"), "bitzstd": hdf5plugin.Bitshuffle(cname="zstd"),
    "blosc": hdf5plugin.Blosc(cname="lz4", shuffle=2), "zstd": hdf5plugin.Zstd(), "blosc2": hdf5plugin.Blosc2(),
}  # fmt: skip


@pytest.mark.parametrize("codec", CODECS)
def test_every_codec(tmp_path, codec, monkeypatch):
    for dtype, shape in (("u1", (21, 20, 30)), (">u2", (70, 5, 33)), ("f4", (3, 9, 130)), ("f8", (9, 20, 30))):
        a = hostile(shape, np.dtype(dtype).newbyteorder("=")).astype(dtype)
        make(tmp_path / f"{dtype[-2:]}.h5", a, chunks=tuple(map(min, (4, 5, 16), shape)), **CODECS[codec])
        for how in ({}, {"axis": "y"}, {"axis": "x", "sweep": "down"}, {"box": ((1, 3, 1), (2, 5, 2), (3, 30, 1))}):
            turned = np.moveaxis(a, "zyx".index(how.get("axis", "z")), 0)
            want = turned if "box" not in how else a[1:3, 2:5:2, 3:30]
            got = read(tmp_path / f"{dtype[-2:]}.h5", **how)[1]
            assert same(got, np.ascontiguousarray(want, got.dtype)), (dtype, how)
    with h5py.File(tmp_path / "u2.h5") as file:
        known = hdf5chunks.decoders(hdf5chunks.filters(file["data"]), 2)
        assert (known is None) == (codec in ("lzf", "checked", "blosc2"))


def test_every_chunk_is_decoded_once_and_what_is_not_stored_never(tmp_path, monkeypatch):
    with h5py.File(tmp_path / "v.h5", "w") as file:
        made = file.create_dataset("data", (40, 20, 30), "i2", chunks=(4, 8, 8), compression="gzip", fillvalue=-7)
        made[:8, :8] = 5
        made[33, 3, 3] = 1
    monkeypatch.setattr(hdf5, "BLOCK", 1)
    count, true = [], hdf5chunks.Chunks._chunk
    seen = lambda self, corner, place: count.append(corner) or true(self, corner, place)  # noqa: E731
    monkeypatch.setattr(hdf5chunks.Chunks, "_chunk", seen)
    want = np.full((40, 20, 30), -7, "i2")
    want[:8, :8], want[33, 3, 3] = 5, 1
    for sweep in ("up", "down"):
        count.clear()
        source = volumes.open(tmp_path / "v.h5", threads=2, sweep=sweep)
        blocks = list(source.blocks(sweep))
        assert any(b.data is None and b.fill == -7 for b in blocks)
        got = np.concatenate([b.array(source.head) for b in sorted(blocks, key=lambda b: b.z)])
        assert same(got, want) and len(count) == len(set(count)) == 2 * 4 + 1
        source.close()


def test_what_is_not_in_chunks(tmp_path):
    make(tmp_path / "v.h5")
    make(tmp_path / "b.h5", A.astype(">u2"))
    make(tmp_path / "m.h5", A > 99)
    make(tmp_path / "c.h5", (A > 99), chunks=(4, 4, 4), compression="gzip")
    make(tmp_path / "n.h5", np.zeros((0, 4, 5), "u1"))
    with h5py.File(tmp_path / "e.h5", "w") as file:
        file.create_dataset("data", (4, 5, 6), "f4", fillvalue=2)
    for axis in "zy":
        assert same(read(tmp_path / "v.h5", axis=axis)[1], np.ascontiguousarray(np.moveaxis(A, "zyx".index(axis), 0)))
    assert same(read(tmp_path / "b.h5", box=((2, 9, 1), (1, 20, 1), (2, 7, 3)))[1], np.ascontiguousarray(A[2:9, 1:, 2:7:3]))
    for name in ("m.h5", "c.h5"):
        head, got = read(tmp_path / name)
        assert head.role == "mask" and same(got, (A > 99).astype("u1"))
    assert read(tmp_path / "n.h5")[1].shape == (0, 4, 5)
    assert same(read(tmp_path / "e.h5")[1], np.full((4, 5, 6), 2, "f4"))


def test_links_are_followed(tmp_path, monkeypatch):
    (tmp_path / "raw").mkdir()
    make(tmp_path / "raw" / "scan.h5", place="entry/volume")
    with h5py.File(tmp_path / "master.nxs", "w") as file:
        file["entry/data"] = h5py.ExternalLink("raw/scan.h5", "/entry/volume")
        file["soft"] = h5py.SoftLink("/entry/data")
        file["all"] = h5py.ExternalLink("raw/scan.h5", "/")
        file["entry/gone"] = h5py.ExternalLink("raw/lost.h5", "/entry/volume")
        file["entry/wrong"] = h5py.ExternalLink("raw/scan.h5", "/entry/other")
        file["nowhere"] = h5py.SoftLink("/entry/none")
        file["text"] = "words"
    monkeypatch.chdir("/")                               # relative to the file, not to whoever reads it
    for place in ("/entry/data", "/soft", "/all/entry/volume", "all/entry"):
        assert same(read(f"{tmp_path}/master.nxs:{place}")[1], A)
    for place, says in (
        ("/entry/gone", "master.nxs:/entry/gone links to raw/lost.h5:/entry/volume, which does not exist: there is no "
                        rf"file {tmp_path}/raw/lost.h5"),
        ("/entry/wrong", f"links to raw/scan.h5:/entry/other, which does not exist in {tmp_path}/raw/scan.h5"),
        ("/nowhere", "/nowhere links to /entry/none, which does not exist"),
        ("/entry/dato", "/entry/dato does not exist; there is data, gone, wrong"),
        ("/text", "no dimensions in space"), ("/entry/data/x", "is a dataset, there is nothing in it"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=says):
            volumes.open(f"{tmp_path}/master.nxs:{place}")
    source = volumes.open(tmp_path / "master.nxs")       # three ways lead to one dataset; what leads nowhere is told
    assert source.head.whole == A.shape and source.name.endswith("master.nxs:/soft")
    assert [text.split(":", 2)[2].split(" ")[0] for text in source.said] == ["/entry/gone", "/entry/wrong", "/nowhere"]
    source.close()


def test_one_volume_is_found_and_several_are_listed(tmp_path):
    make(tmp_path / "v.h5", place="a/b/c")
    make(tmp_path / "v.h5", A[0], place="a/flat")
    with h5py.File(tmp_path / "v.h5", "a") as file:
        file["again"] = file["a/b/c"]
        file["a/loop"] = h5py.SoftLink("/a")
        file["a/b/round"] = file["a"]
    assert same(read(tmp_path / "v.h5")[1], A)
    make(tmp_path / "v.h5", A[:3], place="z")
    with pytest.raises(UsageError, match=r"holds 2 volumes, name one of them: \S*v.h5:/again \(21 x 20 x 30 uint16\), "
                                         r"\S*v.h5:/z \(3 x 20"):  # fmt: skip
        volumes.open(tmp_path / "v.h5")
    assert same(read(f"{tmp_path}/v.h5:a")[1], A)
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file["x"] = h5py.ExternalLink("gone.h5", "/x")
        file["flat"] = A[0]
    with pytest.raises(UsageError, match="holds no volume: no dataset of three dimensions; /x links to gone.h5:/x, which"):
        volumes.open(tmp_path / "w.h5")
    (tmp_path / "text.h5").write_text("no HDF5")
    with pytest.raises(Corrupt, match="text.h5 is not HDF5, or damaged"):
        volumes.open(tmp_path / "text.h5")
    os.truncate(tmp_path / "v.h5", 3000)
    with pytest.raises(Corrupt, match="v.h5 is not HDF5, or damaged: .*truncated"):
        volumes.open(tmp_path / "v.h5")


def nexus(path, attrs=("default", "signal", "axes")):
    with h5py.File(path, "w") as file:
        entry = file.create_group("entry")
        data = entry.create_group("tomo")
        data["voxels"], data["other"] = A, A
        for name, n, step, unit in (("z", 21, 2.0, "um"), ("y", 20, 500.0, "nm"), ("x", 30, 0.25, "µm")):
            data[name] = 10 * step + step * np.arange(n)
            data[name].attrs["units"] = unit
        if "default" in attrs:
            file.attrs["default"], entry.attrs["default"] = "entry", np.array([b"tomo"])
        if "signal" in attrs:
            data.attrs["signal"] = "voxels"
        if "axes" in attrs:
            data.attrs["axes"] = ["z", "y", "x"]
        if "old" in attrs:
            data["voxels"].attrs["signal"], data["voxels"].attrs["axes"] = 1, "z:y:x"


def test_the_signal_of_nexus_and_its_axes(tmp_path):
    nexus(tmp_path / "v.nxs")
    head, got = read(tmp_path / "v.nxs")
    assert same(got, A) and head.unit == "micrometer"
    assert head.spacing == pytest.approx((2.0, 0.5, 0.25)) and head.origin == pytest.approx((20, 5, 2.5))
    nexus(tmp_path / "old.nxs", ("default", "old"))
    assert read(tmp_path / "old.nxs")[0].spacing == pytest.approx((2.0, 0.5, 0.25))
    nexus(tmp_path / "bare.nxs", ())
    with pytest.raises(UsageError, match="holds 2 volumes"):
        volumes.open(tmp_path / "bare.nxs")
    with h5py.File(tmp_path / "v.nxs", "a") as file:
        file["entry/tomo/y"][3] += 100
        file["entry/tomo/x"].attrs["units"] = "degree"
    head, _ = read(tmp_path / "v.nxs")
    assert head.spacing == (2.0, None, None)
    with h5py.File(tmp_path / "v.nxs", "a") as file:
        file["entry"].attrs["default"] = "lost"
    with pytest.raises(UsageError, match="/entry/lost does not exist; there is tomo"):
        volumes.open(tmp_path / "v.nxs")


def test_axes_by_name_and_by_number(tmp_path):
    a = hostile((2, 4, 5, 6, 3), "u1")
    make(tmp_path / "v.h5", a, chunks=(1, 2, 3, 4, 1), compression="gzip")
    make(tmp_path / "flat.h5", a)
    tags = '{"axes": [{"key": "t"}, {"key": "z"}, {"key": "y"}, {"key": "x"}, {"key": "c"}]}'
    for name in ("v.h5", "flat.h5"):
        with h5py.File(tmp_path / name, "a") as file:
            file["data"].attrs["axistags"] = tags
            file["data"].attrs["element_size_um"] = (1.0, 0.5, 0.25)
        head, got = read(tmp_path / name, time=1, channel=2)
        assert same(got, np.ascontiguousarray(a[1, ..., 2])) and head.spacing == (1, 0.5, 0.25)
        with pytest.raises(UsageError, match="has 2 times: 0, 1; choose one with --time"):
            volumes.open(tmp_path / name, channel=0)
    with h5py.File(tmp_path / "l.h5", "w") as file:
        file["d"] = a[0]
        for i, label in enumerate("xyzc"):
            file["d"].dims[i].label = label
    assert same(read(tmp_path / "l.h5", channel=0)[1], np.ascontiguousarray(a[0, ..., 0]))
    make(tmp_path / "one.h5", A[None])
    assert same(read(tmp_path / "one.h5")[1], A)
    make(tmp_path / "plain.h5")
    with pytest.raises(UsageError, match="it has no channel axis; leave --channel out"):
        volumes.open(tmp_path / "plain.h5", channel=0)


def test_virtual_datasets(tmp_path):
    layout = h5py.VirtualLayout((6, 20, 30), "u2")
    for k in range(2):
        make(tmp_path / f"part{k}.h5", A[3 * k : 3 * k + 3])
        layout[3 * k : 3 * k + 3] = h5py.VirtualSource(f"part{k}.h5", "data", (3, 20, 30))
    with h5py.File(tmp_path / "v.h5", "w") as file:
        file.create_virtual_dataset("all", layout, fillvalue=9)
    assert same(read(tmp_path / "v.h5")[1], A[:6])
    (tmp_path / "part1.h5").unlink()
    with pytest.raises(UsageError, match="voxels are in .*part1.h5, which does not exist; with --allow-gaps"):
        volumes.open(tmp_path / "v.h5")
    got = read(tmp_path / "v.h5", allow_gaps=True)[1]
    assert same(got[:3], A[:3]) and (got[3:] == 9).all()


def test_a_damaged_chunk_is_named(tmp_path):
    make(tmp_path / "v.h5", chunks=(7, 20, 30), compression="gzip")
    with h5py.File(tmp_path / "v.h5") as file:
        place = file["data"].id.get_chunk_info_by_coord((7, 0, 0))
    with open(tmp_path / "v.h5", "r+b") as file:
        file.seek(place.byte_offset + place.size // 2)
        file.write(b"\0" * 40)
    with pytest.raises(Corrupt, match="v.h5:/data: chunk at 7,0,0 cannot be decoded"):
        read(tmp_path / "v.h5")


@pytest.mark.parametrize("codec", ["gzip", "gzip:6", "zstd:3", "lz4", "none"])
def test_h5py_reads_what_is_written(tmp_path, codec):
    for k, (dtype, shape) in enumerate([("u1", (70, 5, 66)), ("u8", (3, 20, 9)), ("f4", (40, 20, 30, 3)), ("f8", (1,) * 3)]):
        a = hostile(shape, dtype, k)
        head = Head(shape[:3], dtype, components=("u", "v", "w") if len(shape) > 3 else (), spacing=(2.0, 0.5, 0.25),
                    unit="nanometer", origin=(1.0, -2.0, 3.5), role="labels", history=({"command": "x"},))  # fmt: skip
        write(f"{tmp_path}/v{k}.h5:/a/b", a, head, codec=codec, cut=7, sweep="down" if k else "up", chunks=(16, 8, 32))
        with h5py.File(tmp_path / f"v{k}.h5") as file:
            made = file["a/b"]
            assert same(made[()], a) and made.chunks[:3] == tuple(min(c, n) for c, n in zip((16, 8, 32), shape))
            assert made.attrs["element_size_um"] == pytest.approx([0.002, 0.0005, 0.00025])
            assert made.dims[0].label == "z"
        got_head, got = read(f"{tmp_path}/v{k}.h5")
        assert same(got, a)
        for fact in ("spacing", "unit", "origin", "role", "components", "history", "axes"):
            assert getattr(got_head, fact) == getattr(head, fact), fact


def test_chunks_of_zeros_are_not_stored_and_two_runs_write_the_same(tmp_path):
    a = np.zeros((64, 40, 40), "u1")
    a[5, 5, 5] = 3
    write(f"{tmp_path}/a.h5", a, chunks=(16, 16, 16), cut=3)
    time.sleep(1.1)
    write(f"{tmp_path}/b.h5", a, chunks=(16, 16, 16), cut=64, sweep="down")
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["data"].id.get_num_chunks() == 1 and same(file["data"][()], a)


def test_a_file_with_more_than_the_volume_is_left_alone(tmp_path):
    path = f"{tmp_path}/v.h5:/a/b"
    write(path, A)
    with pytest.raises(Refused, match="v.h5 exists; use --overwrite"):
        volumes.create(path, Head((1, 1, 1), "u1"))
    write(path, A[:4], overwrite=True)
    assert same(read(path)[1], A[:4])
    make(tmp_path / "v.h5", place="more")
    for place in ("/a/b", "/more", "/new"):
        with pytest.raises(Refused, match="holds more than a volume of this format"):
            volumes.create(f"{tmp_path}/v.h5:{place}", Head((1, 1, 1), "u1"), overwrite=True)
    assert sorted(os.listdir(tmp_path)) == ["v.h5"]


def test_what_has_no_meaning(tmp_path):
    for name, how, words in (
        ("v.h5", {"codec": "lzma"}, "codec is 'lzma', must be gzip or zstd, with a level as in gzip:4, lz4, or none"),
        ("v.h5", {"codec": "gzip:12"}, "codec is 'gzip:12'"), ("v.h5", {"shards": "none"}, "--shards is for .zarr"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=words):
            volumes.create(tmp_path / name, Head((8, 8, 8), "u1"), **how)
    assert not list(tmp_path.iterdir())


def test_without_the_library_the_extra_is_named(tmp_path, monkeypatch):
    make(tmp_path / "v.h5")
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(UsageError, match=r"HDF5 needs h5py, which is not installed: pip install 'sweeptools\[hdf5\]'"):
        volumes.open(tmp_path / "v.h5")


def letters(text):
    return np.array([c.encode() for c in text], "S1")


def test_imaris(tmp_path):
    want = {}
    with h5py.File(tmp_path / "v.ims", "w") as file:
        for level, shape in enumerate([(10, 20, 30), (5, 10, 15)]):
            for time_point in range(2):
                for channel in range(2):
                    a = hostile(shape, "u2", level * 4 + time_point * 2 + channel)
                    group = file.create_group(f"DataSet/ResolutionLevel {level}/TimePoint {time_point}/Channel {channel}")
                    padded = np.pad(a, [(0, -n % 8) for n in shape], constant_values=9)
                    group.create_dataset("Data", data=padded, chunks=(8, 8, 8), compression="gzip")
                    for axis, n in zip("ZYX", shape):
                        group.attrs[f"ImageSize{axis}"] = letters(str(n))
                    want[level, time_point, channel] = a
        info = file.create_group("DataSetInfo/Image")
        for i, (n, step) in enumerate(((30, 0.25), (20, 0.5), (10, 2.0))):
            info.attrs[f"ExtMin{i}"], info.attrs[f"ExtMax{i}"] = letters("1.5"), letters(str(1.5 + n * step))
        info.attrs["Unit"] = letters("um")
        for k, word in enumerate(("DAPI", "GFP")):
            file.create_group(f"DataSetInfo/Channel {k}").attrs["Name"] = letters(word)
    for (level, time_point, channel), a in want.items():
        head, got = read(tmp_path / "v.ims", level=level, time=time_point, channel=("DAPI", "GFP")[channel])
        assert same(got, a) and head.unit == "micrometer"
        assert head.spacing == pytest.approx(tuple(s * 2**level for s in (2, 0.5, 0.25)))
        assert head.origin == pytest.approx(tuple(1.5 + s / 2 for s in head.spacing))
    for how, says in (({}, "has 2 times"), ({"time": 0}, r"has 2 channels: 0 \(DAPI\), 1 \(GFP\); choose one"),
                      ({"level": 2}, "no level 2; it has 0 to 1")):  # fmt: skip
        with pytest.raises(UsageError, match=says):
            volumes.open(tmp_path / "v.ims", **how)
    make(tmp_path / "v.h5")
    with pytest.raises(UsageError, match="it has no levels; leave --level out"):
        volumes.open(tmp_path / "v.h5", level=1)
