"""A scan whose running sum is kept outside of its state, where a resumed run does not find it."""


from sweeptools.spec import Scan, op

HIDDEN = {"sum": 0}


def start(head):
    HIDDEN["sum"] = 0
    return {"slices": 0}


def step(state, src, dst, z):
    for k in range(len(src)):
        HIDDEN["sum"] += int(src[k].sum())
        state["slices"] += 1
        dst[k] = HIDDEN["sum"]


@op("running sum of whole slices", dtype="int64", scan=Scan(start, step), direction="up", examples=("",))
def mutant(state):
    """The sum of all slices so far."""


