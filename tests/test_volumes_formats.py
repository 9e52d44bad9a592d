"""The formats' table and what each keeps of a volume: measured, and printed in sweep-formats(7).

`python tests/test_volumes_formats.py` writes the tables of that page anew.
"""

import importlib.metadata
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
import zarr

sys.path.insert(0, str(Path(__file__).parent))
from test_volumes import hostile, read, same, write  # noqa: E402

from sweeptools import volumes  # noqa: E402
from sweeptools.errors import Refused, UsageError  # noqa: E402
from sweeptools.params import DTYPES  # noqa: E402
from sweeptools.spec import Block, Head  # noqa: E402
from sweeptools.volumes import formats  # noqa: E402
from sweeptools.volumes.metadata import FACTS  # noqa: E402

PAGE = Path(__file__).parent.parent / "man" / "sweep-formats.7"
NAMES = {f.name: f"v{f.suffixes[0]}" if not f.slices else f"s/z%d{f.suffixes[0]}" for f in formats.TABLE if f.writes}
NAMES |= {"zarr, bare": "bare.zarr", "zarr 0.4": "old.zarr"}
HOW = {"zarr, bare": {"ome": "none"}, "zarr 0.4": {"ome": "0.4"}}
SHAPE = (3, 4, 5)
PLACE = {"spacing": (2.5, 0.5, 0.1), "unit": "nanometer"}
SAID = {
    "spacing": {"spacing": (2.5, 0.5, 0.1)}, "unit": PLACE, "origin": {**PLACE, "origin": (5.0, -1.0, 0.7)},
    "axes": {"axes": ("depth", "row", "column")}, "role": {"role": "labels"}, "nodata": {"nodata": 7},
    "components": {"components": ("u", "v", "w")}, "attributes": {"meta": {"attributes": {"who": "me"}}},
    "channel": {"meta": {"channel": {"label": "DAPI", "color": "0000FF"}}},
    "history": {"history": ({"command": "read", "version": "0", "params": {"address": "x"}},)},
}  # fmt: skip


def back(path, name):
    how = {"shape": SHAPE, "dtype": "uint16"} if name == "raw" else {}
    return read(path.rsplit("/", 1)[0] if "%" in path else path, **how)


def kept(folder, name, fact):
    """yes: the fact came back; told: a warning names it; -: the format refuses what has it; no: it is lost in silence."""
    said = SAID[fact]
    shape = (*SHAPE, 3) if fact == "components" else SHAPE
    a = hostile(shape, "u1" if name in ("nifti", "nifti-gz") and fact == "components" else "u2")
    path = f"{folder}/{name.replace(', ', '')}-{fact}-{NAMES[name]}"
    try:
        sink = write(path, a, Head(SHAPE, a.dtype, **said), **HOW.get(name, {}))
    except Refused:
        return "-"
    head, got = back(path, name) if not (name == "raw" and fact == "components") else (Head(SHAPE, a.dtype), a)
    assert same(got, a), (name, fact)
    what = "meta" if fact in ("attributes", "channel") else fact
    if getattr(head, what) == getattr(Head(SHAPE, "u2", **said), what):
        return "yes"
    lines = (*sink.lost, *getattr(sink, "noted", ()))
    return "told" if any("does not keep" in text and fact in text for text in lines) else "no"


def types(folder, name):
    """(types that come back as they were, types that come back as another and are told, types that are refused)."""
    same_type, wider, refused = [], [], []
    for dtype in DTYPES:
        path = f"{folder}/{name.replace(', ', '')}-{dtype}-{NAMES[name]}"
        a = hostile(SHAPE, dtype)
        try:
            sink = write(path, a, **HOW.get(name, {}))
        except Refused:
            refused.append(dtype)
            continue
        how = {"shape": SHAPE, "dtype": dtype} if name == "raw" else {}
        _, got = read(path.rsplit("/", 1)[0] if "%" in path else path, **how)
        if same(got, a):
            same_type.append(dtype)
        else:
            assert np.array_equal(got, a) and any(dtype in text and got.dtype.name in text for text in sink.lost)
            wider.append(f"{dtype} as {got.dtype.name}")
    return same_type, wider, refused


def facts_table(measured):
    rows = ["." + 'Bl -column "precomputed" ' + " ".join(f'"{fact}"' for fact in FACTS)]
    rows.append(".It Sy format Ta " + " Ta ".join(f"Sy {fact}" for fact in FACTS))
    rows += [f".It {name} Ta " + " Ta ".join(found[fact] for fact in FACTS) for name, found in measured.items()]
    return "\n".join([*rows, ".El"])


def types_table(measured):
    rows = ['.Bl -column "precomputed" "uint8 uint16 uint32 uint64 int8 int16 int32 float32" "uint8 as uint16"',
            ".It Sy format Ta Sy as they are Ta Sy wider, and told"]  # fmt: skip
    for name, (plain, wider, refused) in measured.items():
        rows.append(f".It {name} Ta {' '.join(plain) if refused else 'all'} Ta {', '.join(wider) or '-'}")
    return "\n".join([*rows, ".El"])


def between(text, mark):
    """What stands in the page between two comments."""
    return text.split(f'.\\" {mark}\n', 1)[1].split(f'\n.\\" end of {mark}', 1)[0]


def test_nothing_is_lost_in_silence_and_the_page_says_so(tmp_path):
    measured = {name: {fact: kept(tmp_path, name, fact) for fact in FACTS} for name in NAMES}
    silent = [(name, fact) for name, found in measured.items() for fact in FACTS if found[fact] == "no"]
    assert silent == []
    assert between(PAGE.read_text(), "what is kept") == facts_table(measured), f"run python {Path(__file__).name}"


