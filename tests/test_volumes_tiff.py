"""TIFF: pages of one file or of many, as tifffile, ImageJ and OME write them, and as they read ours."""

import re

import numpy as np
import pytest
import tifffile
from test_volumes import hostile, read, same, write

from sweeptools import volumes
from sweeptools.errors import Corrupt, Refused, SweepError, UsageError
from sweeptools.params import DTYPES
from sweeptools.spec import Head
from sweeptools.volumes import address, tiffwrite

GREY = {"photometric": "minisblack"}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(5, 7, 9), (1, 1, 1), (3, 5, 7, 3), (3, 5, 7, 4), (2, 5, 7, 2)], ids=str)
def test_tifffile_reads_what_is_written(tmp_path, dtype, shape):
    a = hostile(shape, dtype)
    head = Head(shape[:3], dtype, components=tuple("rgba"[: shape[3]]) if len(shape) > 3 else (),
                spacing=(2.5, 0.65, 0.1), unit="micrometer")  # fmt: skip
    write(f"{tmp_path}/v.tif", a, head, sweep="down", cut=2)
    write(f"{tmp_path}/s/s%d.tif", a, head, cut=2)
    with tifffile.TiffFile(f"{tmp_path}/v.tif") as file:
        assert len(file.pages) == shape[0] and not file.is_bigtiff
        assert same(file.asarray().reshape(shape), a)
        assert same(np.stack([page.asarray().reshape(shape[1:]) for page in file.pages]), a)
        assert file.pages[0].is_memmappable
    for z in range(shape[0]):
        assert same(tifffile.imread(f"{tmp_path}/s/s{z}.tif").reshape(shape[1:]), a[z])
    for path in (f"{tmp_path}/v.tif", f"{tmp_path}/s"):
        told, got = read(path)
        assert same(got, a)
        if dtype not in ("int64", "uint64"):
            assert told.spacing == pytest.approx((2.5, 0.65, 0.1)) and told.unit == "micrometer"


def test_big_tiff_when_needed(tmp_path, monkeypatch):
    a = hostile((5, 300, 400), "u2")
    monkeypatch.setattr(tiffwrite, "CLASSIC", 1 << 20)
    write(f"{tmp_path}/v.tif", a, Head(a.shape, a.dtype, spacing=(2.0, 1.0, 0.5), unit="nanometer"), cut=2)
    with tifffile.TiffFile(f"{tmp_path}/v.tif") as file:
        assert file.is_bigtiff and file.is_ome and same(file.asarray(), a)
    told, got = read(f"{tmp_path}/v.tif")
    assert same(got, a) and (told.spacing, told.unit) == ((2.0, 1.0, 0.5), "nanometer")
    huge = tiffwrite.Page(Head((5000, 1024, 1024), "u1"), 5000)
    assert huge.big


def test_two_runs_write_the_same_file(tmp_path):
    a = hostile((5, 30, 40), "f4")
    for name, sweep, cut in (("a.tif", "up", 1), ("b.tif", "down", 3)):
        write(f"{tmp_path}/{name}", a, sweep=sweep, cut=cut)
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()


@pytest.mark.parametrize("how", [{}, {"imagej": True, "metadata": {"axes": "ZYX"}}, {"ome": True}, {"bigtiff": True},
                                 {"compression": "zlib"}, {"tile": (16, 16)}, {"byteorder": ">"}, {"rowsperstrip": 3},
                                 {"metadata": None}, {"compression": "zlib", "predictor": True}], ids=str)  # fmt: skip
@pytest.mark.parametrize("dtype", ["u2", "f4"])
def test_what_tifffile_writes_is_read(tmp_path, how, dtype):
    a = hostile((6, 35, 40), dtype)
    tifffile.imwrite(tmp_path / "v.tif", a, photometric="minisblack", **how)
    for sweep in ("up", "down"):
        assert same(read(tmp_path / "v.tif", sweep=sweep)[1], a)
    box = ((1, 5, 1), (3, 33, 1), (5, 39, 2))
    assert same(read(tmp_path / "v.tif", box=box)[1], np.ascontiguousarray(a[1:5, 3:33, 5:39:2]))


