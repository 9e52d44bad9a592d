"""What a head says beside shape and type: kept by formats that have no word for it as one JSON object of our own, and
told where it cannot be kept.

A format's own words win where the two disagree: then another program changed them.
"""

import json

from ..params import convert

OWN = "sweeptools"                     # the name of the object, wherever a format lets us keep it
FACTS = ("spacing", "unit", "origin", "axes", "role", "components", "nodata", "history", "attributes", "channel")
FOUND = 2048                           # bytes that are left for what is found during the sweep
COLOURS = {3: ("r", "g", "b"), 4: ("r", "g", "b", "a")}


def facts(head, history=True):
    """What a head says that is not what every head says, by name."""
    said = {
        "spacing": head.spacing and list(head.spacing), "unit": head.unit,
        "origin": list(head.origin) if any(head.origin) else None,
        "axes": list(head.axes) if head.axes != ("z", "y", "x") else None,
        "role": head.role if head.role != "image" else None, "components": list(head.components) or None,
        "nodata": head.nodata, "history": [dict(entry) for entry in head.history] if history else None,
        "attributes": head.meta.get("attributes"), "channel": head.meta.get("channel"),
    }  # fmt: skip
    return {name: value for name, value in said.items() if value not in (None, [], {})}


def lost(address, head, writer, history=True):
    """(sentences on what a format does not keep of a head, the same where that is the history alone: what nobody who
    writes such a file expects is told always, the other on demand)."""
    said = facts(head, history)
    if head.components == COLOURS.get(len(head.components), tuple(map(str, range(len(head.components))))):
        said.pop("components", None)
    gone = [name for name in said if name not in getattr(writer, "keeps", FACTS)]
    words = (f"warning: {address} does not keep {', '.join(gone)}: its format has no place for that; .zarr has",)
    return (words, ()) if set(gone) - {"history"} else ((), words if gone else ())


def room(head, history=True):
    """Bytes that `packed` fills, known before the first voxel: with some for what is found on the way."""
    return -(-(len(_text(facts(head, history))) + (FOUND if head.history and history else 0)) // 64) * 64


def packed(head, size, told=None):
    """The facts of a head as so many bytes of ASCII, with blanks at the end. `told` is the history with what was found,
    which is left out where it does not fit."""
    said = facts(head, False)
    for history in (told, [{k: v for k, v in entry.items() if k != "found"} for entry in told or ()]):
        text = _text({**said, "history": history} if history else said)
        if len(text) <= size:
            return text.ljust(size)
    return _text({}).ljust(size)


def _text(said):
    return json.dumps(said, separators=(",", ":"), default=float).encode("ascii")


def unpacked(text):
    """The facts that `packed` packed; none where the text is another's."""
    try:
        said = json.loads(text)
    except (ValueError, UnicodeDecodeError):
        return {}
    return said if isinstance(said, dict) else {}


def restore(head, said):
    """The head with the facts kept by us. Its own spacing and origin are another program's words, of less precision,
    and win where they differ."""
    changes = {}
    unit = said.get("unit")
    if said.get("spacing") and _agree(head.spacing, head.unit, said["spacing"], unit):
        changes |= {"spacing": tuple(said["spacing"]), "unit": unit}
        origin = tuple(said.get("origin") or (0.0,) * 3)
        if not any(head.origin) or _agree(head.origin, head.unit, origin, unit):
            changes["origin"] = origin
        elif head.unit and unit:
            changes["origin"] = tuple(convert(o, head.unit, unit) for o in head.origin)
    elif said.get("origin") and not said.get("spacing") and head.spacing is None:
        changes["origin"] = tuple(said["origin"])
    for name in ("axes", "components"):
        if name in said and (name == "axes" or len(said[name]) == len(head.components)):
            changes[name] = tuple(said[name])
    changes |= {name: said[name] for name in ("role", "nodata") if name in said}
    if said.get("history"):
        changes["history"] = tuple(said["history"])
    meta = {name: said[name] for name in ("attributes", "channel") if said.get(name)}
    if meta:
        changes["meta"] = {**head.meta, **meta}
    return head.but(**changes)


def _agree(theirs, unit, ours, our_unit):
    """Whether lengths are the same but for the precision of a float32, as far as both are known."""
    if theirs is None:
        return True
    for a, b in zip(theirs, ours):
        if a is None or b is None:
            continue
        there = convert(a, unit, our_unit) if unit and our_unit else a
        if abs(there - b) > 1e-5 * max(abs(b), abs(there)):
            return False
    return True
