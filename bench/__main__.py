"""`python -m bench [PART ...]`: ours against peers -> results.md and results.png; QUICK=1 takes smaller volumes.

Parts are kernels, exact, hard, commands, start and series; without one all are measured. What each found is kept in
results.json, and the report is made of all that is there, so that parts may be measured one at a time. A result that is
not the peers' ends it with status 1.
"""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

from . import commands, exact, kept, kernels, memory, report, start
from .harness import FULL, QUICK, say

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
MEASURES = {"kernels": kernels.contests, "exact": exact.contests, "hard": exact.hard, "commands": commands.contests,
            "start": start.contests, "series": memory.series}  # fmt: skip


def measure(part, scale, found):
    """Measure one part anew, in place of what was found before; kept after each contest."""
    before, found[part] = os.getloadavg()[1], []
    if part == "commands":
        found["said"] = []
    for what in MEASURES[part](scale):
        found["said" if isinstance(what, str) else part].append(what)
        found["when"][part] = [scale.name, scale.rounds, before, os.getloadavg()[1]]
        kept.save(found, RESULTS)


def publish(found):
    (HERE / "results.md").write_text(report.markdown(found))
    if find_spec("matplotlib"):
        report.chart(found, HERE / "results.png")
    say("results.md is written" + ("" if find_spec("matplotlib") else "; no chart: matplotlib is missing"))


def main(words):
    scale = QUICK if os.environ.get("QUICK", "") not in ("", "0") else FULL
    if unknown := set(words) - set(MEASURES):
        sys.exit(f"bench: there is no part {', '.join(sorted(unknown))}; parts are {', '.join(MEASURES)}")
    found = kept.load(RESULTS) if words else kept.nothing()
    for part in words or MEASURES:
        measure(part, scale, found)
    publish(found)
    wrong = report.different([*found["kernels"], *found["exact"], *found["commands"]])
    for line in wrong:
        say(line)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
