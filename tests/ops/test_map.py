"""sweep-map: the function on the whole volume, padded by scipy or numpy itself."""

import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.ndimage
from harness import apply, head_of

from sweeptools.errors import SweepError, UsageError
from sweeptools.ops import load

PAD = {"reflect": "symmetric", "nearest": "edge", "mirror": "reflect", "constant": "constant", "wrap": "wrap"}


def volume(dtype="float32", shape=(9, 10, 11)):
    return (np.random.default_rng(2).random(shape) * 200).astype(dtype)


@pytest.fixture
def mine(tmp_path):
    """A user's own file; gives `MODULE:` for its functions."""
    (tmp_path / "helper_of_mine.py").write_text("OFFSET = 3\n")
    (tmp_path / "filters.py").write_text(
        "import numpy as np\n"
        "from helper_of_mine import OFFSET\n"
        "print('imported')\n"
        "def shift(a, by=OFFSET):\n    print('called')\n    return a + by\n"
        "def inplace(a):\n    a *= 0\n    return a + 1\n"
        "def crop(a):\n    return a[1:]\n"
        "def fail(a):\n    raise ValueError('first line\\nthe last line')\n"
        "def picky(a):\n    assert a.any(), 'zeros'\n    return a * 0.5\n"
        "def text(a):\n    return np.full(a.shape, 'x')\n"
        "def mask(a):\n    return a > 100\n"
        "def half(a):\n    return a.astype(np.float16)\n"
        "class Box:\n    double = staticmethod(lambda a: a * 2)\n"
        "NUMBER = 3\n"
    )
    return f"{tmp_path / 'filters.py'}:"


@pytest.mark.parametrize("mode", PAD)
@pytest.mark.parametrize("dtype", ("uint8", "int16", "float32"))
def test_windows_equal_scipy_on_the_whole(mode, dtype):
    a = volume(dtype)
    words = {"function": "scipy.ndimage:median_filter", "halo": "1,2,0", "arg": ["size=(3,5,1)"]}
    out = apply("map", a, **words, mode=mode, cval=7, cut=2)
    expected = scipy.ndimage.median_filter(a, (3, 5, 1), mode=mode, cval=7)
    np.testing.assert_array_equal(out, expected, strict=True)


@pytest.mark.parametrize("shape", ((1, 5, 6), (2, 1, 6), (3, 4, 1)))
def test_volumes_smaller_than_the_halo(shape):
    a = volume("float64", shape)
    out = apply("map", a, function="scipy.ndimage:uniform_filter", halo="3", arg=["size=7"], mode="constant", cut=1)
    padded = np.pad(a, 3)
    expected = np.empty(shape)
    for z, y, x in np.ndindex(shape):
        expected[z, y, x] = padded[z : z + 7, y : y + 7, x : x + 7].mean()
    np.testing.assert_allclose(out, expected, rtol=1e-12)


def test_the_same_for_any_cut_and_number_of_threads():
    a = volume()
    words = {"function": "scipy.ndimage:grey_erosion", "halo": "2", "arg": ["size=5"]}
    whole = apply("map", a, **words)
    for cut, threads, depth in ((1, 1, None), ([4, 5], 3, 1), (3, 2, 2)):
        np.testing.assert_array_equal(apply("map", a, **words, cut=cut, threads=threads, depth=depth), whole)


def test_types(mine):
    a = volume("uint8")
    for name, dtype in (("mask", "uint8"), ("half", "float32"), ("shift", "uint8")):
        head, out = apply("map", a, function=mine + name, with_head=True)
        assert head.dtype == out.dtype == dtype
    np.testing.assert_array_equal(apply("map", a, function=mine + "mask"), a > 100)
    values = np.array([[[0.5, 1.5, 300, -3, np.nan]]], np.float32)
    assert apply("map", values, function="numpy:positive", dtype="uint8").tolist() == [[[0, 2, 255, 0, 0]]]
    assert load("map").fn(values, np.empty(values.shape, "int8"), (0, 1, 0, 1, 0, 5), function="numpy:positive",
                          halo=(0, 0, 0), arg=()) == 1  # fmt: skip
    big = np.array([[[2**64 - 1, 5]]], np.uint64)
    assert apply("map", big, function="numpy:positive", dtype="int64").tolist() == [[[2**63 - 1, 5]]]


