"""NIfTI, NRRD, MetaImage, MRC and raw: nibabel, pynrrd and mrcfile read what is written, and what they write is read."""

import gzip
import io
import zlib

import mrcfile
import nibabel
import nrrd
import numpy as np
import pytest
from test_volumes import hostile, read, same, write

from sweeptools import volumes
from sweeptools.errors import Corrupt, Refused, UsageError
from sweeptools.params import DTYPES
from sweeptools.spec import Head
from sweeptools.volumes import flat, niftigz

FULL = {"spacing": (2.5, 0.65, 0.1), "unit": "micrometer", "origin": (1.5, -2.0, 1e3), "role": "labels", "nodata": 7,
        "history": ({"command": "read"}, {"command": "otsu"})}  # fmt: skip
NAMES = ["v.nii", "v.nii.gz", "v.nrrd", "v.mha", "v.mrc"]
A = hostile((5, 6, 7), "i2")


def by_others(path):
    """(array, spacing z, y, x, origin z, y, x) as the format's own library reads them."""
    path = str(path)
    if ".nii" in path:
        image = nibabel.load(path)
        data = np.asanyarray(image.dataobj)
        if data.dtype.fields:
            data = np.stack([data[c] for c in data.dtype.names], -1)
        return np.moveaxis(data, (0, 1, 2), (2, 1, 0)), image.header.get_zooms()[::-1], image.affine[:3, 3][::-1]
    if path.endswith(".nrrd"):
        data, said = nrrd.read(path, index_order="C")
        steps = said.get("space directions")
        if steps is not None:
            steps = np.sqrt((np.asarray(steps)[-3:] ** 2).sum(1))[::-1]
        return data, steps, said.get("space origin", [0] * 3)[::-1]
    with mrcfile.open(path) as file:
        return np.array(file.data), file.voxel_size.tolist()[::-1], file.header.origin.tolist()[::-1]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_type_in_and_out(tmp_path, name, dtype):
    a = hostile((5, 6, 7), dtype)
    if name == "v.mrc" and dtype not in ("uint8", "int8", "int16", "uint16", "float32"):
        with pytest.raises(Refused, match=f"MRC has no {dtype}, only int8, int16, float32, uint16, uint8; change the type"):
            volumes.create(tmp_path / name, Head(a.shape, dtype))
        return
    head = Head(a.shape, dtype, spacing=(2.0, 0.5, 0.25), unit="micrometer", origin=(1.0, -2.0, 3.0))
    write(tmp_path / name, a, head, cut=2)
    want = a.astype("u2") if (name, dtype) == ("v.mrc", "uint8") else a
    for how in ({}, {"box": ((1, 4, 1), (2, 6, 1), (1, 7, 3))}):
        told, got = read(tmp_path / name, **how)
        assert same(got, np.ascontiguousarray(want[1:4, 2:6, 1:7:3] if how else want))
    if name != "v.mha":
        data, spacing, origin = by_others(tmp_path / name)
        scale = 1e4 if name == "v.mrc" else 1
        assert same(np.ascontiguousarray(data, data.dtype.newbyteorder("=")), want)
        assert np.asarray(spacing) / scale == pytest.approx((2, 0.5, 0.25))
        assert np.asarray(origin) / scale == pytest.approx((1, -2, 3))


@pytest.mark.parametrize("name", NAMES)
def test_all_that_a_head_says_is_kept(tmp_path, name):
    for k, more in enumerate(({}, {"unit": "nanometer"}, {"spacing": (2.0, None, 1.0)}, {"spacing": None, "unit": None})):
        head = Head(A.shape, A.dtype, **{**FULL, **more}, axes=("depth", "y", "x"), meta={"attributes": {"who": 'Zoë "\\'}})
        sink = write(f"{tmp_path}/{k}{name}", A, head, end={"found": [{"at": 1, "threshold": 3.25}]})
        assert sink.lost == ()
        told, got = read(f"{tmp_path}/{k}{name}")
        assert same(got, A)
        for fact in ("spacing", "unit", "origin", "role", "nodata", "axes", "meta"):
            assert getattr(told, fact) == getattr(head, fact), (fact, more)
        assert told.history == (head.history[0], {"command": "otsu", "found": {"threshold": 3.25}})
    bare, _ = read(write_plain(tmp_path / f"plain{name}"))
    assert (bare.spacing, bare.unit, bare.origin, bare.role, bare.history) == (None, None, (0, 0, 0), "image", ())


