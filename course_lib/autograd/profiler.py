"""torch.autograd.profiler: the profiler under its older name."""

from __future__ import annotations

from ..profiler import profiler
from ..profiler.events import EventList, FunctionEvent, FunctionEventAvg
from ..profiler.profiler import record_function


class profile(profiler.profile):
    """profile(enabled=True, …): as `torch.profiler.profile`; the object itself prints, tabulates and sums.

    Source: https://docs.pytorch.org/docs/stable/autograd.html#torch.autograd.profiler.profile
    """

    def __init__(self, enabled=True, *, record_shapes=False, profile_memory=False, **accepted):
        super().__init__(record_shapes=record_shapes, profile_memory=profile_memory)
        self.enabled = enabled

    def __enter__(self):
        return super().__enter__() if self.enabled else self

    @property
    def function_events(self) -> EventList:
        return self.events()

    @property
    def self_cpu_time_total(self) -> float:
        return self.events().self_cpu_time_total

    def table(self, *args, **kwargs) -> str:
        """The table of all calls; `key_averages().table()` sums them by name."""
        return self.events().table(*args, **kwargs)

    def total_average(self) -> FunctionEventAvg:
        return self.events().total_average()

    def __str__(self) -> str:
        return self.table() if self._recorded else "<unfinished torch.autograd.profile>"

    __repr__ = __str__


__all__ = ["EventList", "FunctionEvent", "FunctionEventAvg", "profile", "record_function"]
