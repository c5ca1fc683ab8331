"""How long something takes. Closing what it has opened is not counted: C++'s clock stops before that too."""

import statistics
import time


def timed(work):
    """What work returns, and its seconds: what that holds is freed after the clock has stopped."""
    start = time.perf_counter()
    answer = work()
    return answer, time.perf_counter() - start


def again(work, seconds):
    """The median of as many repetitions as fit in that time, one at least unless it is 0; and how many they were."""
    taken = []
    end = time.perf_counter() + seconds
    while seconds > 0 and (not taken or time.perf_counter() < end):
        taken.append(timed(work)[1])
    return {"again_s": statistics.median(taken), "again_n": len(taken)} if taken else {}


def opening(load, ask):
    """Work for timed and again: the answer, and what was opened for it, which goes when they are done with it."""

    def work():
        opened = load()
        return ask(opened), opened

    return work
