"""OME-Zarr metadata: where the voxels of a group are, and what the head says of them; and back.

Read are versions 0.1 to 0.5, and 0.6 where its transformations scale and shift; written are 0.4 and 0.5.
"""

from dataclasses import dataclass

import numpy as np

from ..errors import UsageError
from ..params import convert, unit_name

PART = 1 << 16                    # voxels that are looked at at a time: they stay in the cache
LABEL = 256                       # characters of a channel's name that are kept
WHITE = "FFFFFF"                  # of a channel whose color nobody has told
OWN = "sweeptools"                # the key of what OME has no word for: history, digests, role, components


@dataclass(frozen=True)
class Axis:
    name: str
    kind: str                     # space, channel, time
    unit: str | None = None


@dataclass(frozen=True)
class Image:
    """One multiscale image: axes, and for each level its path, scale and translation in the axes' units."""

    axes: tuple[Axis, ...]
    levels: tuple[tuple[str, tuple[float, ...], tuple[float, ...]], ...]
    channels: tuple[str, ...] = ()
    colors: tuple[str, ...] = ()
    labels: bool = False
    name: str = ""
    version: str = ""             # as the metadata say; "" where they do not


def image(attributes, where):
    """The image that a group's attributes describe, or None."""
    facts = attributes.get("ome") if isinstance(attributes.get("ome"), dict) else attributes
    scales = facts.get("multiscales")
    if not scales:
        return None
    try:
        first = scales[0]
        version = str(facts.get("version") or first.get("version") or "")
        axes, common = first.get("axes", "tczyx"), first.get("coordinateTransformations", ())
        if "coordinateSystems" in first:             # 0.6: what is common leads on from there to other systems
            axes, common = _system(first), ()
        axes = tuple(_axis(a) for a in axes)
        levels = tuple((d["path"], *_place(d.get("coordinateTransformations", ()), common, len(axes)))
                       for d in first["datasets"])
        shown = facts.get("omero", {}).get("channels", ())
        channels = tuple(str(c.get("label", i)) for i, c in enumerate(shown))
        colors = tuple(str(c.get("color", WHITE)) for c in shown)
    except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
        raise UsageError(f"{where}: its OME-Zarr metadata is damaged: {type(error).__name__} {error}") from None
    return Image(axes, levels, channels, colors, "image-label" in facts, str(first.get("name") or ""), version)


def _system(scales):
    """The axes of the coordinate system that the first level's transformation leads to."""
    systems = {s.get("name"): s["axes"] for s in scales["coordinateSystems"]}
    steps = scales["datasets"][0].get("coordinateTransformations") or [{}]
    output = steps[-1].get("output")
    return systems.get(output.get("name") if isinstance(output, dict) else output) or next(iter(systems.values()))


def _axis(said):
    if isinstance(said, str):
        return Axis(said, axis_kind(said))
    return Axis(said["name"], said.get("type") or axis_kind(said["name"]), said.get("unit"))


def axis_kind(name):
    """What an axis is by its name, where nothing else tells."""
    return {"t": "time", "time": "time", "c": "channel", "channel": "channel"}.get(str(name).lower(), "space")


def _place(own, common, n):
    """(scale, translation) of a dataset: its own transformations, then those of the whole multiscale."""
    scale, shift = [1.0] * n, [0.0] * n
    steps = [part for step in (*own, *common) for part in _parts(step)]
    for step in steps:
        if step.get("type") == "scale" and "scale" in step:
            if len(step["scale"]) != n:
                raise ValueError(f"scale has {len(step['scale'])} values for {n} axes")
            scale = [a * b for a, b in zip(scale, step["scale"])]
            shift = [a * b for a, b in zip(shift, step["scale"])]
        elif step.get("type") == "translation" and "translation" in step:
            if len(step["translation"]) != n:
                raise ValueError(f"translation has {len(step['translation'])} values for {n} axes")
            shift = [a + b for a, b in zip(shift, step["translation"])]
        elif step.get("type") != "identity":
            raise ValueError(f"transformation {step.get('type')!r} is not known")
    return tuple(float(v) for v in scale), tuple(float(v) for v in shift)


def _parts(step):
    """A transformation in parts: a sequence, of 0.6, has some."""
    if step.get("type") != "sequence":
        return [step]
    return [part for inner in step["transformations"] for part in _parts(inner)]


def spacing(axes, scale, shift):
    """(spacing, unit, origin) of the three axes of space in one unit; spacing is None where nothing is known."""
    units = [unit_name(str(a.unit)) if a.unit else None for a in axes]
    unit = next((u for u in units if u), None)
    if unit is None:
        return (None if set(scale) == {1.0} else tuple(scale)), None, tuple(shift)
    into = [u or unit for u in units]
    known = tuple(None if not u and s == 1.0 else convert(s, i, unit) for u, i, s in zip(units, into, scale))
    return known, unit, tuple(convert(t, i, unit) for i, t in zip(into, shift))


