"""A record as a manual page; `python -m sweeptools.page --write` writes all pages and the links in bin/.

What a page says by hand beyond its record stands in man/parts/NAME.mdoc.
"""

import os
import sys
from pathlib import Path

from . import ops, usage
from .errors import SweepError
from .graph import elaborate
from .machine import spell_size
from .mdoc import flow, literal, prose, tagged, word
from .params import Flag
from .spec import EXTENTS, Head, Node, Source
from .words import parse, shared

ROOT = Path(__file__).parent.parent
DATE = "November 22, 2026"
MADE = '.\\" made by python -m sweeptools.page --write from sweeptools/ops/{stem}.py: edit there'
EXAMPLE = Head(
    (1024, 1024, 1024), "uint16", spacing=(1.0, 1.0, 1.0), unit="micrometer", chunks=(64, 64, 64), depth=4
)  # fmt: skip
STATUS = """\
.Ex -std sweep-{name}
It is 1 after a failure, 2 where the command line has no meaning, 3 where the
work was refused before it began, 4 where data failed verification, 141 where
the reader of the output went away; see
.Xr sweep 1 ."""


def page(op):
    """The page of one command, in mdoc."""
    part = ROOT / "man" / "parts" / f"{op.name}.mdoc"
    lines = [
        MADE.format(stem=op.name.replace("-", "_")), f".Dd {DATE}", f".Dt SWEEP-{op.name.upper()} 1", ".Os sweeptools",
        ".Sh NAME", f".Nm sweep-{op.name}", f".Nd {op.summary}", ".Sh SYNOPSIS", ".Nm", *_synopsis(op),
        ".Sh DESCRIPTION", *prose(op.doc), *_options(op), *_streaming(op),
        *(part.read_text().rstrip("\n").split("\n") if part.exists() else []),
        ".Sh EXIT STATUS", *STATUS.format(name=op.name).split("\n"),
        ".Sh EXAMPLES", *literal("\n".join(usage.pipes(op)), indent=True),
        ".Sh SEE ALSO", ".Xr sweep 1 ,", ".Xr sweep-stream 5 ,", ".Xr sweep-pipelines 7 ,", ".Xr sweep-stability 7",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _form(name, param):
    """A parameter in mdoc: `Ar SIGMA`, `Fl -truncate Ar NUMBER`, `Fl q , Fl -quiet`."""
    if param.positional:
        return f"Ar {word(usage.spelt(name, param))}" + (" ..." if param.multiple else "")
    short = f"Fl {param.short} , " if param.short else ""
    values = "".join(f" Ar {word(value)}" for value in usage.values(param))
    return f"{short}Fl {usage.option(name).removeprefix('-')}{values}"


def _synopsis(op):
    lines = []
    for name, param in sorted(op.params.items(), key=lambda item: not item[1].positional):
        form = _form(name, param).split(" , ")[-1] + (" ..." if param.multiple and not param.positional else "")
        lines.append(f".Op {form}" if name in op.defaults or isinstance(param, Flag) else f".{form}")
    return [*lines, ".Op Ar OPTION ..."]


def row(op, name, param):
    """(macro line, text) of one parameter: its help and its facts."""
    told = usage.facts(op, name, param)
    return _form(name, param), param.help + (f" ({'; '.join(told)})" if told else "")


def _options(op):
    lines = []
    if op.params:
        lines += [".Pp", "The arguments are as follows."]
        lines += tagged([row(op, name, param) for name, param in op.params.items()])
    names = ", ".join(usage.option(name) for name in shared(op))
    return [*lines, ".Pp", *flow(f"Options of every command, see sweep(1): {names}, --help, --version.")]


def _streaming(op):
    """What the record says of memory and of parts, with figures for a stated volume."""
    if op.kind in ("source", "sink", "tool"):
        return []
    rows, extent = [], op.extent
    for example in op.examples:
        graph, memory = measure(op, example)
        if graph:
            extent = max(extent, graph.extent, key=EXTENTS.index)
            halo = ",".join(str(a) if a == b else f"{a}+{b}" for a, b in graph.halo)
            bound = spell_size(1 << memory.bit_length())          # coarse, so that tuning the runner changes no page
            rows.append((f"sweep-{op.name} {example}".rstrip(), halo, str(graph.sweeps), bound))
    lines = [".Sh STREAMING", ".Nm", *flow(f"{usage.EXTENTS[extent]}. The result is {usage.result(op)}.")]
    if rows:
        lines += [".Pp", *flow("On uint16 slices of 1024 x 1024 voxels of 1 um, by one thread; memory is what comes on"
                               " top of the interpreter and the libraries:")]  # fmt: skip
        table = [("", "halo z,y,x", "sweeps", "memory below"), *rows]
        widths = [max(len(r[k]) for r in table) for k in range(4)]
        lines += literal("\n".join("  ".join(cell.ljust(w) for cell, w in zip(r, widths)) for r in table), indent=True)
    return lines


def measure(op, example):
    """(Graph, bytes of memory) of one example on the stated volume; (None, 0) where that volume cannot show it: it
    needs files, or voxels of another kind."""
    from .run import Run

    if any(p.multiple for name, p in op.params.items() if name in op.inputs):
        return None, 0
    try:
        leaves = [Node(head=EXAMPLE, name=name) for name in op.inputs]
        params = {name: value for name, value in parse(op, usage.words(example)).items() if name not in op.inputs}
        node = Node(op, tuple(leaves), params, op.name)
        graph = elaborate(node)
        sources = {name: Source(EXAMPLE, None, name=name) for name in op.inputs}
        held = sum(size for _, size in Run([node], sources).memory())
    except (SweepError, OSError):
        return None, 0
    return graph, held


# ------------------------------------------------------------------ files


def files(root=ROOT):
    """{path: text, or the target of a link}: what the folder ops/ makes of man/ and bin/."""
    made = {}
    for name in ops.names():
        made[root / "man" / f"sweep-{name}.1"] = page(ops.load(name))
        made[root / "bin" / f"sweep-{name}"] = Path("sweep")
    return made


def stale(root=ROOT):
    """Pages and links of commands that are no more."""
    wanted = files(root)
    pages = (p for p in (root / "man").glob("sweep-*.1") if p.read_text().startswith(MADE.split("{")[0]))
    return [p for p in (*pages, *(root / "bin").glob("sweep-*")) if p not in wanted]


def write(root=ROOT):
    """Write what differs; returns the paths that were written or removed."""
    changed = []
    for path, content in files(root).items():
        if isinstance(content, Path):
            if not path.is_symlink() or os.readlink(path) != str(content):
                path.unlink(missing_ok=True)
                path.symlink_to(content)
                changed.append(path)
        elif not path.exists() or path.read_text() != content:
            path.write_text(content)
            changed.append(path)
    for path in stale(root):
        path.unlink()
        changed.append(path)
    return changed


def main(words):
    if words == ["--write"]:
        for path in write():
            print(path.relative_to(ROOT))
        return 0
    if len(words) == 1 and words[0] in ops.names():
        print(page(ops.load(words[0])), end="")
        return 0
    print("usage: python -m sweeptools.page --write | NAME", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
