"""Outputs appear whole or not at all, whatever crashes, fails or runs at the same time."""

import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest
from test_volumes import hostile, read, same, write

from sweeptools import volumes
from sweeptools.errors import Refused, SweepError
from sweeptools.spec import Block, Head
from sweeptools.volumes import publish
from sweeptools.volumes.publish import Target

NAMES = ["v.zarr", "v.npy", "v.tif", "slices/", "v.sweep"]
A, B = hostile((6, 7, 8), "u2", 1), hostile((5, 4, 3), "u1", 2)


def listing(path):
    return sorted(p.name for p in path.iterdir())


def dead():
    """The pid of a process that has ended."""
    return int(subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True).stdout)


def begun(path, array=A, **how):
    """A sink that has taken half of its slices."""
    sink = volumes.create(path, Head(array.shape, array.dtype), threads=1, **how)
    half = len(array) // 2
    sink.write(Block(0, half, array[:half].copy()))
    return sink


def pretend(partial, **facts):
    """Change who holds a partial."""
    owner = json.loads((partial / publish.OWNER).read_text())
    (partial / publish.OWNER).write_text(json.dumps({**owner, **facts}))


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_there_before_the_end(tmp_path, name):
    sink = begun(f"{tmp_path}/{name}")
    assert listing(tmp_path) == [f".{name.rstrip('/')}.partial"]
    sink.write(Block(3, 3, A[3:].copy()))
    sink.finish({})
    assert listing(tmp_path) == [name.rstrip("/")]
    assert same(read(f"{tmp_path}/{name}")[1], A)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("there", [False, True])
def test_abort_leaves_what_was(tmp_path, name, there):
    if there:
        write(f"{tmp_path}/{name}", B)
    begun(f"{tmp_path}/{name}", overwrite=there).abort()
    assert listing(tmp_path) == ([name.rstrip("/")] if there else [])
    if there:
        assert same(read(f"{tmp_path}/{name}")[1], B)


@pytest.mark.parametrize("name", NAMES)
def test_what_exists_is_replaced_only_when_told(tmp_path, name):
    write(f"{tmp_path}/{name}", B)
    with pytest.raises(Refused, match="exists; use --overwrite to replace it") as error:
        write(f"{tmp_path}/{name}", A)
    assert error.value.status == 3
    sink = begun(f"{tmp_path}/{name}", overwrite=True)
    assert same(read(f"{tmp_path}/{name}")[1], B)                    # until the very end
    sink.abort()
    write(f"{tmp_path}/{name}", A, overwrite=True)
    assert same(read(f"{tmp_path}/{name}")[1], A) and listing(tmp_path) == [name.rstrip("/")]


def test_overwrite_removes_volumes_of_its_format_only(tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "thesis.tex").write_text("years of work")
    for name, how in (("d/", {}), ("d/s_%03d.tif", {}), ("d", {"format": "zarr"}), ("d", {"format": "npy"})):
        with pytest.raises(Refused, match="holds more than a volume of this format"):
            volumes.create(f"{tmp_path}/{name}", Head((1, 1, 1), "u1"), overwrite=True, **how)
    assert listing(tmp_path) == ["d"] and listing(tmp_path / "d") == ["thesis.tex"]


def test_an_empty_directory_is_nothing(tmp_path):
    (tmp_path / "d").mkdir()
    write(f"{tmp_path}/d/", A)
    assert same(read(tmp_path / "d")[1], A) and listing(tmp_path) == ["d"]


@pytest.mark.parametrize("name", NAMES)
def test_a_second_writer_is_told_who_holds_it(tmp_path, name, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "4711")
    sink = begun(f"{tmp_path}/{name}")
    with pytest.raises(Refused, match=f"is being written by process {os.getpid()} on .*, job 4711"):
        begun(f"{tmp_path}/{name}")
    sink.abort()
    begun(f"{tmp_path}/{name}").abort()


def test_what_a_dead_process_left_is_reclaimed(tmp_path):
    begun(tmp_path / "v.zarr")
    partial = tmp_path / ".v.zarr.partial"
    pretend(partial, host="elsewhere", pid=1)
    with pytest.raises(Refused, match="is being written by process 1 on elsewhere"):
        begun(tmp_path / "v.zarr")
    owner = json.loads((partial / publish.OWNER).read_text())
    pretend(partial, **{**publish._me(), "pid": dead()})
    write(tmp_path / "v.zarr", A)
    assert same(read(tmp_path / "v.zarr")[1], A) and listing(tmp_path) == ["v.zarr"] and owner["host"] == "elsewhere"


def test_a_pid_that_is_used_again_is_another_process(tmp_path):
    begun(tmp_path / "v.npy")
    pretend(tmp_path / ".v.npy.partial", began="1")
    if publish._began(os.getpid()) is None:
        pytest.skip("the system does not tell when a process began")
    write(tmp_path / "v.npy", A)
    assert listing(tmp_path) == ["v.npy"]


def test_a_partial_without_an_owner(tmp_path):
    partial = tmp_path / ".v.npy.partial"
    partial.mkdir()
    with pytest.raises(Refused, match="by a process that just began"):
        begun(tmp_path / "v.npy")
    os.utime(partial, (time.time() - 60,) * 2)
    write(tmp_path / "v.npy", A)
    assert listing(tmp_path) == ["v.npy"]


class Crash(BaseException):
    pass