def test_own_files_and_arguments(mine, capsys, tmp_path, monkeypatch):
    a = volume("int32")
    np.testing.assert_array_equal(apply("map", a, function=mine + "shift"), a + 3)
    np.testing.assert_array_equal(apply("map", a, function=mine + "shift", arg=["by=-5"]), a - 5)
    np.testing.assert_array_equal(apply("map", a, function=mine + "Box.double"), a * 2)
    np.testing.assert_array_equal(apply("map", a, function=mine + "picky", dtype="float64"), a * 0.5)
    assert capsys.readouterr().out == ""
    (tmp_path / "from_here.py").write_text("def same(a, mode):\n    assert mode == 'fast'\n    return a\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    np.testing.assert_array_equal(apply("map", a, function="from_here:same", arg=["mode=fast"]), a)


def test_a_function_that_overwrites_its_array_harms_nobody(mine):
    a = volume()
    out = apply("map", a, function=mine + "inplace", halo="1", cut=1, depth=1)
    np.testing.assert_array_equal(out, np.ones_like(a))
    src = a.copy()
    load("map").fn(src, np.empty_like(a), (0, 9, 0, 10, 0, 11), function=mine + "inplace", halo=(0, 0, 0), arg=())
    np.testing.assert_array_equal(src, a)


def test_writes_its_box_and_nothing_else():
    a = volume()
    src = np.pad(a, 1, "symmetric")
    dst = np.full(a.shape, -7, np.float32)
    facts = {"function": "scipy.ndimage:maximum_filter", "halo": (1, 1, 1), "arg": ("size=3",)}
    load("map").fn(src, dst, (1, 4, 2, 9, 0, 5), **facts)
    expected = np.full(a.shape, -7, np.float32)
    expected[1:4, 2:9, :5] = scipy.ndimage.maximum_filter(a, 3)[1:4, 2:9, :5]
    np.testing.assert_array_equal(dst, expected)
    assert load("map").fn(src, dst, (1, 1, 2, 9, 0, 5), **facts) == 0


def test_constant_blocks_come_in_their_shape(mine):
    a = np.full((4, 5, 6), 7, np.uint8)
    a[2:] = 9
    (Path(mine[:-1]).parent / "wide.py").write_text("def wide(a):\n    assert min(a.shape[1:]) > 3\n    return a + 1\n")
    wide = mine.replace("filters.py", "wide.py") + "wide"
    np.testing.assert_array_equal(apply("map", a, function=wide, cut="fill"), a + 1)


def test_components():
    a = volume("float32", (4, 5, 6, 3))
    words = {"function": "scipy.ndimage:uniform_filter", "halo": "1,0,0", "arg": ["size=(3,1,1,1)"]}
    out = apply("map", a, **words, cut=1, components="zyx")
    np.testing.assert_allclose(out, scipy.ndimage.uniform_filter(a, (3, 1, 1, 1)), rtol=1e-6)


@pytest.mark.parametrize(("name", "error", "says"), [
    ("crop", SweepError, r"crop gave an array \(7, 8, 8\) for \(8, 8, 8\), must keep the shape"),
    ("fail", SweepError, r"fail failed on an array \(8, 8, 8\) of uint8: ValueError: the last line; this was zeros"),
    ("picky", SweepError, "AssertionError: zeros; this was zeros, .* --dtype"),
    ("text", SweepError, "gave an array of <U1, must be one of numbers"),
    ("NUMBER", UsageError, "has no function NUMBER"), ("missing", UsageError, "has no function missing"),
])  # fmt: skip
def test_errors_of_the_function(mine, name, error, says):
    op = load("map")
    head = head_of(volume("uint8"))
    with pytest.raises(error, match=says):
        op.out(head, op.bind({"function": mine + name}, head))


def test_errors_within_the_stream(mine):
    with pytest.raises(SweepError, match=r"fail failed on an array \(9, 10, 11\) of float32: ValueError: the last"):
        apply("map", volume(), function=mine + "fail", dtype="uint8")
    with pytest.raises(SweepError, match="TypeError: .*unexpected keyword argument 'no'"):
        apply("map", volume(), function=mine + "shift", arg=["no=3"], dtype="uint8")


@pytest.mark.parametrize(("function", "says"), [
    ("sqrt", "must be MODULE:FUNC"), (":sqrt", "must be MODULE:FUNC"), ("numpy:", "must be MODULE:FUNC"),
    ("no_such_module:f", "no_such_module cannot be imported: ModuleNotFoundError"),
    ("/no/such/file.py:f", "cannot be imported: FileNotFoundError"),
])  # fmt: skip
def test_functions_that_are_none(function, says):
    with pytest.raises(UsageError, match=says):
        apply("map", volume(), function=function)


def test_arguments_must_be_named():
    with pytest.raises(UsageError, match="arg is 'size', must be NAME=VALUE"):
        load("map").params["arg"].parse("size")


def test_memory_counts_the_copy_and_the_result():
    op, head = load("map"), head_of(volume("uint8"))
    assert op.tell(op.memory, head=head, depth=4, halo=(1, 0, 2)) == 6 * 10 * 15 * 9
