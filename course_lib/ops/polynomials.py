"""Orthogonal polynomials (torch.special): Pₙ(x) by the three-term recurrence, from degree 0 up to the largest n.

Each family is its P₁ and the step that makes Pₖ₊₁ from Pₖ and Pₖ₋₁. Elements of different degree are computed together:
each keeps the value that its own degree reaches. Computed in float64 and rounded once.
"""

from __future__ import annotations

from ._numeric import narrow, require_kind
from ._op import FLOAT, op

DOUBLED = lambda x, k, p, q: 2 * x * q - p

_FAMILIES = {  # name: (P₁, step(x, k, Pₖ₋₁, Pₖ) -> Pₖ₊₁, what it is)
    "chebyshev_polynomial_t": (lambda x: x, DOUBLED, "the Chebyshev polynomial of the first kind"),
    "chebyshev_polynomial_u": (lambda x: 2 * x, DOUBLED, "the Chebyshev polynomial of the second kind"),
    "chebyshev_polynomial_v": (lambda x: 2 * x - 1, DOUBLED, "the Chebyshev polynomial of the third kind"),
    "chebyshev_polynomial_w": (lambda x: 2 * x + 1, DOUBLED, "the Chebyshev polynomial of the fourth kind"),
    "hermite_polynomial_h": (
        lambda x: 2 * x,
        lambda x, k, p, q: 2 * x * q - 2 * k * p,
        "the physicist's Hermite polynomial",
    ),
    "hermite_polynomial_he": (lambda x: x, lambda x, k, p, q: x * q - k * p, "the probabilist's Hermite polynomial"),
    "laguerre_polynomial_l": (
        lambda x: 1 - x,
        lambda x, k, p, q: ((2 * k + 1 - x) * q - k * p) / (k + 1),
        "the Laguerre polynomial",
    ),  # fmt: skip
    "legendre_polynomial_p": (
        lambda x: x,
        lambda x, k, p, q: ((2 * k + 1) * x * q - k * p) / (k + 1),
        "the Legendre polynomial",
    ),  # fmt: skip
}


def _polynomial(name: str, first, step, text: str, shifted: bool = False):
    def forward(xp, a, n):
        require_kind(f"{name}_cpu", a)
        dtype = a.dtype
        x, n = xp.broadcast_arrays(a.astype("f8"), n.astype("i8"))
        x = 2 * x - 1 if shifted else x
        made = xp.where(n == 0, 1.0, xp.where(n < 0, 0.0, first(x)))
        before, now = xp.ones_like(x), first(x)
        for k in range(1, int(n.max()) if n.size else 0):
            before, now = now, step(x, k, before, now)
            made = xp.where(n == k + 1, now, made)
        return narrow(made, dtype)

    document = f"""{name}(input, n, *, out=None) -> Tensor: {text} of degree `n` at `input`.

    Source: https://docs.pytorch.org/docs/stable/special.html#torch.special.{name}
    """
    members = {
        "forward": forward,
        "__doc__": document,
        "__module__": __name__,
        "arguments": lambda input, n: ((input, n), {}),
    }
    op(dtype=FLOAT, method=False, namespace="special")(type(name, (), members))


for _name, (_first, _step, _text) in _FAMILIES.items():
    _polynomial(_name, _first, _step, _text)
    if _name.startswith("chebyshev"):
        _polynomial(f"shifted_{_name}", _first, _step, _text + " in 2·input - 1", shifted=True)
