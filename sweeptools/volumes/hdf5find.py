"""Which dataset of an HDF5 file an address means: links are followed, NeXus' defaults too, else the one volume there is.

NeXus: the attribute `default` of a group names the group to go on with, `signal` of an NXdata the dataset in it
(https://manual.nexusformat.org/datarules.html); older files mark the dataset with signal=1.
"""

import os

from ..errors import UsageError
from .formats import library

LISTED = 10              # datasets that a message lists at most


def opened(path):
    """An h5py.File to read; Corrupt where it is none."""
    h5py = library("h5py", "hdf5", f"{path}: HDF5")
    try:
        return h5py.File(path, "r", locking="best-effort")
    except OSError as error:
        from ..errors import Corrupt

        raise Corrupt(f"{path} is not HDF5, or damaged: {str(error).split('(', 1)[-1].rstrip(')')}") from None


def volume(file, path, inside):
    """(dataset, its place, warnings): the one at `inside`, or the one volume below; UsageError for none and for several."""
    place = "/" + inside.strip("/")
    found = at(file, place, path)
    if is_dataset(found):
        return found, place, ()
    signal = by_default(found, path)
    if signal is not None and is_volume(signal):
        return signal, signal.name, ()
    volumes, dangling = search(found, path)
    said = tuple(f"warning: {path}:{why}" for why in dangling)
    if len(volumes) == 1:
        return volumes[0][1], volumes[0][0], said
    where = path if place == "/" else f"{path}:{place}"
    gone = f"; {dangling[0]}" if dangling else ""
    if not volumes:
        raise UsageError(f"{where} holds no volume: no dataset of three dimensions{gone}")
    listed = ", ".join(f"{path}:{name} ({' x '.join(map(str, d.shape))} {d.dtype})" for name, d in volumes[:LISTED])
    listed += ", ..." if len(volumes) > LISTED else ""
    raise UsageError(f"{where} holds {len(volumes)} volumes, name one of them: {listed}{gone}")


def is_dataset(thing):
    import h5py

    return isinstance(thing, h5py.Dataset)


def is_volume(dataset):
    """Whether a dataset has numbers along three axes that are longer than one, or is all that long ones make three of."""
    return dataset.dtype.kind in "biuf" and dataset.shape is not None and (
        len(dataset.shape) == 3 or sum(n > 1 for n in dataset.shape) >= 3)  # fmt: skip


def at(file, place, path):
    """What is at a place of a file; UsageError says where the way to it ends."""
    try:
        found = file[place]
    except (KeyError, OSError, RuntimeError, ValueError) as error:
        raise UsageError(f"{path}:{_broken(file, place) or f'{place} cannot be opened: {error}'}") from None
    if not hasattr(found, "attrs") or not (is_dataset(found) or hasattr(found, "keys")):
        raise UsageError(f"{path}:{place} is a type, not a volume")
    return found


def _broken(group, place):
    """`/entry/data links to x.h5:/data, which does not exist`: the first part of a way that leads nowhere."""
    import h5py

    way = ""
    for part in place.strip("/").split("/"):
        if is_dataset(group):
            return f"{way} is a dataset, there is nothing in it"
        link = group.get(part, getlink=True)
        way += f"/{part}"
        if link is None:
            inside = ", ".join(sorted(group)[:LISTED]) + (", ..." if len(group) > LISTED else "")
            return f"{way} does not exist" + (f"; there is {inside}" if inside else "; the group is empty")
        try:
            group = group[part]
        except (KeyError, OSError, RuntimeError, ValueError) as error:
            if isinstance(link, h5py.ExternalLink):
                return f"{way} links to {link.filename}:{link.path}, which {_outside(group, link)}"
            if isinstance(link, h5py.SoftLink):
                return f"{way} links to {link.path}, which does not exist"
            return f"{way} cannot be opened: {error}"
    return None


def _outside(group, link):
    """Why an external link leads nowhere: HDF5 looks for its file beside the one that has the link."""
    folder = os.path.dirname(os.path.abspath(group.file.filename))
    tried = [os.path.join(folder, link.filename), os.path.join(folder, os.path.basename(link.filename))]
    here = next((file for file in tried if os.path.exists(file)), None)
    if here is None:
        return f"does not exist: there is no file {tried[0]}"
    return f"does not exist in {here}"


def by_default(group, path):
    """The dataset that NeXus' attributes lead to, or None; UsageError where they name what is not there."""
    for _ in range(16):
        signal = group.attrs.get("signal")
        if signal is not None and word(signal) in group:
            found = at(group.file, f"{group.name.rstrip('/')}/{word(signal)}", path)
            return found if is_dataset(found) else None
        default = group.attrs.get("default")
        if default is None:
            break
        found = at(group.file, f"{group.name.rstrip('/')}/{word(default)}", path)
        if is_dataset(found):
            return found
        group = found
    for name in group:
        link = group.get(name, getlink=True)
        if type(link).__name__ == "HardLink" and is_dataset(group[name]) and word(group[name].attrs.get("signal")) == "1":
            return group[name]
    return None


def word(value):
    """An attribute as text, however it was written."""
    if hasattr(value, "reshape") and value.shape:
        value = value.reshape(-1)[0]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def search(group, path):
    """([(name, dataset)], [what leads nowhere]) of all volumes below a group: each once, by the name that takes the fewest
    links, and is the shortest."""
    import h5py

    found, dangling, seen = {}, [], {}
    todo = [(0, "" if group.name == "/" else group.name, group)]
    while todo:
        todo.sort(key=_far, reverse=True)
        links, way, here = todo.pop()
        if seen.setdefault(_identity(here), here) is not here:       # kept: a file opened anew would number anew
            continue
        for name in here:
            link, place = here.get(name, getlink=True), f"{way}/{name}"
            try:
                thing = here[name]
            except (KeyError, OSError, RuntimeError, ValueError):
                dangling.append(way + _broken(here, name))
                continue
            far = links + (not isinstance(link, h5py.HardLink))
            if isinstance(thing, h5py.Group):
                todo.append((far, place, thing))
            elif is_dataset(thing) and is_volume(thing):
                one = (far, place, thing)
                found[_identity(thing)] = min(found.get(_identity(thing), one), one, key=_far)
    return sorted(((place, thing) for _, place, thing in found.values()), key=lambda one: one[0]), sorted(dangling)


def _far(one):
    links, place, _ = one
    return links, place.count("/"), place


def _identity(thing):
    """What two names of the same thing share."""
    import h5py

    return os.path.realpath(thing.file.filename), h5py.h5o.get_info(thing.id).addr
