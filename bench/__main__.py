"""Whole processes against plain peers on the same bytes: `python -m bench` (QUICK=1 for a small volume) -> results.md.

Each contest runs all its commands in turn, several rounds, in fresh processes, from and to files that are in the page
cache; a round before the first is not counted (it compiles and fills the caches). Memory is the sum over the processes
of a command of the most that each had resident, as wait4 tells: libraries that they share count once for each.
"""

import os
import platform
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
QUICK = os.environ.get("QUICK", "") not in ("", "0")
SHAPE = (128, 256, 256) if QUICK else (512, 512, 512)
ROUNDS = 3 if QUICK else 5
THREADS = len(os.sched_getaffinity(0))

SCIPY = "import sys, numpy as np, scipy.ndimage as n; v = np.load('in.npy'); np.save('out.npy', {})"
COPY = "import zarr; v = zarr.open_array('in.zarr', mode='r'); " + (
    "o = zarr.create_array('out.zarr', shape=v.shape, dtype=v.dtype, chunks=v.chunks, compressors=v.compressors); {}"
)
STATS = "import numpy as np; v = np.load('in.npy'); print(v.min(), v.max(), v.sum(), v.mean(), v.std())"


def ours(line):
    """A pipe of commands, each a process."""
    return [shlex.split(stage) for stage in line.split(" | ")]


def one(line):
    """The same pipe as one process."""
    return [["sweep-run", line]]


WINDOWS = "sweep-read in.zarr | sweep-gauss 2 | sweep-median 3 | sweep-box 3 | sweep-write out.zarr"
TEN = ("sweep-read in.zarr | sweep-gauss 2 | sweep-median 3 | sweep-gradmag 1 | sweep-erode ball:2 | sweep-dilate ball:2"
       " | sweep-box 3 | sweep-clip 10 3000 | sweep-rescale 10 3000 0 255 | sweep-threshold 20 | sweep-cast uint8"
       " | sweep-write out.zarr")  # fmt: skip
SECOND = "sweep-read in.zarr | sweep-gauss 1 | sweep-otsu | sweep-write out.zarr"


def peer(code):
    return [[sys.executable, "-c", code]]


CONTESTS = {
    "Gaussian, sigma 2": {
        "sweeptools": ours("sweep-read in.npy | sweep-gauss 2 | sweep-write out.npy"),
        "scipy, whole in memory": peer(SCIPY.format("n.gaussian_filter(v, 2, output='f4').round().astype(v.dtype)")),
    },
    "median, 3 x 3 x 3": {
        "sweeptools": ours("sweep-read in.npy | sweep-median 3 | sweep-write out.npy"),
        "scipy, whole in memory": peer(SCIPY.format("n.median_filter(v, 3)")),
    },
    "threshold, label": {
        "sweeptools": ours("sweep-read in.npy | sweep-threshold 40000 | sweep-label | sweep-write out.npy"),
        "scipy, whole in memory": peer(SCIPY.format("n.label(v >= 40000)[0].astype('u4')")),
    },
    "count, extremes, mean, deviation": {
        "sweeptools": ours("sweep-read in.npy | sweep-stats"),
        "numpy, whole in memory": peer(STATS),
    },
    "three windows, Zarr to Zarr": {"sweep-run, one process": one(WINDOWS), "a shell pipe": ours(WINDOWS)},
    "ten filters, Zarr to Zarr": {"sweep-run, one process": one(TEN), "a shell pipe": ours(TEN)},
    "two sweeps, Zarr to Zarr": {"sweep-run, one process": one(SECOND), "a shell pipe": ours(SECOND)},
    "copy of a Zarr, chunks of 64, lz4": {
        "sweeptools": ours("sweep-read in.zarr | sweep-write out.zarr --ome none --shards none"),
        "zarr-python, by rows of chunks": peer(
            COPY.format("[o.__setitem__(slice(z, z + 64), v[z:z + 64]) for z in range(0, v.shape[0], 64)]")
        ),
    },
}


def run(stages, folder):
    """(seconds, bytes) of the processes of a pipe, from the first start to the last end; any failure is one."""
    subprocess.run(["rm", "-rf", "out.npy", "out.zarr"], cwd=folder, check=True)
    began, before, started = time.perf_counter(), subprocess.DEVNULL, []
    for i, words in enumerate(stages):
        last = i == len(stages) - 1
        process = subprocess.Popen(words, cwd=folder, stdin=before, stdout=subprocess.DEVNULL if last else subprocess.PIPE)
        if i:
            before.close()
        before = process.stdout
        started.append(process)
    memory = 0
    for process in started:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"bench: {shlex.join(process.args)} ended with status {process.returncode}")
        memory += usage.ru_maxrss << 10
    return time.perf_counter() - began, memory


def contest(entries, folder):
    """{name: (median, least, greatest seconds; most bytes)}, all commands in turn in each round."""
    found = {name: [] for name in entries}
    for i in range(ROUNDS + 1):
        for name, stages in entries.items():
            result = run(stages, folder)
            if i:
                found[name].append(result)
    times = {name: [t for t, _ in results] for name, results in found.items()}
    return {
        name: (statistics.median(t), min(t), max(t), max(m for _, m in found[name])) for name, t in times.items()
    }


def table(results):
    """The results as a table of markdown; ratios are to the peer: below 1 is faster, or smaller."""
    yield "| task | command | seconds, median (least to most) | ratio | memory, MiB | ratio |\n|---|---|---|---|---|---|"
    for task, rows in results.items():
        *_, other = rows.values()
        for name, (median, least, most, memory) in rows.items():
            yield (
                f"| {task} | {name} | {median:.2f} ({least:.2f} to {most:.2f}) | {median / other[0]:.2f} "
                f"| {memory / 2**20:.0f} | {memory / other[3]:.2f} |"
            )


def main():
    os.environ["PATH"] = os.pathsep.join((str(HERE.parent / "bin"), os.environ["PATH"]))
    os.environ |= {"SWEEP_PYTHON": sys.executable, "SWEEP_PROGRESS": "off"}
    with tempfile.TemporaryDirectory() as folder:
        shape = ",".join(map(str, SHAPE))
        for out in ("in.npy", "in.zarr --ome none --shards none"):
            run(ours(f"sweep-synth blobs --shape {shape} --dtype uint16 | sweep-write {out}"), folder)
        results = {}
        for task, entries in CONTESTS.items():
            print(f"bench: {task}", file=sys.stderr)
            results[task] = contest(entries, folder)
    megabytes = np.prod(SHAPE) * 2 / 2**20
    text = (
        f"# Whole processes against plain peers\n\n{__doc__.partition(chr(10) * 2)[2]}\n"
        f"Volume: {' x '.join(map(str, SHAPE))} of uint16, {megabytes:.0f} MiB. Rounds: {ROUNDS}. "
        f"{THREADS} CPUs, {platform.machine()}, Python {platform.python_version()}. "
        f"Load when it ended: {os.getloadavg()[0]:.1f}.\n\n" + "\n".join(table(results)) + "\n"
    )
    (HERE / "results.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