def test_colours_are_components(tmp_path):
    a = hostile((4, 20, 30, 3), "u1")
    tifffile.imwrite(tmp_path / "v.tif", a, photometric="rgb")
    tifffile.imwrite(tmp_path / "p.tif", np.moveaxis(a, -1, 1), photometric="rgb", planarconfig="separate")
    for name in ("v.tif", "p.tif"):
        head, got = read(tmp_path / name)
        assert head.components == ("r", "g", "b") and same(got, a)
    (tmp_path / "s").mkdir()
    for z in range(4):
        tifffile.imwrite(tmp_path / "s" / f"{z}.tif", a[z], photometric="rgb")
    assert same(read(tmp_path / "s")[1], a)


def test_channels_and_times(tmp_path):
    a = hostile((2, 4, 3, 20, 30), "u2")
    tifffile.imwrite(tmp_path / "v.tif", a, imagej=True, metadata={"axes": "TZCYX"})
    tifffile.imwrite(tmp_path / "o.ome.tif", a, ome=True, metadata={"axes": "TZCYX"}, compression="zlib")
    for name in ("v.tif", "o.ome.tif"):
        assert same(read(tmp_path / name, channel=1, time=1)[1], np.ascontiguousarray(a[1, :, 1]))
        with pytest.raises(UsageError, match="has 2 times: 0, 1; choose one with --time"):
            volumes.open(tmp_path / name)
        with pytest.raises(UsageError, match="has 3 channels: 0, 1, 2; choose one with --channel"):
            volumes.open(tmp_path / name, time=0)
    tifffile.imwrite(tmp_path / "c.tif", a[0, 0], imagej=True, metadata={"axes": "CYX"})
    assert same(read(tmp_path / "c.tif")[1], a[0, 0])               # the only axis of pages is z, whatever its name


def test_spacing_of_imagej_and_ome(tmp_path):
    a = np.zeros((3, 4, 5), "u1")
    facts = {"axes": "ZYX", "spacing": 2.5, "unit": "um"}
    tifffile.imwrite(tmp_path / "j.tif", a, imagej=True, resolution=(1 / 0.25, 1 / 0.5), metadata=facts)
    head, _ = read(tmp_path / "j.tif")
    assert head.spacing == pytest.approx((2.5, 0.5, 0.25)) and head.unit == "micrometer"
    facts = {"PhysicalSizeX": 250.0, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 0.5, "PhysicalSizeZ": 2.5}
    facts["axes"] = "ZYX"
    tifffile.imwrite(tmp_path / "o.ome.tif", a, ome=True, metadata=facts, **GREY)
    head, _ = read(tmp_path / "o.ome.tif")
    assert head.unit == "micrometer" and head.spacing == pytest.approx((2.5, 0.5, 0.25))
    tifffile.imwrite(tmp_path / "plain.tif", a, **GREY, resolution=(72, 72), resolutionunit="INCH")
    assert read(tmp_path / "plain.tif")[0].spacing is None


# ------------------------------------------------------------------ stacks


def stack(folder, names, shape=(8, 9), dtype="u2", seed=0):
    folder.mkdir(exist_ok=True)
    a = hostile((len(names), *shape), dtype, seed)
    for name, plane in zip(names, a):
        tifffile.imwrite(folder / name, plane, compression="zlib" if name.endswith("7.tif") else None)
    return a


