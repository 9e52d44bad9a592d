"""The state of a scan, a flat dict of arrays, whole numbers and logs, saved and loaded: what a resumed run goes on from."""

import numpy as np

from .spool import Log

LOG = "log:"


def plain(state):
    """The state as arrays alone: a log is the array of its items, under a name that says so."""
    logs = {LOG + name: np.array(value.array()) for name, value in state.items() if isinstance(value, Log)}
    return {name: np.array(value) for name, value in state.items() if not isinstance(value, Log)} | logs


def save(state, file):
    """Write a state to a file, or to a path that ends in .npz."""
    np.savez(file, **plain(state))


def load(file, disk):
    """The state that `save` wrote; its logs are made anew by `disk`."""
    with np.load(file, allow_pickle=False) as saved:
        state = {}
        for name, value in saved.items():
            if name.startswith(LOG):
                state[name.removeprefix(LOG)] = disk.log(value.dtype, value)
            else:
                state[name] = value.item() if value.ndim == 0 else value
        return state