def write_plain(path):
    write(path, A)
    return path


@pytest.mark.parametrize("name, shape, dtype", [
    ("v.nii", (5, 6, 7, 3), "u1"), ("v.nii.gz", (5, 6, 7, 4), "u1"), ("v.nrrd", (5, 6, 7, 2), "f4"),
    ("v.mha", (5, 6, 7, 3), "u2"),
])  # fmt: skip
def test_components(tmp_path, name, shape, dtype):
    a = hostile(shape, dtype)
    names = {3: ("r", "g", "b"), 4: ("r", "g", "b", "a"), 2: ("u", "v")}[shape[3]]
    write(tmp_path / name, a, Head(shape[:3], dtype, components=names))
    told, got = read(tmp_path / name)
    assert same(got, a) and told.components == names
    if name != "v.mha":
        assert same(np.ascontiguousarray(by_others(tmp_path / name)[0]), a)


def test_components_that_a_format_has_not(tmp_path):
    for name, dtype, says in (("v.nii", "f4", "NIfTI has no voxels of 3 components of fl"), ("v.mrc", "u1", "MRC has no")):
        with pytest.raises(Refused, match=says):
            volumes.create(tmp_path / name, Head((5, 6, 7), dtype, components=("a", "b", "c")))
    for name, says in (("v.mhd", "write .mha"), ("v.nhdr", "write .nrrd")):
        with pytest.raises(UsageError, match=f"has its voxels in a second file; {says}"):
            volumes.create(tmp_path / name, Head((5, 6, 7), "u1"))
    for name in NAMES:
        with pytest.raises(Refused, match="cannot hold a volume of 0 x 6 x 7 voxels; use .zarr or .npy"):
            volumes.create(tmp_path / name, Head((0, 6, 7), "u1"))
    assert not list(tmp_path.iterdir())


# ------------------------------------------------------------------ NIfTI


@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("order", "<>")
def test_what_nibabel_writes_is_read(tmp_path, kind, suffix, order):
    a = hostile((9, 8, 7, 2), "i4")
    header = kind.header_class(endianness=order)
    header.set_data_dtype("i4")
    header.set_xyzt_units("micron")
    image = kind(np.moveaxis(a, (0, 1, 2), (2, 1, 0)), np.diag([0.25, 0.5, 2.0, 1.0]), header)
    image.affine[:3, 3] = 3, -2, 1
    image.update_header()
    nibabel.save(image, tmp_path / f"v{suffix}")
    for time in (0, 1):
        head, got = read(tmp_path / f"v{suffix}", time=time)
        assert same(got, np.ascontiguousarray(a[..., time]))
    assert (head.spacing, head.unit, head.origin) == ((2.0, 0.5, 0.25), "micrometer", (1.0, -2.0, 3.0))
    with pytest.raises(UsageError, match="has 2 times: 0, 1; choose one with --time"):
        volumes.open(tmp_path / f"v{suffix}")


def test_scaled_and_turned_nifti(tmp_path):
    image = nibabel.Nifti1Image(np.arange(24, dtype="i2").reshape(4, 3, 2), np.diag([-1.0, 1, 1, 1]))
    image.header.set_slope_inter(0.5, -3)
    nibabel.save(image, tmp_path / "v.nii")
    head, got = read(tmp_path / "v.nii")
    stored = np.asarray(nibabel.load(tmp_path / "v.nii").dataobj)
    assert head.dtype == np.float32 and same(got, np.ascontiguousarray(stored.T.astype("f4")))
    assert volumes.open(tmp_path / "v.nii").said[0].endswith("turned against the world's, of which only the origin is kept")
    nibabel.save(nibabel.Nifti1Image(np.zeros((2, 2, 2), "c8"), np.eye(4)), tmp_path / "c.nii")
    with pytest.raises(UsageError, match="c.nii holds voxels of NIfTI's type 32"):
        volumes.open(tmp_path / "c.nii")


