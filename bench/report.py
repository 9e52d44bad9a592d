"""What was measured as markdown, and as a picture."""

import platform
from importlib.metadata import PackageNotFoundError, version

from . import bars
from .harness import OURS, PEER, THREADS

PACKAGES = ("numpy", "numba", "scipy", "scikit-image", "SimpleITK", "dask-image", "connected-components-3d", "edt", "zarr",
            "zarrs", "tensorstore", "tifffile", "h5py", "ngff-zarr")  # fmt: skip
MEMORY_HEAD = ("task", "ours", "a core", "of a copy", "best peer", "all peers", "times the best")
PROCESS_HEAD = ("task", "way", "seconds (least to most), runs", "Mvox/s", "a core", "MiB", "best peer / this", "this / copy",
                "result")  # fmt: skip
BUSY = (
    " **Others kept the machine busy while this was measured: times of the wall are long and uneven, most ways ran once or "
    "twice, caches were shared. Ratios are of ways that ran in turn; what is by the time of cores counts the time that a "
    "way itself was given. This is not what the machine can do when it is quiet.**"
)


def table(head, rows):
    """A table of markdown."""
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows))


def number(value, digits=3):
    """Three digits that count, without an exponent; - where there is none."""
    if value is None:
        return "-"
    return f"{value:.0f}" if abs(value) >= 10 ** (digits - 1) else f"{value:.{digits}g}"


def mib(n):
    return number(n / 2**20)


def in_memory(contest):
    """A row: ours, and each peer with how its result agrees."""
    ours, peer, copy = contest.ours, contest.peer, contest.copy
    rate = lambda row: number(contest.rate(row))  # noqa: E731
    others = [row for row in contest.rows if row.role == PEER or (row.role == OURS and row is not ours)]
    told = [f"{row.name} {rate(row)}" + (f" ({row.agrees})" if row.agrees else "") for row in others]
    told += [f"{name} missing" for name in contest.missing]
    share = f"{number(100 * copy.seconds / ours.seconds, 2)} %" if copy else "-"
    return (contest.task, rate(ours), number(contest.rate_per_core(ours)), share,
            f"{peer.name} {rate(peer)}" if peer else "-", "; ".join(told), number(contest.times_peer()))  # fmt: skip


def of_processes(contest):
    """A row for each way."""
    for i, row in enumerate(contest.rows):
        yield (
            "" if i else contest.task, row.name,
            f"{row.seconds:.2f} ({row.best:.2f} to {row.most:.2f}), {len(row.spent)}", number(contest.rate(row)),
            number(contest.rate_per_core(row)), mib(row.memory), number(contest.times_peer(row)),
            number(contest.times_copy(row)), row.agrees,
        )  # fmt: skip
    for name in contest.missing:
        yield "", name, "missing", "", "", "", "", "", ""


def of_starts(contest):
    for i, row in enumerate(contest.rows):
        spread = f"{row.seconds * 1e3:.0f} ({row.best * 1e3:.0f} to {row.most * 1e3:.0f})"
        yield "" if i else contest.task, row.name, spread, f"{row.cpu * 1e3:.0f}"


def of_series(held):
    for depth, measured, predicted in zip(held.depths, held.measured, held.predicted):
        yield held.name, str(depth), mib(measured), mib(predicted), f"{measured / predicted:.0%}"


def versions():
    """name version of each package, "name missing" for what is not installed."""
    for name in PACKAGES:
        try:
            yield f"{name} {version(name)}"
        except PackageNotFoundError:
            yield f"{name} missing"


def cpu():
    """The processor's name, where Linux tells."""
    try:
        with open("/proc/cpuinfo") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


def conditions(when):
    """What the machine is, and whether it did other things meanwhile: load averages as each part began and ended."""
    told = f"{cpu()}, {THREADS} cores; Python {platform.python_version()}; {', '.join(versions())}."
    if max((max(a, b) for *_, a, b in when.values()), default=0) > 2 * THREADS:
        told += BUSY
    rows = ((part, scale, str(rounds), f"{a:.1f} to {b:.1f}") for part, (scale, rounds, a, b) in when.items())
    return told + "\n\n" + table(("part", "scale", "counted rounds at most", "load of the machine"), rows)


