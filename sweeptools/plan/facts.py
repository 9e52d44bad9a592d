"""What is known of a run before a voxel moves: by the names of its report, as a table, and in words."""

from ..costs import voxels_of, work_of
from ..graph import halo_of
from ..machine import spell_size
from ..memory import depth_of, held
from ..passes import copies, handovers, passes
from ..spec import WHOLE


def facts(pipeline, run, items, baseline, files, ways=None):
    """The plan of a run by the names of the report. items: [(what, bytes)]; files: {address: how many are made}; ways:
    how it reads and writes, for its seconds where it is known what those cost."""
    graph = run.graph
    leaves = [t for one in passes(graph, run.kept) for t in one.computed if t in graph.leaves]
    predicted = sum(n for _, n in items)
    return {
        "pipeline": pipeline.text,
        "predicted_peak_bytes": baseline + predicted,
        "baseline_bytes": baseline,
        **(times(run, ways) if ways is not None else {}),
        "sweeps": graph.sweeps,
        "groups": [[stage.op.name for stage in pipeline.stages]],
        "tiles": 1,
        "spool_bytes": sum(volume_bytes(t.head) for t in run.graph.tasks if t in run.kept or t.stores),
        **traffic(pipeline, run),
        "read": {"bytes": sum(volume_bytes(t.head) for t in leaves), "amplification": 1.0},
        "write": {"files": sum(files.values())},
        "stages": [_stage(stage, pipeline, run) for stage in pipeline.stages],
        "graph": _drawn(pipeline, run),
        "memory_items": [{"what": what, "bytes": n} for what, n in items],
        "decisions": decisions(pipeline, run, files),
        "refused": None,
    }


def times(run, ways):
    """The work of a run; and its seconds, where it was measured what things cost: in all, and of each sweep."""
    work = sum(voxels_of(t) * work_of(t) for one in passes(run.graph, run.kept) for t in one.computed if t.op)
    costs = run.settings.costs
    if costs is None or costs.unit != "seconds":
        return {"work": round(work), "predicted_s": None}
    made = costs.sweeps(run.graph, run.kept, run.linked, ways)
    return {
        "work": round(work),
        "predicted_s": round(costs.start(run.graph) + sum(seconds for seconds, _ in made), 3),
        "predicted_sweeps": [{"seconds": round(seconds, 3), "slowest": what} for seconds, what in made],
        "guessed": sorted(costs.guessed),
    }


def traffic(pipeline, run):
    """How often a stream is handed on whole, over all sweeps, to the ends too; and how often it is copied on its way."""
    ends = [node for end in pipeline.ends if end.kind not in ("answer", "found") for node in set(pipeline.reads(end))]
    return {"handovers": handovers(run.graph, run.kept, run.linked) + len(ends), "copies": copies(run.graph, run.kept)}


def _stage(stage, pipeline, run):
    tasks = [t for t in run.graph.tasks if stage.node is not None and t.origin is stage.node]
    task = pipeline.made.get(stage.node)
    out = task.head if task is not None else None
    within = set(run.linked.values())
    return {
        "name": stage.op.name,
        "text": stage.text,
        "extent": stage.op.extent,
        "halo": [list(pair) for pair in (halo_of(tasks, tasks) if tasks else WHOLE)],
        "depth": max((depth_of(t, run.settings.depth) for t in tasks if t.head is not None), default=0),
        "shape": list(out.shape) if out is not None else None,
        "dtype": out.dtype.name if out is not None else None,
        "sweeps": sorted({t.level + 1 for t in tasks}),
        "held_bytes": sum(n for t in tasks for _, n in held(t, run.settings, t not in within)),
        **_busy(tasks, run),
    }


def _busy(tasks, run):
    """Seconds that the tasks of a command work, over all sweeps, where it was measured what they cost."""
    if run.settings.costs is None or run.settings.costs.unit != "seconds":
        return {}
    done = [t for one in passes(run.graph, run.kept) for t in one.computed if t in tasks and t.op]
    return {"busy_s": round(sum(map(run.settings.costs.busy, done)), 4)}


def _drawn(pipeline, run):
    """The tasks as nodes and the streams and values between them as edges, for a picture."""
    tasks = run.graph.tasks
    place = {t: i for i, t in enumerate(tasks)}
    within = set(run.linked.values())
    nodes = [
        {"name": t.name, "command": t.origin.name if t.origin is not None and t.op else "", "sweep": t.level + 1,
         "shape": list(t.head.shape) if t.head else None, "dtype": t.head.dtype.name if t.head else None,
         "held_bytes": sum(n for _, n in held(t, run.settings, t not in within)), "saved": t in run.kept}
        for t in tasks
    ]  # fmt: skip
    edges = [{"from": place[i], "to": place[t], "bytes": volume_bytes(i.head) if i.head else 0} for t in tasks
             for i in (*t.inputs, *t.values.values())]  # fmt: skip
    for end in pipeline.ends:
        if end.kind in ("answer", "found"):
            continue
        name = end.stage.params.get("address") or end.stage.op.name
        nodes.append({"name": str(name), "command": end.stage.op.name, "sweep": None, "shape": None, "dtype": None,
                      "held_bytes": 0, "saved": False})  # fmt: skip
        for node in pipeline.reads(end):
            task = next((t for t in tasks if pipeline.made[node] in t.inputs and t.name == pipeline.made[node].name
                         and t.op is not None and t.op.name == "trim"), pipeline.made[node])  # fmt: skip
            edges.append({"from": place[task], "to": len(nodes) - 1, "bytes": volume_bytes(task.head)})
    return {"nodes": nodes, "edges": edges}


