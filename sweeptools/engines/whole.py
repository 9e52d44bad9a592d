"""What of a pipeline needs whole slices."""


def why_not(pipeline):
    """Why a pipeline cannot be cut into tiles; None where it can."""
    graph = pipeline.graph
    if pipeline.rewritten:
        return "only what is read whole is cut: write what crop keeps first"
    for end in pipeline.ends:
        if end.kind not in ("sink", "answer", "found"):
            return f"sweep-{end.stage.op.name} needs whole slices"
    numbered = set()                                 # what comes of scans, which leave no halo
    for t in graph.tasks:
        name = t.origin.name if t.origin is not None else t.name
        if t.op is None:
            continue
        if not (t.op.kind == "reduce" or t.op.kind == "kernel" and t.op.extent == "halo" or t.op.scan and t.op.scan.tiles):
            return f"{name} needs whole slices"
        if t.params.get("mode") == "wrap":
            return f"{name} --mode wrap needs whole slices"
        if any(r.start or r.stride != 1 or r.size != 1 for reach in t.reaches for r in reach):
            return f"{name} changes the shape"
        after = next((i for i in t.inputs if i in numbered), None)
        if after is not None and any(r.below or r.above for reach in t.reaches for r in reach[1:]):
            return f"{name} after {after.origin.name} needs whole slices"
        if t.head is not None and (t.op.kind == "scan" or after is not None):
            numbered.add(t)
    for leaf in graph.leaves:
        op, full = pipeline.opened[leaf.name]
        cut = full.get("box") or full.get("range") or leaf.head.order != (0, 1, 2)
        if op is None or op.name not in ("read", "synth") or cut:
            return f"{leaf.name} is not a stored volume that is read whole"
        if leaf.head.sweep != "up":
            return f"{leaf.name} is read downwards"
    return None
