"""Labels within an OME-Zarr image: `x.ome.zarr/labels/NAME`, an image of its own that the image's group `labels` lists."""

import fcntl
import json
import os
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import Corrupt, UsageError
from . import ome
from .publish import Target
from .zarr import metadata


def version_of(where):
    """The OME-Zarr version of an image, for the labels in it."""
    image = ome.image(metadata(where)[1], str(where))
    if image is None:
        raise UsageError(f"{where} is no OME-Zarr image, so it has no labels")
    version = image.version or "0.4"
    if version not in ("0.4", "0.5"):
        raise UsageError(f"{where} is OME-Zarr {version}, labels can be written into 0.4 and 0.5")
    return version


def checked(head, where, version):
    """The head of labels in the image at `where`, which `version`, where it is asked for, must be that of."""
    have = version_of(where)
    if version not in (None, have):
        raise UsageError(f"{where} is OME-Zarr {have}, and so are labels in it; leave --ome out")
    if head.dtype.kind not in "ui" or head.components:
        what = f"have {len(head.components)} components" if head.components else f"are {head.dtype.name}"
        raise UsageError(f"labels in {where} must be integers, one a voxel; these {what}")
    return head if head.role == "mask" else head.but(role="labels")


class Labels(Target):
    """A target in an image's group `labels`, which is made where it is not there, and lists what is published."""

    def __init__(self, name, overwrite, may_replace):
        folder = Path(os.path.abspath(name)).parent
        self._made = not folder.is_dir()
        folder.mkdir(exist_ok=True)
        try:
            super().__init__(name, overwrite, may_replace)
        except BaseException:
            self._leave(folder)
            raise

    def publish(self, touch=()):
        """In place, and then in the list."""
        super().publish(touch)
        listed(self.target.parent, self.target.name)

    def abort(self):
        """Leave nothing behind."""
        super().abort()
        self._leave(self.target.parent)

    def _leave(self, folder):
        if self._made and not any(folder.iterdir()):
            folder.rmdir()


def listed(folder, name):
    """Add a name to the list of a group `labels`, whose metadata are made where there are none."""
    with _alone(folder):
        version = version_of(folder.parent)
        kind, said = metadata(folder)
        if kind == "array":
            raise Corrupt(f"{folder} is an array, must be a group")
        facts = said.setdefault("ome", {"version": version}) if version == "0.5" else said
        names = facts.setdefault("labels", [])
        if name not in names:
            names.append(name)
        if version == "0.4":
            _replace(folder / ".zattrs", said)
            _replace(folder / ".zgroup", {"zarr_format": 2})
        else:
            _replace(folder / "zarr.json", {"zarr_format": 3, "node_type": "group", "attributes": said})


def _replace(path, said):
    """A file of JSON, the old one or the new one."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    with open(new, "w") as file:
        file.write(json.dumps(said, indent=2) + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, path)


@contextmanager
def _alone(folder):
    """Others that add to the same list wait, where the file system has locks."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