def volume_bytes(head):
    """Bytes of all voxels of a stream."""
    return head.slices * head.slice_bytes


def decisions(pipeline, run, files):
    """What was decided, and why, a sentence each."""
    said = list(pipeline.said)
    graph = run.graph
    for t in graph.leaves:
        times, name = sum(t in one.computed for one in passes(graph, run.kept)), t.name
        if times > 1 and run.sources[name].again:
            said.append(f"{name} is read in {times} sweeps, each chunk once in each: what later sweeps need of it is "
                        "computed again rather than saved")  # fmt: skip
        elif run.sources[name].again:
            said.append(f"{name} is read once, from the {'last' if _down(run, t) else 'first'} slice on")
    for t in run.kept:
        why = "it is needed in several sweeps and what it comes from cannot be read again"
        if t in run.why:
            why = f"all sweeps take {run.why[t]}"
        elif any(r.wraps for r in graph.readers[t]):
            why = "its last slices are needed beside its first"
        elif any(r.opposed for r in graph.readers[t]):
            why = "what reads it goes the other way"
        size = spell_size(volume_bytes(t.head))
        said.append(f"the output of {t.name} is saved in a temporary file, {size} at most: {why}")
    for t, why in run.why.items():
        if t not in run.kept:
            said.append(f"the output of {t.name} is computed again though all sweeps take {why}")
    for last in run.linked:
        if last not in run.linked.values():
            chain = [last]
            while chain[0] in run.linked:
                chain.insert(0, run.linked[chain[0]])
            said.append(f"{', '.join(t.name for t in chain[:-1])} and {last.name} are one pass over each block")
    if run.settings.depth:
        said.append(f"blocks have at most {run.settings.depth} slices, as the memory allows")
    for address, count in files.items():
        said.append(f"{address}: {count} file{'s' if count > 1 else ''} at most")
    return said


def _down(run, leaf):
    return run.graph.direction(0) == "down" or run.sources[leaf.name].head.sweep == "down"


def text(facts):
    """The plan as a person reads it."""
    head = ("stage", "extent", "halo", "depth", "shape", "type", "held", "sweep")
    rows = [head, *map(_row, facts["stages"])]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    lines = ["  ".join(word.ljust(width) for word, width in zip(row, widths)).rstrip() for row in rows]
    lines += ["", f"memory   {spell_size(facts['predicted_peak_bytes'])}: "
                  f"{spell_size(facts['baseline_bytes'])} for the interpreter and its libraries, "
                  f"{spell_size(facts['predicted_peak_bytes'] - facts['baseline_bytes'])} for the run",
              f"reads    {_size(facts['read']['bytes'])} of voxels in {facts['sweeps']} "
              f"sweep{'s' if facts['sweeps'] > 1 else ''}",
              f"writes   {facts['write']['files']} files at most",
              f"spool    {_size(facts['spool_bytes'])} at most", *_times(facts)]  # fmt: skip
    return "\n".join([*lines, *(f"- {sentence}" for sentence in facts["decisions"]), ""])


def _times(facts):
    """Lines on how long it takes, or on how much there is to do."""
    if facts.get("predicted_s") is None:
        return [f"work     {facts['work']:.2g} operations; sweep-plan --calibrate tells seconds"] if "work" in facts else []
    each = [f"sweep {i}: {_seconds(one['seconds'])}, held up by {one['slowest']}"
            for i, one in enumerate(facts["predicted_sweeps"], 1)]  # fmt: skip
    guess = f"; never measured here: {', '.join(facts['guessed'])}" if facts["guessed"] else ""
    return [f"time     {_seconds(facts['predicted_s'])} on a machine that does nothing else ({'; '.join(each)}){guess}"]


def _seconds(n):
    """A duration as a person reads it."""
    if n < 120:
        return f"{n:.1f} s" if n < 60 else f"{n:.0f} s"
    return f"{n / 60:.0f} min" if n < 7200 else f"{n / 3600:.1f} h" if n < 172800 else f"{n / 86400:.1f} days"


def items(facts):
    """The items of memory, largest first, a line each."""
    rows = sorted(facts["memory_items"], key=lambda item: -item["bytes"])
    return "".join(f"{_size(item['bytes']):>9}  {item['what']}\n" for item in rows if item["bytes"])


def _row(stage):
    halo = ",".join(str(a) if a == b else f"{a}+{b}" for a, b in stage["halo"])
    shape = "x".join(map(str, stage["shape"])) if stage["shape"] else "-"
    sweeps = ",".join(map(str, stage["sweeps"])) or "-"
    return (stage["name"], stage["extent"], halo if any(map(any, stage["halo"])) else "-", str(stage["depth"] or "-"), shape,
            stage["dtype"] or "-", _size(stage["held_bytes"]) if stage["held_bytes"] else "-", sweeps)  # fmt: skip


def _size(n):
    return spell_size(n) if n else "nothing"