def test_slices_come_in_natural_order(tmp_path):
    names = [f"run3_z{k}_s.tif" for k in range(5, 17)]
    a = stack(tmp_path / "s", names)
    for other in (".hidden.tif", "Thumbs.db", "notes.txt", "scan.log"):
        (tmp_path / "s" / other).write_text("not a slice")
    assert [p.name for p in address.slices(tmp_path / "s")[1]] == names
    for sweep in ("up", "down"):
        assert same(read(tmp_path / "s", sweep=sweep)[1], a)
    assert same(read(f"{tmp_path}/s/run3_z1*.tif")[1], a[5:])
    assert same(read(f"{tmp_path}/s/run3_z[5-9]_s.tif", range=(1, None, 2))[1], a[1:5:2])
    source = volumes.open(tmp_path / "s", threads=2)
    assert sum(b.n for b in source.blocks("up")) == 12
    assert source.stats == {"bytes": a.nbytes, "chunks": 12, "chunks_total": 12}
    source.close()


def test_gaps_are_errors_unless_allowed(tmp_path):
    a = stack(tmp_path / "s", [f"a{k:03d}.tif" for k in (1, 2, 4, 5, 9)])
    with pytest.raises(UsageError, match=r"a004.tif: before it slices are missing: there is no 3; use --allow-gaps"):
        volumes.open(tmp_path / "s")
    assert same(read(tmp_path / "s", allow_gaps=True)[1], a)
    (tmp_path / "s" / "a004.tif").unlink()
    with pytest.raises(UsageError, match="a005.tif: .* there is no 3 to 4"):
        volumes.open(tmp_path / "s")
    stack(tmp_path / "t", ["front.tif", "middle.tif", "rear.tif"])
    assert read(tmp_path / "t")[0].whole == (3, 8, 9)


def test_slices_that_differ_are_named(tmp_path):
    stack(tmp_path / "s", ["a1.tif", "a2.tif", "a3.tif"])
    tifffile.imwrite(tmp_path / "s/a2.tif", np.zeros((8, 10), "u2"))
    with pytest.raises(UsageError, match=r"a2.tif is 8 x 10 uint16, but a1.tif is 8 x 9 uint16"):
        read(tmp_path / "s")
    tifffile.imwrite(tmp_path / "s/a2.tif", np.zeros((8, 9), "f4"))
    with pytest.raises(UsageError, match=r"a2.tif is 8 x 9 float32, but a1.tif"):
        read(tmp_path / "s")
    (tmp_path / "s/a2.tif").write_bytes(b"II*\0 is no TIFF")
    with pytest.raises(Corrupt, match="a2.tif: its TIFF structure is damaged"):
        read(tmp_path / "s")
    (tmp_path / "s/a2.tif").unlink()
    tifffile.imwrite(tmp_path / "s/a2.tiff", np.zeros((8, 9), "u2"))
    with pytest.raises(UsageError, match=r"a2.tiff: a stack has one suffix, a1.tif is .tif; use a glob '\*.tif'"):
        volumes.open(tmp_path / "s")
    (tmp_path / "p").mkdir()
    (tmp_path / "p/a.bmp").write_bytes(b"")
    with pytest.raises(UsageError, match="a.bmp: .bmp slices cannot be read; can be read: .zarr"):
        volumes.open(tmp_path / "p")


def test_a_stack_has_one_page_a_file(tmp_path):
    (tmp_path / "s").mkdir()
    for k in (0, 1):
        tifffile.imwrite(tmp_path / "s" / f"{k}.tif", np.zeros((2, 8, 9), "u2"))
    with pytest.raises(UsageError, match="0.tif: the slices of a stack have one page each, this has 2"):
        volumes.open(tmp_path / "s")