@pytest.mark.parametrize("name", ["v.zarr", "slices/"])
@pytest.mark.parametrize("which", [1, 2])
def test_a_crash_between_two_renames_is_mended(tmp_path, monkeypatch, name, which):
    """After the first rename the old volume is aside and the new one complete; after the second only litter is left."""
    write(f"{tmp_path}/{name}", B)
    sink = begun(f"{tmp_path}/{name}", overwrite=True)
    sink.write(Block(3, 3, A[3:].copy()))

    def crash(*_):
        raise Crash

    monkeypatch.setattr(publish.os if which == 1 else publish.shutil, "replace" if which == 1 else "rmtree", crash)
    with pytest.raises(Crash):
        sink.finish({})
    monkeypatch.undo()
    path = tmp_path / name.rstrip("/")
    assert path.exists() == (which == 2)
    pretend(publish.partial_of(path), pid=dead())
    assert same(read(f"{tmp_path}/{name}")[1], A)
    write(f"{tmp_path}/{name}", B, overwrite=True)
    assert same(read(f"{tmp_path}/{name}")[1], B) and listing(tmp_path) == [name.rstrip("/")]


def test_what_is_mended_first_is_not_lost(tmp_path):
    """A writer that comes before any reader mends too, and then refuses to replace the volume unasked."""
    write(tmp_path / "v.zarr", A)
    partial = tmp_path / ".v.zarr.partial"
    target = Target(tmp_path / "v.zarr", overwrite=True)
    write(tmp_path / "new.zarr", B)
    os.rename(tmp_path / "new.zarr", target.path)
    os.rename(tmp_path / "v.zarr", partial / publish.REPLACED)
    pretend(partial, pid=dead())
    with pytest.raises(Refused, match="exists; use --overwrite"):
        Target(tmp_path / "v.zarr")
    assert same(read(tmp_path / "v.zarr")[1], B) and listing(tmp_path) == ["v.zarr"]


def test_errors_of_fsync_are_errors(tmp_path, monkeypatch):
    sink = begun(tmp_path / "v.zarr")
    sink.write(Block(3, 3, A[3:].copy()))

    def fail(fd):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(publish.os, "fsync", fail)
    with pytest.raises(OSError, match="Input/output error"):
        sink.finish({})
    monkeypatch.undo()
    sink.abort()
    assert listing(tmp_path) == []


def test_a_slow_abort_ends_in_time_and_is_reclaimed(tmp_path, monkeypatch):
    sink = begun(tmp_path / "v.zarr")
    for k in range(50):
        (sink.target.path / f"chunk{k}").write_bytes(b"x")
    unlink = os.unlink
    monkeypatch.setattr(publish.os, "unlink", lambda path, **how: (time.sleep(0.05), unlink(path, **how)))
    start = time.monotonic()
    sink.abort()
    assert time.monotonic() - start < 1.0
    monkeypatch.undo()
    assert listing(tmp_path) == [".v.zarr.partial"]
    write(tmp_path / "v.zarr", A)                                    # though this process, its owner, is alive
    assert listing(tmp_path) == ["v.zarr"] and same(read(tmp_path / "v.zarr")[1], A)


def test_a_partial_never_opens_as_a_volume(tmp_path):
    for name in ("v.zarr", "old.zarr", "bare.zarr"):
        how = {"old.zarr": {"ome": "0.4"}, "bare.zarr": {"ome": "none"}}.get(name, {})
        sink = begun(tmp_path / name, **how)
        for path in (sink.target.partial, sink.target.path):
            with pytest.raises(SweepError):
                volumes.open(path)
        sink.abort()


def test_times_are_those_of_publishing(tmp_path):
    sink = begun(tmp_path / "v.zarr")
    sink.write(Block(3, 3, A[3:].copy()))
    (tmp_path / "input").write_text("newer than anything written so far")
    os.utime(tmp_path / "input")
    sink.finish({})
    after = (tmp_path / "input").stat().st_mtime_ns
    assert (tmp_path / "v.zarr").stat().st_mtime_ns >= after
    assert (tmp_path / "v.zarr/zarr.json").stat().st_mtime_ns >= after


def test_a_place_that_cannot_be_written(tmp_path):
    if os.geteuid() == 0:
        (tmp_path / "f").write_text("")
        with pytest.raises(SweepError):
            begun(tmp_path / "f" / "v.npy")
        return
    tmp_path.chmod(0o500)
    with pytest.raises(SweepError, match="cannot be written: Permission denied"):
        begun(tmp_path / "v.npy")
    tmp_path.chmod(0o700)


def test_a_failing_codec_is_an_error_and_leaves_nothing(tmp_path):
    sink = volumes.create(tmp_path / "v.zarr", Head((130, 4, 5), "u1"))

    def fail(*_):
        raise OSError(28, "No space left on device")

    sink.writer.write = fail
    with pytest.raises(OSError, match="No space"):
        for z in range(0, 130, 10):
            sink.write(Block(z, 10, np.ones((10, 4, 5), "u1")))
    sink.abort()
    assert listing(tmp_path) == []


def test_what_was_left_of_a_cut_off_reclaiming_is_removed(tmp_path):
    sink = begun(tmp_path / "v.zarr")
    for pid, owner in ((1, publish._me()), (2, {**publish._me(), "pid": dead()}), (3, None)):
        aside = tmp_path / f".v.zarr.partial.{pid}"
        aside.mkdir()
        if owner:
            (aside / publish.OWNER).write_text(json.dumps(owner))
    sink.abort()
    write(tmp_path / "v.zarr", A)
    assert listing(tmp_path) == [".v.zarr.partial.1", "v.zarr"]      # that of a living owner may go back to its place
