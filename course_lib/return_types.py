"""Named results, such as `values` and `indices` of `torch.max`: tuples with field names that print as PyTorch's do."""

from __future__ import annotations

import operator


class _Named(tuple):
    """A tuple whose entries also have names."""

    __slots__ = ()
    fields: tuple[str, ...] = ()

    def __new__(cls, entries):
        return tuple.__new__(cls, entries)

    def __repr__(self) -> str:
        from .printing import structseq_repr

        return structseq_repr(f"torch.return_types.{type(self).__name__}", self.fields, self)


def _named(name: str, *fields: str):
    members = {field: property(operator.itemgetter(i)) for i, field in enumerate(fields)}
    return type(name, (_Named,), {"__slots__": (), "fields": fields, **members})


max = _named("max", "values", "indices")
min = _named("min", "values", "indices")
sort = _named("sort", "values", "indices")
topk = _named("topk", "values", "indices")
median = _named("median", "values", "indices")
mode = _named("mode", "values", "indices")
kthvalue = _named("kthvalue", "values", "indices")
cummax = _named("cummax", "values", "indices")
cummin = _named("cummin", "values", "indices")
aminmax = _named("aminmax", "min", "max")
nanmedian = _named("nanmedian", "values", "indices")
frexp = _named("frexp", "mantissa", "exponent")
histogram = _named("histogram", "hist", "bin_edges")
histogramdd = _named("histogramdd", "hist", "bin_edges")
