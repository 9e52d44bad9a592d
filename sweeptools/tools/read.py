"""The deed of sweep-read: a stored volume as a Source."""

from .. import volumes


def open(pool, *, address, threads=None, tmpdir=None, **how):
    """The volume, or the part of it that is asked for, as a Source that can be read again, up or down."""
    return volumes.open(address, pool, threads=threads, tmpdir=tmpdir, **{k: how[k] for k in OPTIONS if k in how})


OPTIONS = ("sweep", "axis", "range", "box", "level", "channel", "time", "spacing", "role", "allow_gaps", "shape",
           "dtype", "endian", "offset")
