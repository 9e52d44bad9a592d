"""A pipe's misfortunes, as a filter: faults.py cut N | stall N SECONDS | flip N, N bytes into the stream."""

import os
import select
import sys
import time


def reader_gone():
    poll = select.poll()
    poll.register(1, 0)
    return bool(poll.poll(0))


kind, at, *rest = sys.argv[1:]
left = int(at)
done = False
while data := os.read(0, 1 << 16):
    if not done and len(data) > left:
        done = True
        if kind == "cut":
            os.write(1, data[:left])
            break
        if kind == "stall":
            until = time.monotonic() + float(rest[0])
            while time.monotonic() < until and not reader_gone():
                time.sleep(0.02)
        if kind == "flip":
            data = data[:left] + bytes([data[left] ^ 1 << (left % 8)]) + data[left + 1 :]
    left -= len(data)
    while data:
        try:
            data = data[os.write(1, data) :]
        except BrokenPipeError:
            sys.exit(141)
