"""The deed of sweep-digest: digests as stored and as recomputed."""

import json as js
from dataclasses import replace

import numpy as np

from ..engines.inputs import opened
from ..errors import Corrupt
from ..flow import Ahead
from ..stream import Digest
from ..volumes import address as addresses
from ..volumes.ome import OWN
from ..volumes.zarr import metadata


def main(io, *, address="-", slices=False, json=False, **_):
    """Print both digests. Corrupt where they differ."""
    source = opened(address, io, address)
    head = source.head
    found = Digest()
    ahead = Ahead(source.blocks(head.sweep))
    try:
        for block in io.drain(replace(source, blocks=lambda way: ahead)):
            found.add(block, head)
    finally:
        ahead.close()
    stored = Digest(*source.end["slice_digests"]) if "slice_digests" in source.end else kept(address)
    digest, told = found.hexdigest(), stored.hexdigest() if stored else source.end.get("digest")
    index, each = found.arrays()
    facts = {"digest": digest, "stored": told, "equal": None if told is None else told == digest, "slices": len(index)}
    names = [f"{d:016x}" for d in each.tolist()] if slices else []
    if json:
        io.text(js.dumps(facts | ({"slice_digests": names} if slices else {})) + "\n")
    else:
        lines = [f"{z}\t{name}" for z, name in zip(index.tolist(), names)]
        io.text("\n".join([f"digest: {digest}", f"stored: {told or 'none'}", *lines, ""]))
    if told not in (None, digest):
        raise Corrupt(f"{address}: the voxels are not those that were written{differing(stored, found)}")
    return 0


def kept(address):
    """The Digest of its slices that a Zarr volume keeps beside its voxels, or None."""
    if address == "-":
        return None
    kind, path, _ = addresses.readable(address)
    if kind != "zarr":
        return None
    own = metadata(path)[1].get(OWN, {})
    if not own.get("digests"):
        return None
    try:
        digests = np.array([int(d, 16) for d in own["digests"]], "<u8")
    except (TypeError, ValueError, OverflowError):
        raise Corrupt(f"{address}: the digests kept with it are damaged") from None
    return Digest(np.arange(len(digests)), digests)


def differing(stored, found):
    """` (slices 3, 7-9)`: where two digests differ, as far as slices are known."""
    if stored is None:
        return ""
    one, two = (dict(zip(*(column.tolist() for column in d.arrays()))) for d in (stored, found))
    wrong = sorted(z for z in one.keys() | two.keys() if one.get(z) != two.get(z))
    runs = []
    for z in wrong:
        if runs and runs[-1][1] == z - 1:
            runs[-1][1] = z
        else:
            runs.append([z, z])
    words = [f"{a}" if a == b else f"{a}-{b}" for a, b in runs[:8]]
    return f" (slice{'s' if len(wrong) > 1 else ''} {', '.join(words)}{' and more' if len(runs) > 8 else ''})"
