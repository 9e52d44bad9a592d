"""The list of commands as the folder ops/ tells it, read without importing anything: for `sweep --help` and builds.

Standard library only, so that a build can use it before anything is installed.
"""

import ast
from pathlib import Path

TASKS = ("Streams and flow", "Voxel by voxel", "Windows", "Answers", "Several sweeps", "Objects", "Geometry", "Tools")
OPS = Path(__file__).parent / "ops"
MARK = '.\\" the table of commands is put here when a package is built'


def names():
    """The commands; an underscore in a file's stem is a hyphen in the command."""
    return sorted(path.stem.replace("_", "-") for path in OPS.glob("[a-z]*.py"))


def commands():
    """[(name, task, summary)] of all commands."""
    return [(name, *facts(OPS / f"{name.replace('-', '_')}.py")) for name in names()]


def facts(path):
    """(task, summary) as the declaration `@op("summary", task="...")` in a file has them, in so many words."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef) and node.name.strip("_") == path.stem:
            calls = [c for c in node.decorator_list if isinstance(c, ast.Call)]
        elif isinstance(node, ast.Assign) and any(getattr(t, "id", "") == path.stem for t in node.targets):
            calls = [c for c in ast.walk(node.value) if isinstance(c, ast.Call)]
        else:
            continue
        for call in calls:
            said = {k.arg: k.value.value for k in call.keywords if isinstance(k.value, ast.Constant)}
            first = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None
            if said.get("task") in TASKS and isinstance(first, str):
                return said["task"], first
    raise ValueError(f"{path}: no declaration of {path.stem} that has its summary and task in so many words")


def by_task(rows):
    """[(task, [(name, summary)])], in the order of the headings."""
    return [(task, [(n, s) for n, t, s in rows if t == task]) for task in TASKS if any(t == task for _, t, _ in rows)]


def table():
    """The commands by task, in mdoc."""
    lines = []
    for task, rows in by_task(commands()):
        lines += [f".Ss {task}", '.Bl -tag -width "sweep-remove-small"']
        for name, summary in rows:
            lines += [f".It Xr sweep-{name} 1", summary]
        lines.append(".El")
    return "\n".join(lines) + "\n"


def with_table(page):
    """The text of sweep(1) with the table of commands at its mark."""
    before, mark, after = page.partition(MARK + "\n")
    if not mark:
        raise ValueError("sweep.1 has lost the mark where the table of commands goes")
    return before + table() + after
