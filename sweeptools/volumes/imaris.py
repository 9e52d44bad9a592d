"""Imaris files (.ims): HDF5 with an array for each level, time and channel, which is longer than the image that it holds.

https://imaris.oxinst.com, "Imaris 5.5 file format": /DataSet/ResolutionLevel R/TimePoint T/Channel C/Data.
"""

import numpy as np

from ..errors import Corrupt, UsageError
from ..params import unit_name
from .hdf5find import word
from .ome import Axis, choose


def is_imaris(file):
    """Whether an open HDF5 file is one of Imaris."""
    return "DataSet/ResolutionLevel 0/TimePoint 0/Channel 0/Data" in file


def volume(file, name, level=None, channel=None, time=None):
    """(dataset, its place, whole, spacing, unit, origin) of one level, channel and time."""
    levels = _numbered(file["DataSet"], "ResolutionLevel")
    level = level or 0
    if level >= levels:
        raise UsageError(f"{name}: there is no level {level}; it has 0 to {levels - 1}")
    here = file[f"DataSet/ResolutionLevel {level}"]
    at = choose(Axis("t", "time"), _numbered(here, "TimePoint"), time, (), name)
    here = here[f"TimePoint {at}"]
    count = _numbered(here, "Channel")
    info = [file.get(f"DataSetInfo/Channel {k}") for k in range(count)]
    names = [_text(i.attrs, "Name") or str(k) if i is not None else str(k) for k, i in enumerate(info)]
    here = here[f"Channel {choose(Axis('c', 'channel'), count, channel, names, name)}"]
    data = here["Data"]
    try:
        whole = tuple(int(_text(here.attrs, f"ImageSize{a}") or n) for a, n in zip("ZYX", data.shape))
        if any(n > m for n, m in zip(whole, data.shape)):
            raise ValueError(f"its image of {whole} is larger than its data of {data.shape}")
        image = file["DataSetInfo/Image"].attrs if "DataSetInfo/Image" in file else {}
        low, high = ([float(_text(image, f"Ext{end}{i}") or "nan") for i in (2, 1, 0)] for end in ("Min", "Max"))
    except ValueError as error:
        raise Corrupt(f"{name} is damaged: {error}") from None
    steps = [(b - a) / n for a, b, n in zip(low, high, whole)]
    unit = unit_name(_text(image, "Unit") or "um")
    if unit is None or not np.isfinite(steps).all() or min(steps) <= 0:
        return data, data.name, whole, None, None, (0.0,) * 3
    return data, data.name, whole, tuple(steps), unit, tuple(a + s / 2 for a, s in zip(low, steps))


def _numbered(group, what):
    """How many there are of `what 0`, `what 1` ..."""
    n = 0
    while f"{what} {n}" in group:
        n += 1
    return n


def _text(attributes, name):
    """An attribute, which Imaris stores letter by letter."""
    value = attributes.get(name)
    if value is None:
        return ""
    value = np.asarray(value)
    return b"".join(value.reshape(-1).tolist()).decode("utf-8", "replace") if value.dtype.kind == "S" else word(value[()])