def markdown(found):
    """The whole text, of what kept.py has."""
    contests = [*found["kernels"], *found["exact"], *found["commands"], *found["start"]]
    verdicts = bars.verdicts(contests, found["series"])
    measured = [holds for *_, holds, _ in verdicts if holds != "-"]
    each = lambda fn, part: (row for one in found[part] for row in fn(one))  # noqa: E731
    hard = ((name, command, number(ns), f"{log:.3f}") for name, command, ns, log in found["hard"])
    parts = (
        "# Speed and memory, against peers on the same bytes",
        f"Made by `make bench` (scale quick: `QUICK=1 make bench`). {conditions(found['when'])}",
        "Ways ran in turn; figures are medians. Mvox/s is million voxels a second of the wall, `a core` the same per "
        "second of one core's time. Results were compared in the same run. " + " ".join(found["said"]),
        f"## Bars: {measured.count('yes')} of {len(measured)} measured hold",
        table(("bar", "goal", "measured", "holds", "by the time of cores"), verdicts),
        "![how many times as fast as the best peer](results.png)",
        "## In memory: from an array to an array, in one process, Mvox/s",
        f"Ours takes {THREADS} threads and gets its voxels block by block. `of a copy` is its speed as a share of that of "
        "numpy's copy of the array.",
        table(MEMORY_HEAD, map(in_memory, [*found["kernels"], *found["exact"]])),
        "## Whole processes: from files to files, start included",
        "MiB is the most that all processes of a way held of their own. Ours waits until its files are on the disk; the "
        "peers do not.",
        table(PROCESS_HEAD, each(of_processes, "commands")),
        "## Start of a stage, milliseconds",
        table(("task", "way", "wall (least to most)", "of a core"), each(of_starts, "start")),
        "## Memory above the imports as volumes get deeper, MiB",
        table(("command", "slices", "measured", "predicted", "share"), each(of_series, "series")),
        "## What is hard for labels and distances",
        table(("volume", "command", "ns a voxel", "bytes of log a voxel"), hard),
    )
    return "\n\n".join(parts) + "\n"


def chart(found, path):
    """Times as fast as the best peer, in memory and whole processes apart; a mark where a bar is."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot, ticker

    goals = {bar.key: bar.goal for bar in bars.BARS if bar.of in (bars.times_peer, bars.times_best_run)}
    panels = {"in memory": [*found["kernels"], *found["exact"]], "whole processes": found["commands"]}
    panels = {title: [c for c in contests if c.peer] for title, contests in panels.items()}
    heights = [max(1, len(contests)) for contests in panels.values()]
    figure, axes = pyplot.subplots(2, 1, figsize=(9, 1.6 + 0.2 * sum(heights)), height_ratios=heights, layout="constrained")
    for axis, (title, contests) in zip(axes, panels.items()):
        places = range(len(contests))
        axis.barh(places, [c.times_peer() for c in contests], color="#3b75af")
        marked = [(goals[c.bar], y) for y, c in zip(places, contests) if c.bar in goals]
        axis.scatter([x for x, _ in marked], [y for _, y in marked], marker="|", s=90, color="#d1495b", label="bar")
        axis.set_yticks(places, [c.task for c in contests], fontsize=7)
        axis.set(xscale="log", title=f"{title}: times as fast as the best peer")
        axis.xaxis.set_major_formatter(ticker.StrMethodFormatter("{x:g}"))
        axis.xaxis.set_minor_formatter(ticker.NullFormatter())
        axis.axvline(1, color="black", linewidth=0.8)
        axis.invert_yaxis()
    axes[0].legend(loc="lower right")
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def different(contests):
    """A sentence for each way whose result was not what it had to be."""
    return [f"{c.task}: {row.name}: {row.agrees}" for c in contests for row in c.different]