def test_a_large_nifti_is_of_version_2(tmp_path):
    a = np.zeros((1, 1, 40000), "u1")
    a[0, 0, -1] = 9
    write(tmp_path / "v.nii", a)
    assert isinstance(nibabel.load(tmp_path / "v.nii"), nibabel.Nifti2Image) and same(read(tmp_path / "v.nii")[1], a)


def test_a_packed_stream_is_read_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr(flat, "READ", 100)
    monkeypatch.setattr(niftigz, "PIECE", 1000)
    a = hostile((40, 20, 30), "u2")
    write(tmp_path / "v.nii.gz", a, Head(a.shape, a.dtype, history=({"command": "x" * 70000},)), cut=3, codec="gzip:3")
    data = gzip.decompress((tmp_path / "v.nii.gz").read_bytes())         # which compares the checksum
    assert data.endswith(a.tobytes()) and same(np.ascontiguousarray(by_others(tmp_path / "v.nii.gz")[0]), a)
    source = volumes.open(tmp_path / "v.nii.gz")
    assert not source.again
    for _ in range(2):
        assert same(np.concatenate([b.data for b in source.blocks("up")]), a)
    source.close()
    box = ((3, 38, 1), (0, 20, 2), (5, 30, 1))
    source = volumes.open(tmp_path / "v.nii.gz", sweep="down", tmpdir=str(tmp_path), box=box)
    assert "it is packed as one stream: down it is read through a temporary file of up to 17" in source.said[-1]
    for way, turn in (("down", -1), ("up", 1), ("down", -1)):            # it is read once
        blocks = [b.data for b in source.blocks(way)][::turn]
        assert same(np.concatenate(blocks), np.ascontiguousarray(a[3:38, ::2, 5:]))
    assert source.stats["bytes"] == 35 * 19 * 25 * 2 and source.stats["spool_bytes"] > 1000
    source.close()
    members = gzip.compress(data[:5000]) + gzip.compress(data[5000:])
    (tmp_path / "m.nii.gz").write_bytes(members)
    assert same(read(tmp_path / "m.nii.gz", range=(7, 30, 1))[1], a[7:30])
    (tmp_path / "cut.nii.gz").write_bytes(members[:-500])
    with pytest.raises(Corrupt, match="cut.nii.gz is cut off: its packed voxels end at byte"):
        read(tmp_path / "cut.nii.gz")
    write(tmp_path / "d.nii.gz", a, sweep="down")                        # through a temporary file
    assert same(read(tmp_path / "d.nii.gz")[1], a)


def test_checksums_are_combined():
    one, two = b"some text" * 99, b"another" * 1234
    for b in (two, b"", b"x"):
        assert niftigz.combine(zlib.crc32(one), zlib.crc32(b), len(b)) == zlib.crc32(one + b)


# ------------------------------------------------------------------ NRRD and MetaImage


@pytest.mark.parametrize("how", [{"encoding": "raw"}, {"encoding": "gzip"}, {"detached_header": True}], ids=str)
def test_what_pynrrd_writes_is_read(tmp_path, how):
    more = {"encoding": how.get("encoding", "raw"), "space dimension": 3, "space origin": [3.0, -2, 1], "endian": "big",
            "space directions": np.diag([0.25, 0.5, 2.0]), "space units": ["um"] * 3}  # fmt: skip
    name = tmp_path / ("v.nhdr" if how.get("detached_header") else "v.nrrd")
    nrrd.write(str(name), A, more, index_order="C", detached_header=how.get("detached_header", False))
    head, got = read(name)
    assert same(got, A) and (head.spacing, head.unit, head.origin) == ((2.0, 0.5, 0.25), "micrometer", (1.0, -2.0, 3.0))


