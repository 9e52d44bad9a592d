"""What was measured as a file of JSON, so that parts can be measured apart and reported together."""

import json
from dataclasses import asdict

from .harness import Contest, Row, Spent
from .memory import Held

PARTS = ("kernels", "exact", "hard", "commands", "start", "series")


def nothing():
    """{part: what it found}, and beside them sentences ("said") and the conditions of each part ("when")."""
    return {part: [] for part in PARTS} | {"said": [], "when": {}}


def save(found, path):
    """Write what was found; a file is complete or the old one."""
    plain = {part: [one if isinstance(one, (tuple, str)) else asdict(one) for one in many] if part != "when" else many
             for part, many in found.items()}  # fmt: skip
    new = path.with_suffix(".new")
    new.write_text(json.dumps(plain, indent=1) + "\n")
    new.replace(path)


def load(path):
    """What was found so far; nothing where there is no file."""
    if not path.exists():
        return nothing()
    plain = json.loads(path.read_text())
    made = {"hard": tuple, "series": lambda one: Held(**one), "said": str}
    return {part: many if part == "when" else list(map(made.get(part, _contest), many)) for part, many in plain.items()}


def _contest(one):
    rows = tuple(Row(**{**row, "spent": tuple(Spent(**spent) for spent in row["spent"])}) for row in one["rows"])
    return Contest(**{**one, "rows": rows, "missing": tuple(one["missing"])})
