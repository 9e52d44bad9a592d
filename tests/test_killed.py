"""A writer that is killed at any moment of an overwrite leaves the old volume or the new one, never neither, never a
mixture; the next command that opens it, or writes it, mends what a death between two renames left.

The writer is forked a hundred times from a process of its own that has run no codec, whose threads a fork would lose.
It dies at a step of its own, the n-th time that it opens, makes, renames or removes something, at every step of the
publishing, or after a while.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path

import numpy as np
import pytest
from conftest import environment

STEPS, MOVES = ("open", "os.", "shutil."), ("os.rename", "os.remove", "os.rmdir")
KINDS = {"v.zarr": {"pyramid": 1, "chunks": (5, 10, 11), "shards": "none"}, "slices/": {}}


@pytest.mark.skipif(sys.platform != "linux", reason="owners are told from /proc")
@pytest.mark.parametrize("name, moments, whiles", [("v.zarr", 40, 20), ("slices/", 10, 10)])
def test_a_killed_writer_leaves_the_old_volume_or_the_new_one(tmp_path, name, moments, whiles):
    words = (sys.executable, __file__, tmp_path, name, str(moments), str(whiles))
    here = {"PYTHONPATH": f"{Path(__file__).parent.parent}:{os.environ.get('PYTHONPATH', '')}"}
    done = subprocess.run(words, capture_output=True, text=True, timeout=240, env=environment() | here)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["killed"] >= told["last"] > 4 and told["old"] > moments / 2 and told["new"] > 2 and told["gone"] > 0, told


# ------------------------------------------------------------------ the process that forks


def volume(seed):
    return np.random.default_rng(seed).integers(1, 9, (9, 10, 11), np.uint8)


def write(path, seed, at=None, publishing=False, folder=None):
    """Write a volume over what is there, in a process that dies at step `at`, counted from the beginning or from when it
    moves the old volume aside; the number of steps."""
    from sweeptools import volumes
    from sweeptools.spec import Block, Head

    steps = 0

    def step(event, args):
        nonlocal steps
        if not event.startswith(STEPS) or not args or not (event in MOVES or str(args[0]).startswith(folder)):
            return
        steps += not publishing or steps > 0 or (event == "os.rename" and str(args[1]).endswith("/replaced"))
        if steps == at:
            os.kill(os.getpid(), signal.SIGKILL)

    if folder:
        sys.addaudithook(step)
    a = volume(seed)
    how = KINDS[Path(path).name + "/" * path.endswith("/")]
    sink = volumes.create(path, Head(a.shape, a.dtype), threads=1, overwrite=True, **how)
    for z in range(0, 9, 3):
        sink.write(Block(z, 3, a[z : z + 3].copy()))
    sink.finish({})
    return steps


def forked(fn, *args, seconds=None):
    """What a function gives in a child, or None where that was killed, after some seconds where they are given."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.write(writer, json.dumps(fn(*args)).encode())
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(writer)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(pid, signal.SIGKILL)
    with open(reader, "rb") as file:
        said = file.read()
    status = os.waitpid(pid, 0)[1]
    assert status == 0 or os.WTERMSIG(status) == signal.SIGKILL, (status, args)
    return json.loads(said) if status == 0 else None


def tree(path):
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file()}


def main(folder, name, moments, whiles):
    import zarrs  # noqa: F401

    import sweeptools.volumes.tiffwrite
    import sweeptools.volumes.zarrwrite  # noqa: F401
    from sweeptools.kernels.blocks import reduce_blocks
    from sweeptools.volumes import address, publish, zarr

    zarr.pipeline(1)
    reduce_blocks(volume(0), np.empty((5, 5, 6), "u1"), (0, 5, 0, 5, 0, 6), (2, 2, 2), "mean")      # compiled once
    path, target = f"{folder}/{name}", Path(folder) / name.rstrip("/")
    hidden = target.with_name(f".{target.name}.partial")
    trees = []
    for seed in (0, 1):
        start = time.perf_counter()
        steps = forked(write, path, seed, -1, False, folder)
        took = time.perf_counter() - start
        trees.append(tree(target))
    last = forked(write, path, 1, -1, True, folder)
    assert trees[0] != trees[1] and set(trees[0]) == set(trees[1])
    rng = random.Random(4711)
    dies = [(at, False, None) for at in rng.choices(range(1, steps), k=moments)]
    dies += [(at, True, None) for at in range(1, last + 1)]
    dies += [(-1, False, rng.uniform(0, took)) for _ in range(whiles)]
    rng.shuffle(dies)
    now, told = 1, {"steps": steps, "last": last, "killed": 0, "old": 0, "new": 0, "gone": 0}
    for at, publishing, seconds in dies:
        told["killed"] += forked(write, path, 1 - now, at, publishing, folder, seconds=seconds) is None
        told["gone"] += not target.exists()
        address.readable(path)                                       # as every command does that opens it
        found = tree(target)
        assert found in trees, f"neither the old nor the new volume after {at, publishing, seconds}"
        told["old" if found == trees[now] else "new"] += 1
        now = trees.index(found)
        assert all(other == target.name or other.startswith(hidden.name) for other in os.listdir(folder))
        if hidden.exists() and publish._owner(hidden) is None:
            os.utime(hidden, (0, 0))                                 # who has not said its name has ten seconds to do so
    assert forked(write, path, 1 - now) is not None and tree(target) == trees[1 - now]
    assert os.listdir(folder) == [target.name]
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:3], *map(int, sys.argv[3:5]))
