"""A shuffle without a loop: what comes out when position 0, 1, 2, … is exchanged in turn with a later one.

This is the shuffle of Fisher & Yates (1938) in Durstenfeld's form (1964): step i exchanges positions i and partner[i],
which is ≥ i. Every step depends on the ones before it, so the obvious program is a loop; for long rows the result is
derived here from who visits which position when, with one sort and a few gathers.
"""

from __future__ import annotations

import numpy as np

LOOP_UP_TO = 1000


def shuffled(partner: np.ndarray) -> np.ndarray:
    """The row 0, 1, …, n-1 after exchanging positions i and partner[i] (i ≤ partner[i] < n) for each i in turn."""
    if len(partner) > LOOP_UP_TO:
        return _without_loop(partner)
    row = list(range(len(partner)))
    for i, other in enumerate(partner.tolist()):
        row[i], row[other] = row[other], row[i]
    return np.array(row, np.int64)


def _without_loop(partner: np.ndarray) -> np.ndarray:
    # What ends up at position i is what position s = partner[i] holds at step i. The last earlier step j that chose s
    # left there what position j held when its turn came; if there is no such j, s still holds s itself.
    n = len(partner)
    visits = partner.astype(np.uint64) << np.uint64(32)
    visits |= np.arange(n, dtype=np.uint64)
    visits.sort()  # by position, then by step
    position, step = (visits >> np.uint64(32)).astype(np.int32), visits.astype(np.uint32).view(np.int32)

    again = position[1:] == position[:-1]
    earlier = np.full(n, -1, np.int32)  # the step before this one that chose the same position
    earlier[step[1:][again]] = step[:-1][again]

    last = np.flatnonzero(np.append(~again, True))
    chosen, by = position[last], step[last]  # each chosen position, and the last step that chose it
    by = np.where(by == chosen, earlier[by], by)  # a position's own step does not count: its turn ends there
    giver = np.arange(n, dtype=np.int32)  # giver[j]: the step whose number position j holds when its turn comes
    giver[chosen[by >= 0]] = by[by >= 0]
    while not np.array_equal(giver, farther := giver[giver]):  # that step held its own giver's, and so on: to the root
        giver = farther

    row = partner.astype(np.int64)
    seen = np.flatnonzero(earlier >= 0)
    row[seen] = giver[earlier[seen]]
    return row