def test_types_are_kept_or_told_or_refused(tmp_path):
    measured = {name: types(tmp_path, name) for name in NAMES}
    assert between(PAGE.read_text(), "types") == types_table(measured), f"run python {Path(__file__).name}"


def test_the_page_tells_of_every_format():
    text = PAGE.read_text()
    for format in formats.TABLE:
        assert f"\n.It Cm {format.name}\n" in text, format.name
        told = text.split(f"\n.It Cm {format.name}\n", 1)[1].split("\n.It Cm ")[0]
        for suffix in format.suffixes:
            assert f".Pa {suffix}" in told, (format.name, suffix)


def test_either_byte_order_is_read(tmp_path):
    a = hostile(SHAPE, "i4")
    swapped = a.astype(">i4")
    np.save(tmp_path / "v.npy", swapped)
    tifffile.imwrite(tmp_path / "v.tif", a, byteorder=">", photometric="minisblack")
    tifffile.imwrite(tmp_path / "z.tif", a, byteorder=">", photometric="minisblack", compression="zlib")
    with h5py.File(tmp_path / "v.h5", "w") as file:
        file["data"] = swapped
    zarr.create_array(str(tmp_path / "v.zarr"), data=swapped, zarr_format=2, chunks=SHAPE)
    for name in ("v.npy", "v.tif", "z.tif", "v.h5", "v.zarr"):
        assert same(read(tmp_path / name)[1], a), name


@pytest.mark.parametrize("name", NAMES)
def test_the_same_stream_gives_the_same_bytes_and_an_abort_leaves_nothing(tmp_path, name):
    a = hostile((40, 33, 50), "u2")
    files = []
    for folder, cut in (("one", 1), ("two", 17)):
        (tmp_path / folder).mkdir()
        write(f"{tmp_path}/{folder}/{NAMES[name]}", a, Head(a.shape, a.dtype, **PLACE), cut=cut, **HOW.get(name, {}))
        tree = sorted(p for p in (tmp_path / folder).rglob("*") if p.is_file())
        files.append([(p.relative_to(tmp_path / folder), p.read_bytes()) for p in tree])
    assert files[0] == files[1] and files[0]
    (tmp_path / "none").mkdir()
    sink = volumes.create(f"{tmp_path}/none/{NAMES[name]}", Head(a.shape, a.dtype), threads=2, **HOW.get(name, {}))
    for z in range(0, 30, 10):
        sink.write(Block(z, 10, a[z : z + 10]))
    sink.abort()
    assert [p for p in (tmp_path / "none").rglob("*")] == []


# ------------------------------------------------------------------ the table


@pytest.mark.parametrize("format", formats.TABLE, ids=lambda f: f.name)
def test_a_format_is_what_the_table_says(format):
    if format.reads:
        assert callable(formats.module(format.reads).stored)
    writer = formats.module(format.writes).Writer
    assert set(writer.axes) <= {0, 1, 2} and (format.name == "sweep" or callable(writer.write))
    assert set(getattr(writer, "keeps", FACTS)) <= set(FACTS)
    assert format.name not in [f.name for f in formats.TABLE if f is not format]


def test_other_packages_are_not_asked_where_the_table_will_do(tmp_path, monkeypatch):
    monkeypatch.setattr(formats, "added", lambda: pytest.fail("asked"))
    for name in ("v.zarr", "v.npy", "s/%d.tif"):
        write(f"{tmp_path}/{name}", np.zeros(SHAPE, "u1"))
        back(f"{tmp_path}/{name}", "")


def test_other_packages_add_formats(tmp_path, monkeypatch):
    (tmp_path / "elsewhere.py").write_text(
        "import numpy as np\n"
        "from sweeptools.spec import Head\n"
        "from sweeptools.volumes.formats import Format\n"
        "from sweeptools.volumes.npy import Writer\n"
        "from sweeptools.volumes.slabs import Stored\n"
        "FORMAT = Format('made', ('.made',), 'elsewhere', 'elsewhere')\n"
        "def stored(path, level=0):\n"
        "    data = np.load(path) + np.uint8(level)\n"
        "    read = lambda dst, box: np.copyto(dst, data[tuple(slice(*span) for span in box)])\n"
        "    return Stored(Head(data.shape, data.dtype), read, (1, 1, 1), str(path))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    entry = importlib.metadata.EntryPoint("made", "elsewhere:FORMAT", formats.GROUP)
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [entry] if group == formats.GROUP else [])
    formats.added.cache_clear()
    a = np.arange(60, dtype="u1").reshape(SHAPE)
    try:
        write(tmp_path / "v.made", a)
        assert same(read(tmp_path / "v.made", level=2)[1], a + np.uint8(2))
        write(tmp_path / "w", a, format="made")
        with pytest.raises(UsageError, match="can be written: .zarr.*, .made; DIR/"):
            volumes.create(tmp_path / "v.nothing", Head(SHAPE, "u1"))
        broken = importlib.metadata.EntryPoint("bad", "elsewhere:NONE", formats.GROUP)
        monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [broken])
        formats.added.cache_clear()
        with pytest.raises(UsageError, match="format bad of elsewhere:NONE cannot be loaded"):
            volumes.open(tmp_path / "v.made")
    finally:
        formats.added.cache_clear()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as where:
        tables = {"what is kept": facts_table({n: {f: kept(where, n, f) for f in FACTS} for n in NAMES}),
                  "types": types_table({n: types(where, n) for n in NAMES})}  # fmt: skip
    text = PAGE.read_text()
    for mark, table in tables.items():
        text = text.replace(f'.\\" {mark}\n{between(text, mark)}', f'.\\" {mark}\n{table}')
    PAGE.write_text(text)
