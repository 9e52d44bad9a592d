"""OME-Zarr metadata (0.1 to 0.5): where the voxels of a group are, and what the head says of them; and back."""

from dataclasses import dataclass

from ..errors import UsageError
from ..params import convert, unit_name

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
    labels: bool = False
    name: str = ""


def image(attributes, where):
    """The image that a group's attributes describe, or None."""
    facts = attributes.get("ome") if isinstance(attributes.get("ome"), dict) else attributes
    scales = facts.get("multiscales")
    if not scales:
        return None
    try:
        first = scales[0]
        axes = tuple(_axis(a) for a in first.get("axes", "tczyx"))
        common = first.get("coordinateTransformations", ())
        levels = tuple((d["path"], *_place(d.get("coordinateTransformations", ()), common, len(axes)))
                       for d in first["datasets"])
        channels = tuple(str(c.get("label", i)) for i, c in enumerate(facts.get("omero", {}).get("channels", ())))
    except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
        raise UsageError(f"{where}: its OME-Zarr metadata is damaged: {type(error).__name__} {error}") from None
    return Image(axes, levels, channels, "image-label" in facts, str(first.get("name") or ""))


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
    for step in (*own, *common):
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


def spacing(axes, scale, shift):
    """(spacing, unit, origin) of the three axes of space in one unit; spacing is None where nothing is known."""
    units = [unit_name(str(a.unit)) if a.unit else None for a in axes]
    unit = next((u for u in units if u), None)
    if unit is None:
        return (None if set(scale) == {1.0} else tuple(scale)), None, tuple(shift)
    into = [u or unit for u in units]
    known = tuple(None if not u and s == 1.0 else convert(s, i, unit) for u, i, s in zip(units, into, scale))
    return known, unit, tuple(convert(t, i, unit) for i, t in zip(into, shift))


def describe(head, name, version, extra):
    """Attributes of a group whose volume is at `0`: OME-Zarr `version`, and `extra` under our own key."""
    axes = [{"name": "c", "type": "channel"}] if head.components else []
    given = head.spacing or (None,) * 3
    for axis, step in zip(head.axes, given):
        said = {"name": axis, "type": "space"}
        axes.append({**said, "unit": head.unit} if head.unit and step is not None else said)
    lead = [1.0] * len(axes[:-3])
    steps = [{"type": "scale", "scale": [*lead, *(1.0 if s is None else float(s) for s in given)]}]
    if any(head.origin):
        steps.append({"type": "translation", "translation": [0.0 for _ in lead] + [float(o) for o in head.origin]})
    scales = [{"name": name, "axes": axes, "datasets": [{"path": "0", "coordinateTransformations": steps}]}]
    label = {"image-label": {"version": version}} if head.role == "labels" else {}
    if version == "0.4":
        scales[0] = {"version": "0.4", **scales[0]}
        return {"multiscales": scales, **label, OWN: extra}
    return {"ome": {"version": version, "multiscales": scales, **label}, OWN: extra}


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
