"""How two results agree: functions of (ours, theirs) that tell it in words, or raise Different."""

import numpy as np

from .harness import Different


def equal(ours, theirs):
    """Every voxel is the same."""
    if ours.shape != theirs.shape:
        raise Different(f"shapes {ours.shape} and {theirs.shape}")
    unlike = int((ours != theirs).sum())
    if unlike:
        raise Different(f"{unlike} of {ours.size} voxels")
    return "equal"


def within(limit):
    """No voxel differs by more than the limit, as two roundings may."""

    def same(ours, theirs):
        told, most = _apart(ours, theirs)
        if most > limit:
            raise Different(told)
        return told

    return same


def few(share):
    """No more than this share of the voxels differs, as where a level was computed with other rounding."""

    def same(ours, theirs):
        told, _ = _apart(ours, theirs)
        if (ours != theirs).mean() > share:
            raise Different(told)
        return told

    return same


def approximate(ours, theirs):
    """Another definition of the same thing: told how far apart, never an error."""
    return _apart(ours, theirs)[0] + " (another method)"


def _apart(ours, theirs):
    if ours.shape != theirs.shape:
        raise Different(f"shapes {ours.shape} and {theirs.shape}")
    most, unlike = 0.0, 0
    for a, b in zip(ours, theirs):                    # slice by slice: the differences need no volume of their own
        apart = np.abs(a.astype(np.float64) - b)
        most, unlike = max(most, float(apart.max(initial=0))), unlike + int((apart > 0).sum())
    return ("equal", 0.0) if not unlike else (f"at most {most:.3g} apart, in {unlike / ours.size:.2%}", most)


def labels(ours, theirs):
    """The same parts, whatever their numbers."""
    a, b = ours.reshape(-1), theirs.reshape(-1)
    if a.size != b.size or int(a.max(initial=0)) != int(b.max(initial=0)):
        raise Different(f"{a.max(initial=0)} and {b.max(initial=0)} components")
    number = np.zeros(int(a.max(initial=0)) + 1, b.dtype)
    number[a] = b                                     # of each of ours, one of theirs: then it must be all of theirs
    if not (number[a] == b).all() or len(np.unique(number)) != len(number):
        raise Different("other parts")
    return "equal" if (number == np.arange(len(number))).all() else "same parts, other numbers"


def stored(same):
    """The same of two paths to Zarr volumes, read whole."""

    def read(path):
        import zarr

        found = zarr.open(path, mode="r")
        if isinstance(found, zarr.Group):              # OME-Zarr: the finest level
            found = found[found.attrs["ome"]["multiscales"][0]["datasets"][0]["path"]]
        return found[:]

    return lambda ours, theirs: same(read(ours), read(theirs))
