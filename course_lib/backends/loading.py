"""When to load what makes work faster but takes long to load: SciPy's LAPACK, Numba and its compiled kernels."""

from __future__ import annotations

import sys


class Loading:
    """A helper that takes `seconds` to load: it pays as soon as doing without it has cost as much.

    Whoever waits so long spends at most twice what would have been best, however much work is still to come. (The rule
    of the skier who has to rent or to buy: Karlin, Manasse, Rudolph & Sleator, "Competitive snoopy caching", 1988.)
    Where the program has loaded `module` already, it pays at once.
    """

    __slots__ = ("missed", "module", "seconds")

    def __init__(self, seconds: float, module: str | None = None):
        self.seconds, self.module, self.missed = seconds, module, 0.0

    def pays(self, saves: float) -> bool:
        """Whether to load it now, before work that it would make `saves` seconds shorter."""
        self.missed += saves
        return self.missed >= self.seconds or self.module in sys.modules
