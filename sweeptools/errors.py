"""What can go wrong, and the exit status each kind ends with. Messages: lower case, fault first, then the mend."""


class SweepError(Exception):
    """The work failed; the message says who, what, which value and what to do."""

    status = 1


class UsageError(SweepError):
    """The command line asks for something that has no meaning."""

    status = 2


class Refused(SweepError):
    """Turned down before any work: a retry will not help. `smallest` is the budget in bytes that would do."""

    status = 3

    def __init__(self, message, smallest=None):
        super().__init__(message)
        self.smallest = smallest


class Corrupt(SweepError):
    """Data failed verification: a checksum, a count or a digest disagrees."""

    status = 4


class Upstream(SweepError):
    """An earlier stage of the pipe failed and has said why itself."""

    def __init__(self, stage, why, status=1):
        super().__init__(f"{stage} failed: {why}")
        self.stage, self.why, self.status = stage, why, status


class Interrupted(SweepError):
    """A signal ended the run."""

    def __init__(self, signal):
        super().__init__("interrupted")
        self.status = 128 + signal