def test_refusals_and_damage(tmp_path):
    tifffile.imwrite(tmp_path / "c.tif", np.zeros((3, 8, 9), "c8"), **GREY)
    with pytest.raises(UsageError, match="c.tif holds complex64"):
        volumes.open(tmp_path / "c.tif")
    (tmp_path / "d.tif").write_bytes(b"nonsense")
    with pytest.raises(Corrupt, match="d.tif: its TIFF structure is damaged"):
        volumes.open(tmp_path / "d.tif")
    whole = np.arange(3 * 80 * 90, dtype="u2").reshape(3, 80, 90)
    tifffile.imwrite(tmp_path / "cut.tif", whole, **GREY)
    data = (tmp_path / "cut.tif").read_bytes()
    (tmp_path / "cut.tif").write_bytes(data[: len(data) // 2])
    with pytest.raises(SweepError, match="cut.tif"):
        read(tmp_path / "cut.tif")


def test_one_page_is_a_volume_of_one_slice(tmp_path):
    a = hostile((1, 8, 9), "u1")
    tifffile.imwrite(tmp_path / "v.tif", a[0])
    assert same(read(tmp_path / "v.tif")[1], a)


# ------------------------------------------------------------------ what ImageJ and OME have no word for, and packing

FULL = {"spacing": (2.5, 0.65, 0.1), "unit": "nanometer", "origin": (1.5, -2.0, 1e6), "role": "labels", "nodata": 7,
        "axes": ("depth", "y", "x"), "history": ({"command": "read"}, {"command": "otsu"})}  # fmt: skip


@pytest.mark.parametrize("name", ["v.tif", "v.ome.tif", "s/", "s/%d.ome.tif"])
@pytest.mark.parametrize("dtype", ["u1", "u8", "f8"])
def test_all_that_a_head_says_is_kept(tmp_path, name, dtype):
    a = hostile((3, 5, 7, 2), dtype)
    head = Head(a.shape[:3], dtype, components=("u", "v"), **FULL, meta={"attributes": {"who": "Zoë"}})
    if "ome" in name and dtype == "u8":
        with pytest.raises(Refused, match="OME-TIFF has no uint64"):
            volumes.create(f"{tmp_path}/{name}", head)
        return
    sink = write(f"{tmp_path}/{name}", a, head, end={"found": [{"at": 1, "threshold": 3.25}]})
    told, got = read(f"{tmp_path}/{name.split('/')[0]}")
    assert same(got, a) and sink.lost == ()
    for fact, value in (*FULL.items(), ("components", ("u", "v")), ("meta", head.meta)):
        if fact == "history":
            value = (value[0], {**value[1], "found": {"threshold": 3.25}})
        assert getattr(told, fact) == value, fact
    with tifffile.TiffFile(next(tmp_path.rglob("*.tif"))) as file:
        assert file.is_ome == (dtype == "f8" or ".ome" in name or (dtype == "u1" and len(a.shape) == 4))


def test_what_another_program_wrote_wins_over_what_we_kept(tmp_path):
    a = hostile((3, 5, 7), "u2")
    write(f"{tmp_path}/v.tif", a, Head(a.shape, a.dtype, **FULL))
    with tifffile.TiffFile(tmp_path / "v.tif", mode="r+") as file:
        text = file.pages[0].description
        file.pages[0].tags["ImageDescription"].overwrite(text.replace("spacing=2.5", "spacing=9.5"))
    told, _ = read(tmp_path / "v.tif")
    assert told.spacing == pytest.approx((9.5, 0.65, 0.1)) and told.role == "labels"


@pytest.mark.parametrize("dtype", ["u1", "i2", "u8", "f4"])
@pytest.mark.parametrize("shape", [(5, 7, 90), (1, 1, 1), (3, 5, 7, 3)], ids=str)
def test_packed_pages(tmp_path, dtype, shape):
    a = hostile(shape, dtype)
    head = Head(shape[:3], dtype, components=tuple("rgb"[: shape[3]]) if len(shape) > 3 else (), unit="nanometer",
                spacing=(2.0, 1.0, 0.5))  # fmt: skip
    for sweep, name in (("up", "v.tif"), ("down", "w.tif"), ("down", "s/")):
        write(f"{tmp_path}/{name}", a, head, sweep=sweep, cut=2, codec="gzip:3")
        told, got = read(f"{tmp_path}/{name}")
        assert same(got, a) and told.spacing == pytest.approx(head.spacing)
    assert same(tifffile.imread(tmp_path / "w.tif").reshape(shape), a)
    assert same(tifffile.imread(sorted((tmp_path / "s").iterdir())).reshape(shape), a)
    for codec in ("lzw", "gzip:0", "gzip:x", "none:1"):
        with pytest.raises(UsageError, match="must be gzip, with a level as in gzip:6, or none"):
            volumes.create(tmp_path / "x.tif", head, codec=codec)


@pytest.mark.parametrize("how", [
    {"compression": "lzw"}, {"compression": "zstd", "tile": (16, 32)}, {"compression": "lerc"},
    {"planarconfig": "separate", "compression": "lzw", "rowsperstrip": 4}, {"planarconfig": "separate", "tile": (16, 16)},
    {"planarconfig": "separate"},
], ids=str)  # fmt: skip
def test_what_needs_imagecodecs(tmp_path, how, monkeypatch):
    a = hostile((3, 3, 20, 40) if "planarconfig" in how else (3, 20, 40), "u1")
    kind = {"photometric": "rgb" if "planarconfig" in how else "minisblack"}
    tifffile.imwrite(tmp_path / "v.tif", a, **kind, **how)
    want = np.ascontiguousarray(np.moveaxis(a, 1, -1)) if "planarconfig" in how else a
    assert same(read(tmp_path / "v.tif")[1], want)
    if "compression" in how:
        monkeypatch.setitem(__import__("sys").modules, "imagecodecs", None)
        with pytest.raises(UsageError, match=r"compression needs imagecodecs, .*pip install 'sweeptools\[tiff-codecs\]'"):
            volumes.open(tmp_path / "v.tif")


def test_pages_that_differ_are_told(tmp_path):
    with tifffile.TiffWriter(tmp_path / "v.tif") as file:
        file.write(np.zeros((3, 8, 9), "u2"), **GREY, metadata=None)
        file.write(np.zeros((2, 8, 10), "u2"), **GREY, metadata=None)
    with pytest.raises(UsageError, match=r"v.tif has pages of 2 kinds \(3 x 8 x 9 uint16, 2 x 8 x 10 uint16\)"):
        volumes.open(tmp_path / "v.tif")
    a = hostile((3, 32, 32), "u2")
    with tifffile.TiffWriter(tmp_path / "p.ome.tif") as file:                    # a pyramid is one volume
        file.write(a, **GREY, tile=(16, 16), subifds=1, metadata={"axes": "ZYX"})
        file.write(a[:, ::2, ::2], **GREY, tile=(16, 16), subfiletype=1)
    assert same(read(tmp_path / "p.ome.tif")[1], a)
    (tmp_path / "v.tif").unlink()


def test_an_ome_volume_in_several_files(tmp_path):
    a = hostile((3, 8, 9), "u2")
    tifffile.imwrite(tmp_path / "whole.ome.tif", a, ome=True, **GREY, metadata={"axes": "ZYX"})
    with tifffile.TiffFile(tmp_path / "whole.ome.tif") as file:
        xml = file.ome_metadata
    parts = "".join(
        f'<TiffData IFD="0" FirstZ="{z}" PlaneCount="1"><UUID FileName="z{z}.ome.tif">urn:uuid:{z}</UUID></TiffData>'
        for z in range(3)
    )
    head, tail = xml.split("<TiffData", 1)
    tail = tail.split("</TiffData>", 1)[-1] if "</TiffData>" in tail else tail.split("/>", 1)[1]
    for z in range(3):
        said = re.sub('UUID="urn:uuid:[^"]*"', f'UUID="urn:uuid:{z}"', head + parts + tail, count=1).encode()
        tifffile.imwrite(tmp_path / f"z{z}.ome.tif", a[z], compression="zlib", description=said, metadata=None, **GREY)
    assert same(read(tmp_path / "z0.ome.tif")[1], a)
    (tmp_path / "z2.ome.tif").unlink()
    with pytest.raises(Corrupt, match="z0.ome.tif: page 2 is missing"):
        volumes.open(tmp_path / "z0.ome.tif")
