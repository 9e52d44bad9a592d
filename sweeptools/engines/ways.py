"""What the leaves of a pipeline are read from, and its ends written to, by the names that costs have."""

from ..costs import Ways
from ..errors import SweepError
from ..volumes import address as addresses

CHUNK = 64             # slices of a row of chunks of Zarr, where the user says nothing else


def ways_of(pipeline):
    """The Ways of a Pipeline whose sources are open."""
    reads = {name: _read(*pipeline.opened[name], pipeline.sources[name]) for name in pipeline.sources}
    writes = []
    for end in pipeline.ends:
        if end.kind == "stream":
            writes.append((pipeline.made[end.flow.node], "stdout", 1))
        elif end.kind == "sink":
            task, params = pipeline.made[end.flow.node], end.stage.params
            kind = _kind(addresses.writable, params["address"], params.get("format"))
            slab = (params.get("chunks") or (CHUNK,))[0] if kind == "zarr" else 1
            what = f"{kind} chunks" if kind == "zarr" and params.get("shards") == "none" else _masked(kind, task.head)
            writes.append((task, what, slab))
    return Ways(reads, tuple(writes))


def _read(op, full, source):
    if op is None:
        return "stdin"
    if op.name != "read":
        return f"{op.name} {full.get('kind', '')}".strip()
    return _masked(_kind(addresses.readable, full["address"]), source.head)


def _kind(known, *address):
    """The format of an address. There may be nothing yet, as --assume has it; what has no meaning is told elsewhere."""
    try:
        return known(*address)[0]
    except SweepError:
        return "zarr"


def _masked(kind, head):
    """Zarr packs labels and masks in another way."""
    return f"{kind} mask" if kind == "zarr" and head.role != "image" else kind
