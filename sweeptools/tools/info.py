"""The deed of sweep-info: the facts of a head, as text or JSON."""

import json as text

from .. import volumes
from ..machine import spell_size


def main(io, *, address="-", json=False, **_):
    """Print what is known of a volume; a stream is read to its end first."""
    if address in (None, "-"):
        source = io.stdin()
        for _block in io.drain(source):
            pass
        facts = {"stream": source.name, **describe(source.head), "digest": source.end["digest"]}
    else:
        source = volumes.open(address, io.pool, threads=io.threads)
        facts = {"volume": address, **describe(source.head)}
        source.close()
    if json:
        io.text(text.dumps(facts) + "\n")
    else:
        io.text("".join(f"{name}\t{spell(name, value)}\n" for name, value in facts.items() if value not in (None, [])))


def describe(head):
    """The facts of a head by name, as JSON has them; triples are in the order of its axes."""
    voxels = 1
    for n in head.shape:
        voxels *= n
    return {
        "axes": list(head.axes),
        "shape": list(head.shape),
        "dtype": head.dtype.name,
        "components": list(head.components),
        "role": head.role,
        "sweep": head.sweep,
        "whole": list(head.whole) if head.is_part else None,
        "box": [list(span) for span in head.box] if head.is_part else None,
        "spacing": list(head.spacing) if head.spacing else None,
        "unit": head.unit,
        "origin": list(head.origin) if any(head.origin) else None,
        "chunks": list(head.chunks) if head.chunks else None,
        "nodata": head.nodata,
        "voxels": voxels,
        "bytes": voxels * head.dtype.itemsize * max(1, len(head.components)),
        "history": [dict(entry) for entry in head.history],
    }


def spell(name, value):
    """A value as a person reads it."""
    if name == "shape":
        return " x ".join(map(str, value))
    if name == "bytes":
        return f"{value} ({spell_size(value)})"
    if name == "history":
        return "; ".join(" ".join(map(str, _words(entry))) for entry in value)
    if name == "box":
        return ",".join(f"{a}:{b}" for a, b in value)
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _words(entry):
    """A command of the history as it might have been typed."""
    yield entry.get("command", "?")
    for name, value in sorted((entry.get("params") or {}).items()):
        yield f"{name}={value}"
