"""What the folder ops/ decides at build time: a script per command, and the table of commands in sweep(1)."""

import sys
from pathlib import Path

from setuptools import setup

HOME = Path(__file__).resolve().parent
sys.path.insert(0, str(HOME))

from sweeptools import listing  # noqa: E402


def manuals():
    """[(folder, pages)]; sweep(1) is built from the one in man/."""
    built = HOME / "build" / "man" / "sweep.1"
    built.parent.mkdir(parents=True, exist_ok=True)
    built.write_text(listing.with_table((HOME / "man" / "sweep.1").read_text()))
    pages = sorted(p for p in (HOME / "man").glob("sweep*.[157]") if p.name != "sweep.1")
    by_section = {n: [str(p.relative_to(HOME)) for p in pages if p.suffix == f".{n}"] for n in "157"}
    by_section["1"].append(str(built.relative_to(HOME)))
    return [(f"share/man/man{n}", found) for n, found in by_section.items() if found]


scripts = ["sweep = sweeptools.cli:main", *(f"sweep-{name} = sweeptools.cli:main" for name in listing.names())]
setup(entry_points={"console_scripts": scripts}, data_files=manuals())
