"""New processes in little time: a clean one that has imported what tests need, and forks a child for each call.

A child has nothing of the tests' own process, and nothing that another child has made.
"""

import os
import pickle
import subprocess
import sys
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent


def call(module, function, *args):
    """What a function of a module in tests/ returns in a process of its own; AssertionError where it fails there."""
    server = _server()
    pickle.dump((module, function, args), server.stdin)
    server.stdin.flush()
    worked, result = pickle.load(server.stdout)
    assert worked, result
    return result


@cache
def _server():
    env = {**os.environ, "PYTHONPATH": os.pathsep.join((str(HERE), str(HERE.parent)))}
    return subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env)


def _serve():
    """Calls from stdin, until it ends; results to stdout, which nothing else may write to."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    while True:
        try:
            module, function, args = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        child = os.fork()
        if child == 0:
            os._exit(_answer(out, module, function, args))
        if status := os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
            pickle.dump((False, f"{module}.{function}{args}: ended with {status}"), out)
            out.flush()


def _answer(out, module, function, args):
    import importlib
    import traceback

    try:
        answer = True, getattr(importlib.import_module(module), function)(*args)
    except BaseException:
        answer = False, traceback.format_exc()
    pickle.dump(answer, out)
    out.flush()
    return 0


if __name__ == "__main__":
    import laws  # noqa: F401
    import numba
    import probe_memory  # noqa: F401

    numba.njit(lambda: 0)()                          # what it makes ready when it is first used
    _serve()
