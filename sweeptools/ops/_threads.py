"""Calls on parts of a slice, in the threads of a scan."""

SMALL = 1 << 16                    # voxels of a slice below which threads cost more than they give


def each(threads, size, calls):
    """The results of the calls, in threads where a slice of `size` voxels is worth it."""
    if threads is None or threads.count == 1 or size < SMALL or len(calls) == 1:
        return [call() for call in calls]
    busy = threads.busy                              # who called this step counts its time
    results = threads.each(calls)
    threads.busy = busy
    return results


def cuts(n, parts):
    """(first, end) of `parts` parts of n, as equal as can be."""
    ends = [n * i // parts for i in range(parts + 1)]
    return list(zip(ends, ends[1:]))
