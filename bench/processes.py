"""Whole processes on files: a pipe is started, watched and waited for.

Files lie in the page cache. Memory is the most that all processes of the tree held at the same time of their own
(RssAnon + RssShmem of /proc, sampled), so that libraries shared with others count for nobody; CPU is what they used,
as wait4 tells.
"""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from pathlib import Path

from .harness import Spent, Way

HOME = Path(__file__).parent.parent
EVERY = 0.01           # seconds between two looks at the memory


def pipe(line):
    """The stages of a shell pipe, each a process."""
    return [shlex.split(stage) for stage in line.split(" | ")]


def one(line):
    """The same pipe as one process."""
    return [["sweep-run", line]]


def peer(name, *words):
    """A function of files.py as a process."""
    return [[sys.executable, "-m", "bench.files", name, *map(str, words)]]


def environment():
    """This checkout's commands with this interpreter, without a line of progress."""
    path = os.pathsep.join((str(HOME / "bin"), os.environ["PATH"]))
    return {**os.environ, "PATH": path, "PYTHONPATH": str(HOME), "SWEEP_PYTHON": sys.executable, "SWEEP_PROGRESS": "off",
            "PYTHONWARNINGS": "ignore"}  # fmt: skip


def run(stages, folder, out=None):
    """Spent of a pipe, from the first start to the last end; `out` is removed before and is what came out. A stage that
    fails ends the bench with what it said."""
    if out:
        shutil.rmtree(folder / out, ignore_errors=True)
        (folder / out).unlink(missing_ok=True)
    started, cpu, before = [], 0.0, subprocess.DEVNULL
    with tempfile.TemporaryFile() as said:
        began = time.perf_counter()
        for i, words in enumerate(stages):
            last = i == len(stages) - 1
            process = subprocess.Popen(words, cwd=folder, stdin=before, stderr=said, env=environment(),
                                       stdout=subprocess.DEVNULL if last else subprocess.PIPE)  # fmt: skip
            if i:
                before.close()
            before = process.stdout
            started.append(process)
        watch = Watch([process.pid for process in started])
        for process in started:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            cpu += usage.ru_utime + usage.ru_stime
        seconds = time.perf_counter() - began
        memory = watch.stop()
        for process in started:
            if process.returncode:
                said.seek(0)
                raise SystemExit(f"bench: {shlex.join(process.args)} ended with status {process.returncode}\n"
                                 + said.read().decode(errors="replace"))  # fmt: skip
    return Spent(seconds, cpu, folder / out if out else None, memory)


def way(name, role, stages, folder, out=None, same=None):
    """A Way that runs these stages."""
    return Way(name, role, partial(run, stages, folder, out), same)


class Watch:
    """The most that processes and all that they start held at once, from now on until it is stopped."""

    def __init__(self, pids):
        self.pids, self.bytes, self._end = pids, 0, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self):
        while not self._end.wait(EVERY):
            self.bytes = max(self.bytes, sum(map(held, self.pids)))

    def stop(self):
        self._end.set()
        self._thread.join()
        return self.bytes


def held(pid):
    """Bytes that a process and its children hold of their own; 0 when it has ended."""
    try:
        with open(f"/proc/{pid}/status") as status:
            lines = [line.split() for line in status]
        with open(f"/proc/{pid}/task/{pid}/children") as children:
            below = children.read().split()
    except (OSError, ValueError):
        return 0
    return sum(int(line[1]) << 10 for line in lines if line[0] in ("RssAnon:", "RssShmem:")) + sum(map(held, below))
