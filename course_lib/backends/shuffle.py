"""A shuffle: what comes out when position 0, 1, 2, … is exchanged in turn with a later one.

This is the shuffle of Fisher & Yates (1938) in Durstenfeld's form (1964): step i exchanges positions i and partner[i],
which is ≥ i. Every step depends on the ones before it, so no array operation does it. But solvers of linear equations
exchange rows in this very way, to have a large pivot: LAPACK does it for whole lists of exchanges.
"""

from __future__ import annotations

import numpy as np

from .loading import Loading

_lapack = Loading(0.3, "scipy.linalg")


def shuffled(partner: np.ndarray) -> np.ndarray:
    """The row 0, 1, …, n-1 after exchanging positions i and partner[i] (int32, i ≤ partner[i] < n) for each i."""
    if len(partner) and _lapack.pays(len(partner) * 4e-7):
        from scipy.linalg.lapack import dlaswp

        row = np.arange(len(partner)).view(np.float64)  # 64 bits each, which are only moved
        return dlaswp(row[:, None], partner, overwrite_a=True)[:, 0].view(np.int64)
    row = list(range(len(partner)))
    for i, other in enumerate(partner.tolist()):
        row[i], row[other] = row[other], row[i]
    return np.array(row, np.int64)
