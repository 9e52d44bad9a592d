"""Kernels: what they take and give, what is kept of them, and when it counts."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from sweeptools import codecache, jit
from sweeptools.errors import SweepError
from sweeptools.jit import kernel
from sweeptools.kernels import lines
from sweeptools.native import kind

HOME = Path(__file__).parent.parent
FACTOR = 3


@kernel
def scaled(row, by):
    return row[0] * by * FACTOR


@kernel
def mixed(src, dst, box, flag, small, real, single):
    """Something of every argument."""
    y0, y1, x0, x1 = box
    for y in range(y0, y1):
        for x in range(x0, x1):
            dst[y, x] = np.exp(src[y, x]) * real + small if flag else single
    return small, scaled(src[0], real), flag, dst.shape[1]


@kernel
def nothing(row):
    row[0] = 1


@kernel
def allocates(row):
    room = np.zeros(row.size)
    row[0] = room[row.size - 1]


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache of its own."""
    monkeypatch.setattr(codecache, "folder", lambda: tmp_path)
    return tmp_path


def fresh(one):
    """A kernel that nobody called yet."""
    return jit.Kernel(one.fn, one.inline)


def inputs():
    src = np.linspace(-1, 1, 48, dtype=np.float32).reshape(6, 8)
    return src, np.zeros((6, 8)), (1, 5, 2, 8), True, np.uint8(7), 2.5, np.float32(0.1)


@pytest.mark.parametrize("src", [lambda a: a, lambda a: a[::2, ::-1], lambda a: a.T], ids=["whole", "strided", "turned"])
def test_every_kind_of_argument_and_result(src):
    array, _, _, flag, small, real, single = inputs()
    array, box = src(array), (1, 3, 2, 5)
    mine, other = np.zeros(array.shape), np.zeros(array.shape)
    told = mixed(array, mine, box, flag, small, real, single)
    for y in range(1, 3):
        for x in range(2, 5):
            other[y, x] = np.exp(array[y, x]) * real + 7
    np.testing.assert_allclose(mine, other, rtol=1e-6)
    assert told == (7, pytest.approx(float(array[0, 0]) * 7.5), True, array.shape[1])
    assert list(map(type, told)) == [int, float, bool, int]
    mixed(array, mine, box, False, small, real, single)
    assert mine[1, 2] == np.float32(0.1)


def test_the_same_bytes_as_numba_gives():
    from numba import njit

    options = {**jit.OPTIONS, "no_cpython_wrapper": False}
    own, theirs = inputs(), inputs()
    njit(mixed.fn.__class__(mixed.fn.__code__, {"np": np, "scaled": njit(scaled.fn, **options)}), **options)(*theirs)
    mixed(*own)
    assert own[1].tobytes() == theirs[1].tobytes()


def test_numbers_keep_their_type():
    row = np.ones(2, np.int64)
    assert [type(scaled(row, by)) for by in (2, np.int16(2), True, 2.0, np.float32(2))] == [int, int, int, float, float]
    assert [kind(v) for v in (1 << 63, (1 << 63) - 1, -(1 << 63))] == [np.uint64, int, int]


def test_nothing_is_given_and_what_may_not_be_written_is_another_kind():
    row = np.zeros(3, np.int32)
    assert nothing(row) is None and row[0] == 1
    row.flags.writeable = False
    with pytest.raises(Exception, match="readonly"):
        nothing(row)


def test_a_kernel_that_allocates_is_refused(cache):
    with pytest.raises(SweepError, match="the kernel test_jit.allocates allocates memory"):
        fresh(allocates)(np.zeros(3))
    assert not [path for path in cache.iterdir() if path.suffix != ".lock"]


def test_what_is_kept_is_used_only_whole(cache):
    row = np.ones(2, np.float32)
    assert fresh(scaled)(row, 2.0) == 6
    (path,) = [path for path in cache.iterdir() if path.suffix != ".lock"]
    whole = path.read_bytes()
    key = codecache.digest(codecache.makers(), repr(False), scaled.source())
    assert codecache.read(path.name, key)
    assert codecache.read(path.name, key[::-1]) is None, "made of another source"
    for place in np.linspace(0, len(whole) - 1, 60).astype(int):
        path.write_bytes(whole[:place])
        assert codecache.read(path.name, key) is None, f"cut at {place}"
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        assert codecache.read(path.name, key) is None, f"damaged at {place}"
    assert fresh(scaled)(row, 2.0) == 6
    assert codecache.read(path.name, key), "compiled again"


def test_no_cache_is_no_error(monkeypatch):
    monkeypatch.setattr(codecache, "folder", lambda: None)
    assert fresh(scaled)(np.ones(2, np.int8), 2) == 6


def test_the_first_place_that_can_be_written(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("SWEEP_CACHE", str(blocked))
    monkeypatch.setattr(codecache, "__file__", str(blocked / "codecache.py"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert codecache.folder.__wrapped__().parent == tmp_path / "xdg"
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    monkeypatch.setenv("TMPDIR", str(blocked))
    assert codecache.folder.__wrapped__() is None


MODULE = """
import numpy as np
from sweeptools.jit import kernel
TABLE = np.array([1, {a}])
@kernel(inline=True)
def inner(v):
    return v + {b}
def table():
    return TABLE
@kernel
def outer(row):
    for i in range(row.size):
        row[i] = inner(row[i]) + TABLE[1]
@kernel
def other(row):
    row[0] = {c}
"""


def module(a=1, b=1.0, c=0, note=""):
    names = {"__name__": "made"}
    exec(compile(MODULE.format(a=a, b=b, c=c) + note, "made.py", "exec"), names)
    return names["outer"].source()


def test_the_key_is_of_all_that_a_kernel_reaches():
    assert module() == module(c=5) == module(note="# other words")
    assert len({module(), module(a=2), module(b=2.0), module(b=1)}) == 4


def test_a_kernel_of_another_module_is_reached(monkeypatch):
    before = fresh(lines.plane).source()
    monkeypatch.setattr(sys.modules["sweeptools.kernels.store"], "limits", kernel(lambda v: v))
    assert fresh(lines.plane).source() == before, "not by a name that it does not use"
    monkeypatch.setattr(lines, "put_row", kernel(lambda v: v))
    assert fresh(lines.plane).source() != before


AT_ONCE = """
import sys
import numpy as np
sys.path.insert(0, "tests")
import test_jit
print(test_jit.scaled(np.ones(3, np.int16), 2), "numba" in sys.modules)
"""


def test_many_that_start_at_once_compile_once(tmp_path, monkeypatch):
    monkeypatch.setenv("SWEEP_CACHE", str(tmp_path))
    run = [sys.executable, "-c", AT_ONCE]
    started = [subprocess.Popen(run, cwd=HOME, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = [process.communicate(timeout=120)[0] for process in started]
    assert sorted(said) == ["6 False\n", "6 False\n", "6 True\n"]


def test_what_takes_long_is_told(cache, monkeypatch):
    told, clock = [], iter(range(0, 1000, 2))
    monkeypatch.setattr(jit, "announce", told.append)
    monkeypatch.setattr(jit, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    fresh(nothing)(np.zeros(1, np.int8))
    assert told == ["compiled test_jit.nothing for array(int8, 1d, C), once on this machine"]
