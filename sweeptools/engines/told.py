"""What a pipeline that was run as a whole tells at its end: answers, and what its commands have found."""

import sys

from .. import table
from ..tools import hist


def found(pipeline, results, flow):
    """What the commands before an end have found, as the end mark has it; results: {task: value}."""
    told = []
    for place, node in flow.finders:
        facts = {t.found: results[t] for t in pipeline.finds(node)}
        told += [{"at": place, **facts}] if facts else []
    return told


def say(pipeline, results, io):
    """What was found, on stderr."""
    for stage in pipeline.stages:
        for t in pipeline.finds(stage.node) if stage.node is not None else ():
            tell = io.say if t.found in stage.op.tells else io.verbose
            tell(f"sweep-{stage.op.name}: {t.found} {results[t]}")


def answer(pipeline, results, end):
    """The answer of an end, where it is to go."""
    if end.kind == "found":
        told = {t.found: results[t] for t in pipeline.finds(end.node)}
    else:
        told = results[pipeline.made[end.node]]
        if end.stage.params.get("plot"):
            hist.save(told, end.stage.params["plot"])
    file = end.stage.given.get("pass_") or end.stage.given.get("out")
    if file:
        table.save(told, file)
    else:
        (sys.stderr if end.branch else sys.stdout).writelines(table.lines(told, end.stage.given.get("json")))