def describe(head, name, version, extra, levels=(("0", (1, 1, 1)),), method=None, channels=(),
             within=False):  # fmt: skip
    """Attributes of a group: OME-Zarr `version`, and `extra` under our own key.

    levels: the path of each and the block of voxels of the first, (z, y, x), that one of its voxels is made of, by
    `method`. channels: of `omero`, see Windows. within: whether these are labels in an image.
    """
    axes = [{"name": "c", "type": "channel"}] if head.components else []
    given = head.spacing or (None,) * 3
    for axis, step in zip(head.axes, given):
        said = {"name": axis, "type": "space"}
        axes.append({**said, "unit": head.unit} if head.unit and step is not None else said)
    lead = [1.0] * len(axes[:-3])
    distance = [1.0 if s is None else float(s) for s in given]
    sets = [{"path": path, "coordinateTransformations": placed(lead, distance, head.origin, scale)}
            for path, scale in levels]  # fmt: skip
    scales = [{"name": name, "axes": axes, "datasets": sets} | ({"type": method} if method else {})]
    more = {"image-label": {"version": version}} if head.role == "labels" or within else {}
    if within:
        more["image-label"]["source"] = {"image": "../../"}
    more |= {"omero": {"channels": list(channels)}} if channels else {}
    if version == "0.4":
        scales[0] = {"version": "0.4", **scales[0]}
        return {"multiscales": scales, **more, OWN: extra}
    return {"ome": {"version": version, "multiscales": scales, **more}, OWN: extra}


def placed(lead, distance, origin, scale, before=()):
    """Transformations of a level whose voxels are blocks of `scale` voxels (z, y, x): the first voxel's centre is its
    block's. lead, before: scale and translation of the axes before z, y, x; distance, origin: of the finest voxels, in
    the axes' units."""
    steps = [{"type": "scale", "scale": [*lead, *(d * s for d, s in zip(distance, scale))]}]
    shift = [o + d * (s - 1) / 2 for o, d, s in zip(origin, distance, scale)]
    shift = [*(before or [0.0] * len(lead)), *map(float, shift)]
    if any(shift):
        steps.append({"type": "translation", "translation": shift})
    return steps


def channel_of(image, at):
    """What the metadata call the channel that is chosen, {axis: index}, and the color they give it; None where they tell
    no more than its number."""
    here = [at.get(i) for i, axis in enumerate(image.axes) if axis.kind == "channel"] or [0]
    if here[0] is None or here[0] >= len(image.channels):
        return None
    said = {"label": image.channels[here[0]][:LABEL], "color": image.colors[here[0]][:LABEL]}
    return None if said == {"label": str(here[0]), "color": WHITE} else said


class Windows:
    """The least and the greatest finite value of each component, gathered in passing: what a viewer shows at first."""

    def __init__(self, head):
        self.names, self.dtype = head.components or ("0",), head.dtype
        told = None if head.components else head.meta.get("channel")
        self.known = told if isinstance(told, dict) and {"label", "color"} <= set(told) else None
        self.ends = [None] * len(self.names)

    def add(self, data):
        """Take voxels [z, y, x(, c)]; None where all are 0."""
        if data is None:
            for i in range(len(self.names)):
                self._widen(i, self.dtype.type(0), self.dtype.type(0))
            return
        flat = data.reshape(-1, len(self.names))
        for at in range(0, len(flat), PART):
            for i in range(len(self.names)):
                some = flat[at : at + PART, i]
                low, high = some.min(), some.max()
                if not np.isfinite(low) or not np.isfinite(high):
                    some = some[np.isfinite(some)]
                    if not some.size:
                        continue
                    low, high = some.min(), some.max()
                self._widen(i, low, high)

    def _widen(self, i, low, high):
        have = self.ends[i]
        self.ends[i] = (low, high) if have is None else (min(have[0], low), max(have[1], high))

    def channels(self):
        """The channels of `omero`; none where a component has less than two values, which makes no window."""
        if any(ends is None or ends[0] == ends[1] for ends in self.ends):
            return []
        colors = {"r": "FF0000", "g": "00FF00", "b": "0000FF"} if set("rgb") <= set(self.names) else {}
        said = []
        for name, (low, high) in zip(self.names, self.ends):
            low, high = low.item(), high.item()
            window = {"min": low, "max": high, "start": low, "end": high}
            shown = self.known or {"label": name, "color": colors.get(name, WHITE)}
            said.append({**shown, "active": True, "window": window})
        return said


def choose(axis, size, wanted, names, where):
    """Index along a channel or time axis: 0 where it has length one, else what `wanted` (number or name) says."""
    option = {"channel": "--channel", "time": "--time"}.get(axis.kind)
    if option is None:
        raise UsageError(f"{where} has a further axis {axis.name!r} of {size} that is neither time nor channel")
    listed = ", ".join(f"{i} ({names[i]})" if i < len(names) else str(i) for i in range(min(size, 20)))
    listed += ", ..." if size > 20 else ""
    if wanted is None:
        if size == 1:
            return 0
        raise UsageError(f"{where} has {size} {axis.kind}s: {listed}; choose one with {option}")
    wanted = str(wanted)
    if wanted in names:
        return names.index(wanted)
    if wanted.isdecimal() and int(wanted) < size:
        return int(wanted)
    raise UsageError(f"{where}: there is no {axis.kind} {wanted!r}; it has {listed}")
