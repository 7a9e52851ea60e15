"""Named results, such as `values` and `indices` of `torch.max`: tuples with field names that print as PyTorch's do."""

from __future__ import annotations

import operator


class _Named(tuple):
    """A tuple whose entries also have names."""

    __slots__ = ()
    fields: tuple[str, ...] = ()

    def __new__(cls, entries, named=None):  # named: of entries that a pickle would have and the tuple would not
        return tuple.__new__(cls, entries)

    def __reduce__(self):
        return type(self), (tuple(self), {})

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

linalg_slogdet = _named("linalg_slogdet", "sign", "logabsdet")
slogdet = _named("slogdet", "sign", "logabsdet")
linalg_inv_ex = _named("linalg_inv_ex", "inverse", "info")
linalg_solve_ex = _named("linalg_solve_ex", "result", "info")
linalg_cholesky_ex = _named("linalg_cholesky_ex", "L", "info")
triangular_solve = _named("triangular_solve", "solution", "cloned_coefficient")
linalg_qr = _named("linalg_qr", "Q", "R")
qr = _named("qr", "Q", "R")
geqrf = _named("geqrf", "a", "tau")
linalg_eigh = _named("linalg_eigh", "eigenvalues", "eigenvectors")
linalg_eig = _named("linalg_eig", "eigenvalues", "eigenvectors")
linalg_svd = _named("linalg_svd", "U", "S", "Vh")
svd = _named("svd", "U", "S", "V")
linalg_lu = _named("linalg_lu", "P", "L", "U")
lu_unpack = _named("lu_unpack", "P", "L", "U")
linalg_lu_factor = _named("linalg_lu_factor", "LU", "pivots")
linalg_lu_factor_ex = _named("linalg_lu_factor_ex", "LU", "pivots", "info")
linalg_ldl_factor = _named("linalg_ldl_factor", "LD", "pivots")
linalg_ldl_factor_ex = _named("linalg_ldl_factor_ex", "LD", "pivots", "info")
linalg_lstsq = _named("linalg_lstsq", "solution", "residuals", "rank", "singular_values")

# What the functions give back that wrote into `out=`: the same fields in a type of its own.
for _kind in [value for name, value in globals().items() if name[0] != "_" and isinstance(value, type)]:
    if _kind is not histogramdd:  # it takes no out=
        globals()[_kind.__name__ + "_out"] = _named(_kind.__name__ + "_out", *_kind.fields)
