"""What users do wrong: never a traceback, one line that says what is wrong, the status of the contract, nothing left."""

import os
import re
import shlex
import sys

import numpy as np
import pytest

from sweeptools import cli, ops
from sweeptools.spec import Block, Head
from sweeptools.stream import Writer

RNG = np.random.default_rng(7)
VOLUMES = {
    "a": RNG.integers(0, 200, (6, 7, 8)).astype("u1"), "other": np.zeros((6, 7, 9), "u1"),
    "empty": np.zeros((0, 7, 8), "u1"),
    "slice": np.ones((1, 7, 8), "u1"), "voxel": np.ones((1, 1, 1), "u1"), "float": RNG.random((6, 7, 8)).astype("f4"),
    "nan": np.full((2, 3, 4), np.nan), "flat": np.zeros((7, 8)), "complex": np.zeros((2, 3, 4), complex),
    "fields": np.zeros((2, 3, 4), [("a", "u1"), ("b", "f4")]), "half": np.zeros((2, 3, 4), "f2"),
}  # fmt: skip


def save_stream(path, array, components=()):
    with open(path, "wb") as file:
        writer = Writer(file.fileno(), Head(array.shape[:3], array.dtype, components=components), name="read")
        if len(array):
            writer.block(Block(0, len(array), array))
        writer.end()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Volumes that are good and bad, as .npy and as .sweep."""
    import tifffile

    here = tmp_path_factory.mktemp("mistakes")
    for name, array in VOLUMES.items():
        np.save(here / f"{name}.npy", array)
    for name in ("a", "empty", "slice", "voxel", "float", "nan"):
        save_stream(here / f"{name}.sweep", VOLUMES[name])
    save_stream(here / "rgb.sweep", RNG.integers(0, 200, (6, 7, 8, 3)).astype("u1"), ("r", "g", "b"))
    (here / "cut.sweep").write_bytes((here / "a.sweep").read_bytes()[:-40])
    (here / "text").write_text("count min max\n3 4 5\n")
    (here / "void").touch()
    (here / "garbage").write_bytes(RNG.bytes(3000))
    (here / "cut.npy").write_bytes((here / "a.npy").read_bytes()[:200])
    (here / "bad.tif").write_bytes(b"II*\0" + bytes(50))
    (here / "x.h5").touch()
    for name in ("nothing", "notes", "gap", "mixed", "bad.zarr", "bare.zarr"):
        (here / name).mkdir()
    (here / "notes" / "a.txt").touch()
    for i, shape in ((1, (4, 5)), (2, (4, 5)), (4, (4, 5))):
        tifffile.imwrite(here / "gap" / f"s{i}.tif", np.zeros(shape, "u1"))
    for i, shape in ((1, (4, 5)), (2, (4, 6))):
        tifffile.imwrite(here / "mixed" / f"s{i}.tif", np.zeros(shape, "u1"))
    (here / "bad.zarr" / "zarr.json").write_text("{")
    return here


@pytest.fixture
def sweep(folder, monkeypatch, capfd):
    """Runs `NAME WORDS` in this process on a stdin: (status, stdout, stderr); nothing may be left in the folder."""
    monkeypatch.chdir(folder)
    for name in ("MEMORY", "THREADS", "TMPDIR", "PROGRESS"):
        monkeypatch.delenv(f"SWEEP_{name}", raising=False)
    monkeypatch.setenv("SWEEP_THREADS", "1")
    before = sorted(folder.rglob("*"))

    def run(line, stdin="a.sweep"):
        saved, file = os.dup(0), os.open(stdin, os.O_RDONLY)
        os.dup2(file, 0)
        try:
            status = cli.main(["sweep", *shlex.split(line)])
        finally:
            os.dup2(saved, 0)
            os.close(saved)
            os.close(file)
        assert sorted(folder.rglob("*")) == before
        sys.stdout.flush()
        return status, *capfd.readouterr()

    return run


def well_said(name, text):
    """Whether this is one message of a command as messages are: who, lower case, no full stop."""
    return re.fullmatch(rf"sweep-{name}: [^\n]*[^\n.]\n", text) and not re.match(rf"sweep-{name}: [A-Z][a-z]", text)


READ = [
    ("none.npy", 2, "none.npy does not exist"), ("''", 2, "the address is empty"), ("-", 2, "- is a stream already"),
    ("text", 2, "text is not a volume; can be read: .zarr"), ("garbage", 2, "garbage is not a volume"),
    ("void", 2, "void is not a volume"), ("nothing", 2, "nothing is not a volume: there are no images in it"),
    ("notes", 2, "notes is not a volume: there are no images in it"),
    ("gap", 2, "s4.tif: before it slices are missing"),
    ("mixed", 2, "s2.tif is 4 x 6 uint8, but s1.tif is 4 x 5 uint8"), ("bare.zarr", 2, "is not a Zarr volume"),
    ("flat.npy", 2, "flat.npy has two dimensions (7 x 8), a volume has three"),
    ("complex.npy", 2, "complex.npy holds complex128, must be an integer"), ("fields.npy", 2, "must be an integer"),
    ("half.npy", 2, "half.npy holds float16"), ("x.h5:/data", 4, "x.h5 is not HDF5, or damaged"),
    ("'*.tiff'", 2, "no file has such"), ("s3://a/b", 2, "URLs cannot be read"), ("cut.npy", 4, "cut.npy is cut off"),
    ("bad.tif", 4, "bad.tif"), ("bad.zarr", 4, "zarr.json is damaged"),
    ("cut.sweep", 1, "a stream without an end mark"),
    ("a.npy --box 0:7,:,:", 2, "box 0:7 reaches beyond the volume's 0:6"),
    ("a.npy --box 0:3", 2, "must be three ranges"), ("a.npy --box 3:3,:,:", 2, "is empty"),
    ("a.npy --range 1:x", 2, "range is 'x', must be a whole number"),
    ("a.npy --range ::0", 2, "a step of at least 1"), ("a.npy --spacing 1", 2, "must be a length with its unit: 1um"),
    ("a.npy --spacing 0um", 2, "above 0"), ("a.npy --spacing 1,2um", 2, "must have one or three: Z,Y,X"),
    ("a.npy --spacing 1parsec", 2, "parsec is not a unit of length"), ("a.npy --level 1", 2, "leave --level out"),
    ("a.npy --channel 0", 2, "leave --channel out"), ("a.npy b.npy", 2, "'b.npy' is one argument too many"),
    ("a.npy --blox 3", 2, "did you mean --box?"), ("a.npy --axis w", 2, "must be one of z, y, x"),
    ("", 2, "ADDRESS is missing"), ("a.npy --threads 0", 2, "threads is 0, must be at least 1"),
    ("a.npy --memory 8X", 2, "such as 512M or 8G"),
    ("a.npy --memory 1M", 3, "of memory, --memory is 1M; most of it is for the interpreter"),
    ("a.npy --report none/r.json", 2, "there is no directory"), ("a.npy --report nothing", 2, "is a directory"),
    ("a.npy --tmpdir none", 2, "none, does not exist"),
]  # fmt: skip
WRITE = [
    ("", 2, "ADDRESS is missing"), ("a.npy", 3, "a.npy exists; use --overwrite"), ("w", 2, "without a suffix"),
    ("w.foo", 2, "'.foo' is not a format; can be written: .zarr"), ("none/w.npy", 2, "there is no directory"),
    ("s3://a/b", 2, "URLs cannot be written"),
    ("''", 2, "the address is empty"), ("notes/ --overwrite", 3, "more than a volume"),
    ("w_%d_%d.tif", 2, "one number"), ("w_%s.tif", 2, "one number"), ("w.npy --chunks 3", 2, "--chunks is for .zarr"),
    ("w.zarr --chunks 0", 2, "chunks is 0 voxels, must be at least 1"),
    ("w.zarr --chunks 3 --shards 4", 2, "multiples of the chunks"), ("w.zarr --codec foo", 2, "must be lz4, zstd"),
    ("w.npy --stamp none/s", 2, "there is no directory"), ("w.npy --report none/r.json", 2, "there is no directory"),
    ("w.npy --memory 1M", 3, "--memory is 1M"),
]  # fmt: skip
FILTERS = [
    ("cast", 2, "TYPE is missing"), ("cast uint9", 2, "must be one of uint8, uint16"),
    ("threshold x", 2, "low is 'x', must be a number"), ("threshold nan", 2, "low is nan"),
    ("threshold 5 3", 2, "must be at most high, which is 3"),
    ("threshold 5 --value 256", 2, "value is 256, must be at most 255"), ("clip 5 3", 2, "low is 5"),
    ("rescale 0 1", 2, "OUT_LOW is missing"), ("rescale 0 0 0 1", 2, "must differ"),
    ("rescale 0 inf 0 1", 2, "must be finite"), ("mask none.npy", 2, "none.npy does not exist"),
    ("mask other.npy", 2, "volume is 6 x 7 x 9 voxels, the stream 6 x 7 x 8"),
    ("mask -", 2, "stdin is taken already"), ("mask a.npy --fill 256", 2, "which uint8 does not hold"),
    ("gauss -1", 2, "sigma is -1 px, must be at least 0"), ("gauss nan", 2, "sigma is nan"),
    ("gauss inf", 2, "must be finite"), ("gauss 1e9", 2, "must be at most 100000"),
    ("gauss 1,2", 2, "one or three: Z,Y,X"), ("gauss 1um", 2, "has no spacing"),
    ("gauss 1parsec", 2, "parsec is not a unit"), ("gauss 1 --mode foo", 2, "must be one of reflect"),
    ("gauss 1 --derivative 99", 2, "must be at most 16"), ("gauss 1 --truncate inf", 2, "must be finite"),
    ("box 0", 2, "size is 0 voxels, must be at least 1"), ("box 1.5", 2, "size is '1.5', must be a whole number"),
    ("median 99999 --memory 1G", 3, "--memory is 1G"), ("erode foo", 2, "must be box:SIZE, cross, ball:R"),
    ("erode ball:1e9", 2, "must span at most"), ("erode ball:inf", 2, "must be finite"),
    ("dilate box:0", 2, "at least 1"), ("erode file:none.npy", 2, "cannot be read: No such file"),
    ("erode file:text", 2, "no array of numpy's"), ("erode file:flat.npy", 2, "must be numbers along z, y, x"),
    ("crop 0:9,:,:", 2, "reaches beyond the volume's 0:6"), ("crop 2:2,:,:", 2, "keeps no voxel"),
    ("crop 5", 2, "must be three ranges"), ("downsample 0", 2, "factor is 0"),
    ("flip w", 2, "must be letters of z, y and x"), ("flip zz", 2, "each at most once"), ("flip ''", 2, "must be letters"),
    ("permute yx", 2, "must name all three axes"), ("permute zyy", 2, "each at most once"),
    ("pad -1", 2, "margins is -1 voxels, must be at least 0"), ("pad 1,2", 2, "one or three: Z,Y,X"),
    ("pad x", 2, "must be a whole number"), ("pad 1:2:3", 2, "must be N or BELOW:ABOVE"),
    ("pad 1 --mode constant --cval 300", 2, "cval is 300, which a uint8 voxel cannot hold"),
    ("stack", 2, "VOLUMES is missing"), ("stack none.npy", 2, "none.npy does not exist"), ("stack -", 2, "stdin is taken"),
    ("stack a.npy other.npy", 2, "volume 2 has slices of 7 x 9 voxels, the stream of 7 x 8"),
    ("stack float.npy", 2, "volume 1 is float32, the stream uint8"),
    ("resize 0", 2, "shape is 0 voxels, must be at least 1"), ("resize 4 --order 2", 2, "must be one of auto, 0, 1, 3"),
    ("resize 99999999999", 3, "of memory"), ("affine 1,2", 2, "has 2 numbers, must have 9, or 12"),
    ("affine none.txt", 2, "cannot be read"), ("affine text", 2, "cannot be read"),
    ("affine 1,0,0,0,1,0,0,0,1 --shape 0", 2, "shape is 0 voxels, must be at least 1"),
    ("affine 1,0,0,0,1,0,0,0,1 --mode wrap", 2, "must be one of constant, nearest"),
    ("downsample 99999999999999999999", 3, "of memory"), ("calc a+", 2, "is not an expression"),
    ("calc a+b", 2, "--let NAME=ADDRESS"), ("calc a+b --let b=other.npy", 2, "they must be equal"),
    ("calc a+b --let b=none.npy", 2, "does not exist"),
    ("calc a+b --let b=a.npy --let b=a.npy", 2, "b is bound twice"),
    ("calc a+b --let b=-", 2, "stdin is taken already"), ("calc 3", 2, "names no volume"),
    ("calc 'foo(a)'", 2, "no function 'foo'"), ("map none:f", 2, "none cannot be imported"),
    ("map numpy", 2, "must be MODULE:FUNC"), ("map numpy:pi", 2, "has no function pi"),
    ("map numpy:sum", 1, "must keep the shape"), ("tee", 2, "there is nothing to write"),
    ("tee t.foo", 2, "is not a format"), ("tee a.npy", 3, "use --overwrite"),
    ("tee none/t.npy", 2, "there is no directory"), ("otsu --tmpdir none", 2, "none, does not exist"),
    ("label --connectivity 7", 2, "must be one of 6, 18, 26"),
    ("remove-small", 2, "SIZE is missing"), ("remove-small -1", 2, "size is -1 voxels, must be at least 0"),
    ("keep-largest 0", 2, "count is 0, must be at least 1"), ("quantile", 2, "Q is missing"),
    ("quantile 2", 2, "q is 2, must be at most 1"), ("project w max", 2, "axis is 'w', must be one of z, y, x"),
    ("project z", 2, "METHOD is missing"), ("remap", 2, "PAIRS is missing"), ("remap none.tsv", 2, "must be OLD=NEW"),
    ("remap 1=300", 2, "300 is no number of uint8"), ("remap 1=2 1=3", 2, "1 is to become both 2 and 3"),
    ("otsu --classes 1", 2, "classes is 1, must be at least 2"), ("local-threshold 0", 2, "size is 0 voxels"),
    ("contour --side outer", 2, "must be one of inner, both"), ("edt --voxel", 2, "did you mean --voxels?"),
    ("stretch --percent 90 10", 2, "the first must be less"), ("stretch --percent 5", 2, "requires 2 arguments"),
    ("stats a.npy", 2, "it reads stdin: sweep-read a.npy | sweep-stats"),
    ("stats --out x.foo", 2, "ends in one of .tsv"), ("stats --out none/x.tsv", 2, "there is no directory"),
    ("stats --pass none/x.tsv", 2, "there is no directory"), ("hist --bins 0", 2, "bins is 0"),
    ("hist --limits 5,3", 2, "the lower one first"), ("hist --limits 5", 2, "must be two numbers"),
    ("regions --intensity other.npy", 2, "they must be equal"), ("preview --out p.foo", 2, "is no picture"),
    ("preview --out none/p.png", 2, "there is no directory"),
    ("compare a.npy none.npy", 4, "none.npy does not exist"), ("compare - -", 2, "both stdin"),
    ("compare a.npy", 2, "B is missing"), ("info none", 2, "none does not exist"),
    ("digest text", 2, "is not a volume"), ("synth foo --shape 3", 2, "must be one of zeros"),
    ("synth noise", 2, "--shape is missing"), ("synth noise --shape 0", 2, "shape is 0, must be at least 1"),
    ("synth noise --shape 1000000000000", 3, "of memory"), ("synth noise --shape 3 --seed -1", 2, "seed is -1"),
]  # fmt: skip
CASES = [(f"read {w}", *r) for w, *r in READ] + [(f"write {w}", *r) for w, *r in WRITE] + FILTERS


@pytest.mark.parametrize(("line", "status", "says"), CASES, ids=[line for line, *_ in CASES])
def test_a_mistake_is_told_in_one_line(sweep, line, status, says):
    got, out, told = sweep(line)
    assert (got, says in told, bool(well_said(line.split()[0], told))) == (status, True, True), told
    stream = ops.load(line.split()[0]).output == "stream"
    assert stream or not out, "nothing but an error mark is sent"


@pytest.mark.parametrize("words", ["", "--foo", "foo", "gaus 1", "help foo"])
def test_an_unknown_command(words, sweep):
    status, _, told = sweep(words)
    assert status == 2 and (not words or "there is no " in told)


@pytest.mark.parametrize("stdin, status, says", [
    ("text", 2, "is text ('count min max"), ("garbage", 2, "is not a stream"), ("void", 1, "empty where a stream should be"),
    ("a.npy", 2, "is not a stream"), ("cut.sweep", 1, "without an end mark"),
])  # fmt: skip
@pytest.mark.parametrize("line", [
    "cast int16", "crop :,:,:", "invert", "stats", "hist", "info", "digest", "write w.npy", "write w.zarr", "tee w.npy",
    "otsu", "otsu --print", "compare - a.npy", "preview --out p.png", "calc a+1", "mask a.npy", "stats --pass s.tsv",
])  # fmt: skip
def test_what_is_no_stream(sweep, line, stdin, status, says):
    got, _, told = sweep(line, stdin)
    assert got == (4 if line.startswith("compare") else status) and says in told and well_said(line.split()[0], told), told


@pytest.mark.parametrize("volume", ["empty", "voxel", "slice", "nan", "rgb"])
@pytest.mark.parametrize("name", [n for n in ops.names() if ops.load(n).kind not in ("source", "sink", "tool")])
def test_odd_volumes_are_worked_on_or_refused_in_words(sweep, name, volume):
    line = {"mask": "mask a.npy", "map": "map numpy:abs"}.get(name) or f"{name} {ops.load(name).examples[0]}"
    status, out, told = sweep(line, f"{volume}.sweep")
    assert (status == 0 and out) or (status in (2, 3) and well_said(name, told)), told


# ------------------------------------------------------------------ through processes


@pytest.fixture
def pipe(folder, shell):
    """Runs a line in bash, without pipefail, in the folder: (status, stdout, stderr)."""

    def run(line):
        before = sorted(folder.rglob("*"))
        done = shell(f"cd {folder}; {line}")
        assert "Traceback" not in done.stderr and sorted(folder.rglob("*")) == before, done.stderr
        return done.returncode, done.stdout, done.stderr

    return run


@pytest.mark.parametrize(("line", "status", "says"), [
    ("sweep-gauss -1 < a.sweep | sweep-write w.npy", 2,
     ["sweep-gauss: sigma is -1 px, must be at least 0; see sweep-gauss --help",
      "sweep-write: not written: sweep-gauss failed: sigma is -1 px, must be at least 0"]),
    ("sweep-read none.npy | sweep-cast uint8 | sweep-stats", 2,
     ["sweep-read: none.npy does not exist", "sweep-stats: no answer: sweep-read failed: none.npy does not exist"]),
    ("sweep-read a.npy | sweep-stats | sweep-write w.npy", 2,
     ["sweep-write: stdin is text ('count min max sum mean std nan'), not a stream; a command that answers with text hands "
      "its stream on with --pass FILE, which the text goes to"]),
    ("sweep-stats <&-", 1, ["sweep-stats: stdin is empty where a stream should be; the command before it wrote nothing"]),
    ("sweep-stats < a.sweep >&-", 2,
     ["sweep-stats: stdout is closed, so that the result has nowhere to go; see sweep-stats --help"]),
    ("sweep-stats < text 2>&-", 2, []),
    ("SWEEP_MEMORY=1M sweep-write w.npy < a.sweep", 3, None),
    ("SWEEP_THREADS=x sweep-cast uint8 < a.sweep | sweep-write w.npy", 2, None),
])  # fmt: skip
def test_in_a_pipe_the_first_failure_is_told_once(pipe, line, status, says):
    got, out, told = pipe(line)
    assert got == status and out == "", told
    if says is not None:
        assert sorted(told.splitlines()) == sorted(says)


def test_a_device_is_written_and_never_replaced(pipe):
    assert pipe("sweep-read a.npy | sweep-stats --report /dev/null")[0] == 0
    assert not os.path.isfile("/dev/null")


@pytest.mark.parametrize("target", ["w.npy", "w.zarr", "w.sweep"])
def test_a_volume_of_no_slices_is_a_volume(pipe, target):
    line = f"sweep-write {target} < empty.sweep && sweep-compare empty.npy {target}; s=$?; rm -r {target}; exit $s"
    assert pipe(line)[0] == 0
