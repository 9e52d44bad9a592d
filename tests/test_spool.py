"""Temporary files: in the right place, gone by themselves, read in either direction, refused where they do not fit."""

import os
import threading
from contextlib import suppress

import numpy as np
import pytest
from wire import volume

from sweeptools import spool
from sweeptools.errors import Corrupt, Refused, SweepError, UsageError
from sweeptools.flow import pieces
from sweeptools.spec import Block, Head
from sweeptools.spool import Disk, Log, Spool, in_memory, place, require, room

MEMORY = "/dev/shm"
in_ram = pytest.mark.skipif(not os.path.isdir(MEMORY) or not in_memory(MEMORY), reason=f"{MEMORY} is no tmpfs")


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch, tmp_path):
    for name in ("SWEEP_TMPDIR", "TMPDIR"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


def filled(head, data, directory, cut=3, codec="lz4"):
    saved = Spool(head, str(directory), codec)
    for block in pieces(Block(head.first, head.slices, data), cut, head.sweep):
        saved.write(block)
    saved.finish()
    return saved


# ------------------------------------------------------------------ where


def test_the_first_place_that_is_named_counts(tmp_path, monkeypatch):
    one, two, three, four = (tmp_path / name for name in "1234")
    for path in (one, two, three, four):
        path.mkdir()
    assert place() == str(tmp_path / "here")
    assert place(beside=four / "out.zarr") == str(four)
    monkeypatch.setenv("TMPDIR", str(three))
    assert place(beside=four / "out.zarr") == str(three)
    monkeypatch.setenv("SWEEP_TMPDIR", str(two))
    assert place(beside=four / "out.zarr") == str(two)
    assert place(str(one), four / "out.zarr") == str(one)


def test_a_named_directory_that_is_missing_is_an_error(tmp_path, monkeypatch):
    with pytest.raises(UsageError, match="does not exist"):
        place(str(tmp_path / "none"))
    monkeypatch.setenv("SWEEP_TMPDIR", str(tmp_path / "none"))
    with pytest.raises(UsageError, match="does not exist"):
        place()


def test_what_cannot_be_written_is_passed_over(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "none"))
    assert place(beside=tmp_path / "missing" / "out") == str(tmp_path / "here")


@in_ram
def test_memory_is_used_only_where_named(tmp_path, monkeypatch):
    assert not in_memory(tmp_path)
    assert place(MEMORY) == MEMORY
    monkeypatch.setenv("TMPDIR", MEMORY)
    assert place() == str(tmp_path / "here")
    assert place(beside=f"{MEMORY}/out.zarr") == str(tmp_path / "here")
    monkeypatch.chdir(MEMORY)
    with pytest.raises(Refused, match="not in memory; name one with --tmpdir"):
        place()
    monkeypatch.setenv("SWEEP_TMPDIR", MEMORY)
    assert place() == MEMORY


def test_files_have_no_name(tmp_path, monkeypatch):
    log = Log(str(tmp_path / "here"), np.int32)
    log.append(np.arange(100_000))
    assert os.listdir(tmp_path / "here") == []

    real = os.open

    def no_nameless(path, flags, *more):
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(95, "Operation not supported")
        return real(path, flags, *more)

    monkeypatch.setattr(spool.os, "open", no_nameless)
    log = Log(str(tmp_path / "here"), np.int32, np.arange(5))
    assert os.listdir(tmp_path / "here") == [] and log.array().tolist() == [0, 1, 2, 3, 4]


def test_a_directory_that_takes_no_file_is_named(tmp_path):
    with pytest.raises(SweepError, match="no temporary file can be made in .*/none: no such file"):
        spool.nameless(str(tmp_path / "none"))