def test_nrrd_by_hand(tmp_path):
    a = hostile((3, 4, 5), "u2").astype(">u2")
    fields = ["NRRD0004", "# a comment", "type: unsigned short", "dimension: 3", "sizes: 5 4 3", "spacings: 0.5 nan 2",
              "key:=value: colon", "endian: big", "encoding: raw"]  # fmt: skip
    (tmp_path / "v.nrrd").write_bytes("\n".join([*fields, "", ""]).encode() + a.tobytes())
    head, got = read(tmp_path / "v.nrrd")
    assert same(got, a.astype("u2")) and head.spacing == (2.0, None, 0.5) and head.unit is None
    (tmp_path / "x.raw").write_bytes(b"skipped" + a.tobytes())
    for skip in ("7", "-1"):
        (tmp_path / "v.nhdr").write_text("\n".join([*fields, f"byte skip: {skip}", "data file: x.raw", ""]))
        assert same(read(tmp_path / "v.nhdr")[1], a.astype("u2"))
    for change, says in (
        ("encoding: hex", "encoding hex cannot be read"), ("type: block", "holds block"), ("sizes: 4 3", "has 2 dimensions"),
        ("data file: LIST", "in several files"), ("line skip: 2", "line skip is 2"), ("data file: gone", "does not exist"),
    ):  # fmt: skip
        word = change.split(":")[0]
        kept = [f for f in [*fields, "data file: x.raw"] if not f.startswith(word)]
        (tmp_path / "w.nhdr").write_text("\n".join([*kept, change, ""]))
        with pytest.raises((UsageError, Corrupt), match=says):
            volumes.open(tmp_path / "w.nhdr")


def test_metaimage_by_hand(tmp_path):
    a = hostile((3, 4, 5), "i2").astype(">i2")
    fields = ["ObjectType = Image", "NDims = 3", "BinaryData = True", "BinaryDataByteOrderMSB = True", "Offset = 3 -2 1",
              "ElementSpacing = 0.25 0.5 2", "DimSize = 5 4 3", "ElementType = MET_SHORT"]  # fmt: skip
    (tmp_path / "v.mha").write_bytes("\n".join([*fields, "ElementDataFile = LOCAL", ""]).encode() + a.tobytes())
    (tmp_path / "z.zraw").write_bytes(zlib.compress(a.tobytes()))
    (tmp_path / "x.raw").write_bytes(b"header" + a.tobytes())
    (tmp_path / "z.mhd").write_text("\n".join([*fields, "CompressedData = True", "ElementDataFile = z.zraw"]))
    (tmp_path / "x.mhd").write_text("\n".join([*fields, "HeaderSize = -1", "ElementDataFile = x.raw"]))
    for name in ("v.mha", "z.mhd", "x.mhd"):
        head, got = read(tmp_path / name)
        assert same(got, a.astype("i2")) and (head.spacing, head.unit) == ((2.0, 0.5, 0.25), "millimeter")
        assert head.origin == (1.0, -2.0, 3.0)
    for change, says in (
        ("ElementType = MET_STRING", "holds MET_STRING"), ("DimSize = 5 4", "has 2 dimensions"),
        ("DimSize = 5 4 x", "damaged"), ("Offset = 0 0 0", "does not tell where"),
        ("ElementDataFile = LIST", "in several files"), ("ElementDataFile = none.raw", "none.raw, which does not exist"),
        ("BinaryData = False", "voxels as text"), ("nonsense", "'nonsense' is no field"),
    ):  # fmt: skip
        kept = [f for f in fields if not f.startswith(change.split("=")[0])]
        end = [] if "Offset" in change or "DataFile" in change else ["ElementDataFile = LOCAL"]
        (tmp_path / "w.mhd").write_text("\n".join([*kept, change, *end, ""]))
        with pytest.raises((UsageError, Corrupt), match=says):
            volumes.open(tmp_path / "w.mhd")


# ------------------------------------------------------------------ MRC and raw


