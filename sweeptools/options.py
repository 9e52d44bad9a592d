"""The options that every command shares, defined once, and what they came to for one run."""

import os
from dataclasses import dataclass, field

from . import machine
from .params import Choice, Count, Flag, Param, Text


class Size(Param):
    """A number of bytes: 512M, 8G; powers of 1024."""

    metavar = "SIZE"
    unit = "bytes, or with K M G T: powers of 1024"

    def parse(self, text):
        return machine.parse_size(text, self.name)


class File(Text):
    """A file's path."""

    metavar = "FILE"


SHARED = {
    "threads": Count("threads of the process, codecs included; else $SWEEP_THREADS, else what is granted", low=1),
    "memory": Size("ceiling of the memory; else $SWEEP_MEMORY, else what the machine grants"),
    "tmpdir": Text("where what does not fit is kept; else $SWEEP_TMPDIR, $TMPDIR, beside the output", metavar="DIR"),
    "progress": Choice("auto draws on a terminal, else is plain; else $SWEEP_PROGRESS", "auto", "plain", "json", "off"),
    "report": File("write what the run took and found, as JSON", metavar="FILE.json"),
    "quiet": Flag("say nothing but errors", short="q"),
    "verbose": Flag("say more", short="v"),
    "no_history": Flag("leave this command out of the volume's history"),
}
ANSWERS = {
    "json": Flag("print one JSON object a row"),
    "out": File("write the answer to FILE, by its suffix .tsv .json .parquet, when complete"),
    "pass_": File("the same as --out, and the stream goes on to stdout"),
}
for _name, _param in (SHARED | ANSWERS).items():
    _param.name = _name.strip("_")


@dataclass
class Options:
    """What the shared options came to. `memory` is what --memory said; `budget` is what holds without it, too."""

    threads: int = field(default_factory=machine.threads)
    memory: int | None = None
    tmpdir: str | None = None
    progress: str = field(default_factory=lambda: SHARED["progress"].parse(os.environ.get("SWEEP_PROGRESS", "auto")))
    report: str | None = None
    quiet: bool = False
    verbose: bool = False
    history: bool = True
    json: bool = False
    out: str | None = None
    pass_: str | None = None

    def __post_init__(self):
        if self.quiet and self.progress == "auto":
            self.progress = "off"

    @property
    def budget(self):
        """Bytes granted: --memory, else $SWEEP_MEMORY, else what the machine grants."""
        return self.memory or machine.memory()

    @classmethod
    def of(cls, given):
        """From the shared options that were given, by name."""
        facts = dict(given)
        history = not facts.pop("no_history", False)
        return cls(**facts, history=history)
