"""sweep-tee, as typed: what goes on, what is written beside, and how it fails."""

import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from sweeptools import volumes
from sweeptools.ops import load

BIN = Path(__file__).parent.parent.parent / "bin"
MAKE = "sweep-synth noise --shape 12,20,30 --dtype uint16"


@pytest.fixture
def pipe(shell, tmp_path):
    """pipe(line) -> (exit statuses of its stages, stdout, stderr)."""

    def run(line):
        done = shell(f'{line}\necho "${{PIPESTATUS[*]}}" > status')
        return (tmp_path / "status").read_text().strip(), done.stdout, done.stderr

    return run


def voxels(path):
    source = volumes.open(str(path))
    return np.concatenate([block.array(source.head) for block in source.blocks("up")])


def test_passes_on_and_writes_all_branches(pipe, tmp_path):
    status, out, err = pipe(
        f"{MAKE} | sweep-tee a.zarr --to 'sweep-threshold 30000 | sweep-write b.npy' --to 'sweep-stats' |"
        "sweep-write c.npy"
    )
    assert (status, out) == ("0 0 0", "")
    whole = voxels(tmp_path / "c.npy")
    assert whole.shape == (12, 20, 30) and whole.std() > 1000
    np.testing.assert_array_equal(voxels(tmp_path / "a.zarr"), whole)
    np.testing.assert_array_equal(voxels(tmp_path / "b.npy"), whole >= 30000)
    table = [line for line in err.splitlines() if "b.npy does not keep role, history" not in line]
    assert table[0].split("\t")[0] == "count" and table[1].split("\t")[0] == "7200"


def test_the_copy_is_the_one_that_write_makes(pipe, tmp_path):
    assert pipe(f"{MAKE} | sweep-tee a.zarr | sweep-write b.npy")[0] == "0 0 0"
    assert pipe(f"{MAKE} | sweep-write b.zarr")[0] == "0 0"
    files = {p.relative_to(tmp_path / "b.zarr") for p in (tmp_path / "b.zarr").rglob("*") if p.is_file()}
    assert files == {p.relative_to(tmp_path / "a.zarr") for p in (tmp_path / "a.zarr").rglob("*") if p.is_file()}
    for file in files:
        mine, other = ((tmp_path / name / file).read_bytes() for name in ("a.zarr", "b.zarr"))
        assert mine == other.replace(b'"b"', b'"a"')


def test_a_branch_that_fails_fails_the_whole(pipe, tmp_path):
    (tmp_path / "there.zarr").mkdir()
    (tmp_path / "there.zarr" / "file").touch()
    status, _, err = pipe(f"{MAKE} | sweep-tee --to 'sweep-clip 0 9 | sweep-write there.zarr' | sweep-write out.npy")
    assert status.split()[1:] == ["3", "3"]
    assert "sweep-tee: branch failed: 'sweep-clip 0 9 | sweep-write there.zarr' ended with exit status 3\n" in err
    assert "sweep-write: not written: sweep-tee failed: branch failed: " in err
    assert not (tmp_path / "out.npy").exists()


@pytest.mark.parametrize(("branch", "status", "how"), [
    ("cat >/dev/null; exit 7", 7, "with exit status 7"), ("true", 1, "before the stream did"),
    ("kill -9 $$", 1, "with exit status 137"), ("no-such-command", 1, "with exit status 127"),
])  # fmt: skip
def test_ways_a_branch_can_fail(pipe, tmp_path, branch, status, how):
    stages, _, err = pipe(f"sweep-synth noise --shape 40,500,500 | sweep-tee --to '{branch}' | sweep-write out.npy")
    assert stages.split()[1:] == [str(status)] * 2
    assert f"sweep-tee: branch failed: '{branch}' ended {how}\n" in err
    assert not (tmp_path / "out.npy").exists()


def test_a_stream_that_fails_publishes_nowhere(pipe, tmp_path):
    (tmp_path / "late.py").write_text(
        "count = 0\ndef late(a):\n    global count\n    count += 1\n    assert count < 3, 'too late'\n    return a\n"
    )
    status, _, err = pipe(
        "sweep-synth noise --shape 30,1000,1000 | sweep-map late.py:late --dtype uint8 | "
        "sweep-tee a.zarr --to 'sweep-write b.zarr' | sweep-write c.npy"
    )
    assert status.split()[1:] == ["1", "1", "1"]
    assert not [p.name for p in tmp_path.iterdir() if p.name[0] in "abc" or "partial" in p.name]
    assert err.count("sweep-write: not written: sweep-map failed: late.py:late failed") == 2
    assert "sweep-tee:" not in err


def test_a_slow_branch_slows_the_stream_and_both_arrive(pipe, tmp_path):
    status, _, _ = pipe(
        "sweep-synth noise --shape 40,700,700 | sweep-tee --to '(sleep 1; cat) | sweep-write a.npy' | sweep-write b.npy"
    )
    assert status == "0 0 0"
    np.testing.assert_array_equal(voxels(tmp_path / "a.npy"), voxels(tmp_path / "b.npy"))


def test_an_interrupted_tee_leaves_nothing(tmp_path):
    stages, pipe = [], None
    env = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "SWEEP_PYTHON": sys.executable}
    lines = ("synth noise --shape 100000,1000,1000", "tee a.zarr --to 'sweep-write b.zarr'", "write c.zarr")
    for name, *words in map(shlex.split, lines):
        stages.append(subprocess.Popen(
            [BIN / f"sweep-{name}", *words], cwd=tmp_path, stdin=pipe, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, env=env,
        ))  # fmt: skip
        if pipe:
            pipe.close()
        pipe = stages[-1].stdout
    partials = [tmp_path / f".{name}.zarr.partial" for name in "abc"]
    wait_until(lambda: all(p.exists() for p in partials))
    stages[1].terminate()
    assert stages[1].wait(30) == 143
    wait_until(lambda: not any(tmp_path.iterdir()))
    assert stages[2].wait(30) == 143
    stages[0].wait(30)
    pipe.close()


def wait_until(holds, seconds=60):
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_nothing_to_write_is_a_usage_error(pipe):
    status, _, err = pipe(f"{MAKE} | sweep-tee | cat >/dev/null")
    assert status.split()[1] == "2" and "give an ADDRESS or --to 'PIPELINE'" in err


def test_declaration():
    assert (load("tee").kind, load("tee").output) == ("tool", "stream")