def test_what_mrcfile_writes_is_read(tmp_path):
    for k, dtype in enumerate(("i1", "i2", "f4", "u2", "f2")):
        a = hostile((3, 4, 5), "f4").astype("f2") if dtype == "f2" else hostile((3, 4, 5), dtype)
        with mrcfile.new(tmp_path / f"{k}.mrc", a) as file:
            file.voxel_size = (1.5, 2.5, 0) if k else 0
            file.header.origin = (1, 2, 3)
        head, got = read(tmp_path / f"{k}.mrc")
        assert same(got, a.astype("f4") if dtype == "f2" else a)
        assert head.spacing == ((None, 2.5, 1.5) if k else None) and head.unit == ("angstrom" if k else None)
        assert head.origin == (3, 2, 1)
    data = bytearray((tmp_path / "0.mrc").read_bytes())
    data[152:160] = np.array([1146047817, 0], "<i4").tobytes()           # of IMOD: bytes are unsigned
    (tmp_path / "imod.mrc").write_bytes(data)
    assert read(tmp_path / "imod.mrc")[0].dtype == np.uint8
    big = np.frombuffer(bytes(data[:1024]), "<i4").astype(">i4").tobytes()
    (tmp_path / "big.mrc").write_bytes(big[:212] + b"\x11\x11\0\0" + big[216:] + bytes(60))
    assert read(tmp_path / "big.mrc")[0].whole == (3, 4, 5)
    for at, value, says in ((12, 4, "is of mode 4, must be one of 0, 1, 2, 6, 12"), (0, -5, "is not MRC, or damaged")):
        data[at : at + 4] = np.array(value, "<i4").tobytes()
        (tmp_path / "w.mrc").write_bytes(data)
        with pytest.raises((UsageError, Corrupt), match=says):
            volumes.open(tmp_path / "w.mrc")


def test_a_wider_type_is_told_and_valid(tmp_path):
    sink = write(tmp_path / "v.mrc", np.abs(A).astype("u1"))
    assert sink.lost == ("warning: v.mrc: MRC has no uint8, so it holds uint16",)
    write(tmp_path / "f.mrc", A.astype("f4"), Head(A.shape, "f4", spacing=(1.0, 1.0, 1.0), unit="angstrom"))
    told = io.StringIO()
    mrcfile.validate(tmp_path / "f.mrc", print_file=told)                # our extended header is of a kind of our own
    assert [line for line in told.getvalue().splitlines() if "xtended header" not in line][1:] == []


def test_raw_is_what_the_reader_says(tmp_path):
    sink = write(tmp_path / "v.raw", A)
    assert sink.lost == ("to read v.raw again: --shape 5,6,7 --dtype int16 --endian little",)
    assert same(read(tmp_path / "v.raw", shape=A.shape, dtype="int16")[1], A)
    (tmp_path / "x.dat").write_bytes(b"four" + A.astype(">i2").tobytes())
    how = {"shape": A.shape, "dtype": "int16", "endian": "big", "offset": 4}
    assert same(read(tmp_path / "x.dat", **how)[1], A)
    told = volumes.open(tmp_path / "x.dat", **{**how, "offset": 0}).said
    assert told[0].endswith("end at byte 420: what follows is left out")
    for path, how, says in (
        ("v.raw", {}, "does not tell what it holds; give --shape and --dtype"),
        ("v.raw", {"shape": (1, 2, 3)}, "give --dtype"),
        ("v.raw", {"shape": (5, 6, 8), "dtype": "int16"}, "has 420 bytes, but 5 x 6 x 8 voxels of int16 from byte 0 on end"),
        ("no.raw", {"shape": (5, 6, 8), "dtype": "int16"}, "no.raw does not exist"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=says):
            volumes.open(tmp_path / path, **how)
    np.save(tmp_path / "v.npy", A)
    with pytest.raises(UsageError, match="it is for raw voxels; leave --dtype out"):
        volumes.open(tmp_path / "v.npy", dtype="int16")


@pytest.mark.parametrize("name", ["v.nii", "v.nrrd", "v.mha", "v.mrc"])
def test_damage_is_told(tmp_path, name):
    write(tmp_path / name, A)
    data = (tmp_path / name).read_bytes()
    for cut, says in ((len(data) - 1, f"{name} is cut off: .* bytes are needed"), (3, name), (0, name)):
        (tmp_path / name).write_bytes(data[:cut].replace(b"\1\0\0\0", b"\1\0\0\0"))
        with pytest.raises(Corrupt if cut else (Corrupt, UsageError), match=says.replace("bytes are", "are")):
            volumes.open(tmp_path / name)