def test_what_does_not_fit_is_refused(tmp_path):
    require(str(tmp_path), room(tmp_path) // 2)
    with pytest.raises(Refused, match="the spool may take .*G, .* free; sweep-run 'x' reads again"):
        require(str(tmp_path), room(tmp_path) * 2 + 1, "sweep-run 'x' reads again")
    with pytest.raises(Refused, match="--tmpdir"):
        Spool(Head((1 << 20, 1 << 15, 1 << 15), "uint64"), str(tmp_path))
    with pytest.raises(Refused, match="read it twice"):
        Disk(str(tmp_path)).spool(Head((1 << 20, 1 << 15, 1 << 15), "uint64"), mend="read it twice")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_a_full_disk_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(spool, "nameless", lambda directory: os.open("/dev/full", os.O_RDWR))
    with pytest.raises(SweepError, match=f"{tmp_path}, is full; name a larger one with --tmpdir"):
        log = Log(str(tmp_path), np.uint8)
        log.append(np.zeros(1 << 20, np.uint8))
    with pytest.raises(SweepError, match="is full"):
        filled(Head((4, 5, 6), "uint8"), np.zeros((4, 5, 6), "u1"), tmp_path)


# ------------------------------------------------------------------ spools


@pytest.mark.parametrize("codec", ["raw", "lz4", "zstd"])
@pytest.mark.parametrize("sweep", ["up", "down"])
def test_a_spool_gives_back_any_range_either_way(tmp_path, sweep, codec):
    data = volume((11, 3, 4), "uint16")
    data[3:7] = 0
    head = Head((20, 3, 4), "uint16", box=((5, 16), (0, 3), (0, 4)), sweep=sweep, depth=3)
    saved = filled(head, data, tmp_path, codec=codec)
    upper = spool.upper_bound(head)
    assert 0 < saved.bytes <= upper
    for direction in ("up", "down"):
        for z0, z1 in ((None, None), (5, 16), (6, 7), (9, 15), (0, 100), (16, 16)):
            blocks = list(saved.blocks(direction, z0, z1))
            assert blocks == sorted(blocks, key=lambda block: block.z, reverse=direction == "down")
            a, b = max(5, z0 or 0), min(16, 100 if z1 is None else z1)
            rows = {block.z + i: row for block in blocks for i, row in enumerate(block.array(head))}
            assert sorted(rows) == list(range(a, b))
            assert all(np.array_equal(row, data[z - 5]) for z, row in rows.items())
    source = saved.source()
    assert source.again and sum(block.n for block in source.blocks("down")) == 11


def test_fill_stays_fill(tmp_path):
    head = Head((6, 100, 100), "float32", depth=6)
    saved = Spool(head, str(tmp_path))
    saved.write(Block(0, 6, None, 1.5))
    saved.finish()
    (block,) = saved.blocks("down")
    assert block.data is None and block.fill == 1.5 and saved.bytes < 2000


def test_a_spool_is_whole_before_it_is_read_to_its_ends(tmp_path):
    head = Head((4, 2, 2), "uint8")
    saved = Spool(head, str(tmp_path))
    saved.write(Block(0, 2, np.ones((2, 2, 2), "u1")))
    with pytest.raises(ValueError, match="read after it is finished"):
        next(saved.blocks())
    assert [block.z for block in saved.blocks("up", 0, 2)] == [0, 1]
    with pytest.raises(SweepError, match="only 2 of 4 slices"):
        saved.finish()


def test_a_spool_verifies_what_it_reads(tmp_path):
    data = volume((6, 5, 5), "uint8")
    saved = filled(Head(data.shape, "uint8", depth=2), data, tmp_path)
    at = saved._writer.offsets[1][2] + 130
    os.pwrite(saved._file.fd, bytes([os.pread(saved._file.fd, 1, at)[0] ^ 1]), at)
    with pytest.raises(Corrupt, match="spool is damaged"):
        list(saved.blocks("down"))
    os.ftruncate(saved._file.fd, at)
    with pytest.raises(Corrupt, match="spool is damaged"):
        list(saved.blocks("down"))


def test_memory_does_not_grow_with_the_number_of_blocks(tmp_path):
    data = np.zeros((200, 40, 50), "uint8")
    for z in range(200):                             # each is packed to another size
        data[z, :, : z // 4] = volume((40, z // 4), "uint8", z)
    saved = filled(Head(data.shape, "uint8", depth=1), data, tmp_path, 1)
    assert sum(1 for _ in saved.blocks()) == 200
    assert sum(len(free) for free in saved.pool._free.values()) <= 3


def test_threads_read_at_once(tmp_path):
    data = volume((40, 20, 20), "uint16")
    head = Head(data.shape, "uint16", depth=4)
    saved = filled(head, data, tmp_path, 4)
    wrong = []

    def read(direction):
        for block in saved.blocks(direction):
            if not np.array_equal(block.data, data[block.z : block.z + block.n]):
                wrong.append(block.z)

    threads = [threading.Thread(target=read, args=(way,)) for way in ("up", "down") * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


# ------------------------------------------------------------------ logs


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float64", [("z", "u4"), ("v", "f8")]])
def test_a_log_is_what_was_appended(tmp_path, dtype):
    rng = np.random.default_rng(1)
    log, kept = Log(str(tmp_path), dtype), []
    for n in (0, 1, 7, 20_000, 0, 3, 70_000, 1):
        items = rng.integers(0, 256, n * np.dtype(dtype).itemsize, dtype=np.uint8).view(dtype)
        log.append(items)
        kept.append(items)
        whole = np.concatenate(kept)
        assert len(log) == len(whole) and log.array().tobytes() == whole.tobytes()
    assert log.bytes == whole.nbytes
    assert log.finish() is log and log[-3:].tobytes() == whole[-3:].tobytes() and log[5] == whole[5]
    assert not log.array().flags.writeable and log.array().dtype == np.dtype(dtype)
    again = Log(str(tmp_path), dtype, log.array())
    log.append(whole[:2])
    again.append(whole[:2])
    assert again.array().tobytes() == log.array().tobytes()


def test_a_log_takes_single_items_and_one_row_only(tmp_path):
    log = Log(str(tmp_path), np.int32)
    for i in range(3):
        log.append(i)
    assert log.array().tolist() == [0, 1, 2] and np.asarray(log).tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="one row"):
        log.append(np.zeros((2, 2)))


def test_arrays_outlive_their_log(tmp_path):
    array = Log(str(tmp_path), np.int64, np.arange(10_000)).array()
    assert array.sum() == 9999 * 5000


def test_an_array_of_a_log_is_no_anonymous_memory(tmp_path):
    def anonymous():
        with open("/proc/self/status") as file:
            return sum(int(line.split()[1]) for line in file if line.startswith(("RssAnon", "RssShmem")))

    log = Log(str(tmp_path), np.uint8)
    for _ in range(64):
        log.append(np.ones(1 << 20, np.uint8))
    before = anonymous()
    assert log.array()[::4096].sum() == 64 << 8
    assert anonymous() - before < 8 << 10            # KiB, of 64 MiB touched


def test_a_disk_finds_its_directory_when_it_is_asked(tmp_path):
    disk = Disk(str(tmp_path / "none"))
    assert disk.bytes == 0
    with pytest.raises(UsageError):
        disk.log(np.int32)
    disk = Disk(beside=tmp_path / "out.zarr")
    assert disk.directory == str(tmp_path)
    log = disk.log(np.int32, [1, 2])
    saved = disk.spool(Head((1, 1, 1), "uint8"))
    assert disk.bytes == 8 + saved.bytes
    array = log.array()
    disk.close()
    assert array.tolist() == [1, 2]


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="no /proc/self/fd")
def test_files_are_closed_when_nobody_holds_them(tmp_path):
    """Of the files in this folder: what other tests left may be closed meanwhile."""

    def here():
        found = []
        for fd in os.listdir("/proc/self/fd"):
            with suppress(OSError):                  # gone since, as the descriptor of the listing itself
                found.append(os.readlink(f"/proc/self/fd/{fd}"))
        return [path for path in found if path.startswith(str(tmp_path))]

    held = [Log(str(tmp_path), np.int32), Spool(Head((1, 1, 1), "uint8"), str(tmp_path))]
    assert len(here()) == len(held)
    for _ in range(20):
        Log(str(tmp_path), np.int32)
        Spool(Head((1, 1, 1), "uint8"), str(tmp_path))
    assert len(here()) == len(held)


def test_arrays_of_zeros_lie_in_files_that_go_with_them(tmp_path):
    disk = Disk(str(tmp_path))
    made = [disk.zeros(shape, dtype) for shape, dtype in (((300, 5), "f8"), ((0, 3), "u1"), ((), "i4"))]
    assert [(a.shape, a.dtype.str, a.flags.c_contiguous) for a in made] == [
        ((300, 5), "<f8", True), ((0, 3), "|u1", True), ((), "<i4", True)]  # fmt: skip
    assert not any(a.any() for a in made) and disk.bytes == 300 * 5 * 8 + 4
    made[0][7] = 3
    disk.close()
    assert made[0].sum() == 15 and not [path for path in tmp_path.iterdir() if path.is_file()]
