"""Which axes of a stored array are z, y, x, which is components, and the place along each other one."""

from dataclasses import dataclass

import numpy as np

from ..errors import UsageError
from .ome import Axis, axis_kind, choose


def kept(name, axes, shape, channel=None, time=None, components=(), channels=()):
    """(axes that are kept: z, y, x and, where there are, components; {axis: index chosen} of the others).

    axes: an ome.Axis each; channels: names of the channels, as far as they are known. Axes of length one are dropped
    where more than three are space; a longer channel or time axis needs the option, but for a channel axis as long as
    `components`, the names that it is known to have.
    """
    space = [i for i, a in enumerate(axes) if a.kind == "space"]
    for i in list(space):
        if len(space) > 3 and shape[i] == 1:
            space.remove(i)
    if len(space) != 3:
        spelt = ", ".join(f"{a.name}={n}" for a, n in zip(axes, shape))
        count = {0: "no", 1: "one", 2: "two"}.get(len(space), len(space))
        raise UsageError(f"{name} has {count} dimensions in space ({spelt}), a volume has three: z, y, x")
    at, comps = {}, []
    for i, axis in enumerate(axes):
        if i in space:
            continue
        if axis.kind == "channel" and len(components) == shape[i] and channel is None:
            comps.append(i)
        else:
            wanted = {"channel": channel, "time": time}.get(axis.kind)
            known = channels if axis.kind == "channel" else ()
            at[i] = 0 if axis.kind == "space" else choose(axis, shape[i], wanted, known, name)
    for wanted, kind in ((channel, "channel"), (time, "time")):
        if wanted is not None and not any(a.kind == kind for a in axes):
            raise UsageError(f"{name}: it has no {kind} axis; leave --{kind} out")
    return [*space, *comps], at


def named(names, n):
    """An ome.Axis for each of n axes, by names or, where there are none, by their number: t, c, z, y, x from the end."""
    if not names or len(names) != n or not all(names):
        names = tuple("tczyx"[5 - n :]) if n <= 5 else tuple(str(i) for i in range(n))
    return tuple(Axis(str(name), axis_kind(name)) for name in names)


@dataclass(frozen=True)
class View:
    """A box of z, y, x(, c) as a box of an array of more or turned axes."""

    shape: tuple[int, ...]             # of the array
    keep: list[int]                    # its axes that are z, y, x(, c)
    at: dict[int, int]                 # the index along each other one

    @property
    def plain(self):
        """Whether the kept axes come in their order, so that the same memory holds either."""
        return self.keep == sorted(self.keep)

    def window(self, box):
        """[(start, stop)] along every axis of the array."""
        spans = {i: (k, k + 1) for i, k in self.at.items()} | dict(zip(self.keep, box))
        return [spans.get(i, (0, n)) for i, n in enumerate(self.shape)]

    def turned(self, data):
        """Voxels of the array's axes as voxels z, y, x(, c)."""
        return data.transpose(*self.keep, *(i for i in range(data.ndim) if i in self.at)).reshape(
            [data.shape[i] for i in self.keep])  # fmt: skip

    def back(self, dst):
        """Memory of z, y, x(, c) as memory of the array's axes; only where they are plain."""
        return dst.reshape([1 if i in self.at else dst.shape[self.keep.index(i)] for i in range(len(self.shape))])


def spacing_of(points):
    """(spacing, first) of the places of voxels, or None where they are not equally far apart to 1 in 1000."""
    points = np.asarray(points, float).reshape(-1)
    if len(points) < 2 or not np.isfinite(points).all():
        return None
    steps = np.diff(points)
    step = (points[-1] - points[0]) / (len(points) - 1)
    return (float(step), float(points[0])) if step > 0 and abs(steps - step).max() <= 1e-3 * step else None
