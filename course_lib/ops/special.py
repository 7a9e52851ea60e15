"""Special functions: error functions, gamma functions, Bessel functions, and what statistics needs of them.

The numbers come from SciPy (`scipy.special`, loaded when a function first needs it); the gradients are written here.
`torch.special` is the namespace: some functions are public under both names.
"""

from __future__ import annotations

import math

import numpy as np

from ..backends.selection import select
from ..dtypes import finfo, from_numpy
from ..tensor import Tensor
from ._numeric import narrow, require_kind, special, wide
from ._op import FLOAT, FUNCTIONS, OPS, function, op
from .masks import where
from .mathematics import exp2, expm1, log1p, sigmoid
from .pairs import pair, xlogy
from .ranges import arange
from .reduce import logsumexp
from .rounding import round
from .softmax import log_softmax, softmax

ROOT_PI = math.sqrt(math.pi)
ROOT_2PI = math.sqrt(2 * math.pi)


def _of_one(name: str, compute, slope=None, text: str = "", *, uses="input", alias=(), own=True, kernel=None):
    """Declare a special function of one variable.

    compute(sc, xp, x) gives the numbers (sc is scipy.special); slope(v) the derivative in terms of the input or, with
    uses="output", of the result. own: also public as torch.name and Tensor.name (otherwise only in torch.special).
    """
    refused = kernel or f"{name}_vml_cpu"

    def forward(xp, a):
        require_kind(refused, a)
        library = special(xp)
        try:
            return narrow(compute(library, xp, wide(a)), a.dtype)
        except AttributeError:  # CuPy has fewer of them than SciPy: the host computes the rest
            return xp.asarray(narrow(compute(special(np), np, wide(a.get())), a.dtype))

    def save(ctx, out, a):
        ctx.save_for_backward(a) if uses == "input" else ctx.save_output(out)

    def backward(ctx, g):
        (value,) = ctx.saved_tensors
        return g * slope(value)

    document = f"""{name}(input, *, out=None) -> Tensor: {text}, elementwise.

    Source: https://docs.pytorch.org/docs/stable/special.html#torch.special.{name}
    """
    members = {"forward": forward, "__doc__": document, "__module__": __name__}
    if slope is not None:
        members |= {"save": save, "backward": backward}
    node = None if own else "Special" + "".join(part.capitalize() for part in name.split("_"))
    return op(inplace=own, dtype=FLOAT, alias=alias, method=own, namespace="torch" if own else "special", node=node)(
        type(name, (), members)
    )


# ---- error functions and the normal distribution -----------------------------------------------------------------

erf = _of_one(
    "erf",
    lambda sc, xp, x: sc.erf(x),
    lambda x: 2 / ROOT_PI * (-x * x).exp(),
    "the error function (2/√π)·∫₀ˣ exp(-t²) dt",
)
erfc = _of_one(
    "erfc", lambda sc, xp, x: sc.erfc(x), lambda x: -2 / ROOT_PI * (-x * x).exp(), "1 - erf(x), exact for large x"
)
erfinv = _of_one(
    "erfinv",
    lambda sc, xp, x: sc.erfinv(x),
    lambda y: ROOT_PI / 2 * (y * y).exp(),
    "the inverse of `erf`",
    uses="output",
)
erfcx = _of_one(
    "erfcx", lambda sc, xp, x: sc.erfcx(x), lambda x: 2 * x * erfcx(x) - 2 / ROOT_PI, "exp(x²)·erfc(x)", own=False
)
ndtr = _of_one(
    "ndtr",
    lambda sc, xp, x: sc.ndtr(x),
    lambda x: (x * x / -2).exp() / ROOT_2PI,
    "the area under the standard normal density up to x",
    own=False,
)
ndtri = _of_one(
    "ndtri",
    lambda sc, xp, x: sc.ndtri(x),
    lambda y: ROOT_2PI * (y * y / 2).exp(),
    "the inverse of `ndtr`",
    uses="output",
    own=False,
)
log_ndtr = _of_one(
    "log_ndtr",
    lambda sc, xp, x: sc.log_ndtr(x),
    lambda x: math.sqrt(2 / math.pi) / erfcx(x * -math.sqrt(0.5)),
    "the logarithm of `ndtr`",
    own=False,
)
entr = _of_one(
    "entr", lambda sc, xp, x: sc.entr(x), lambda x: -(1 + x.log()), "the entropy -x·ln x", own=False, kernel="entr_cpu"
)

# ---- gamma functions ---------------------------------------------------------------------------------------------

lgamma = _of_one("lgamma", lambda sc, xp, x: sc.gammaln(x), lambda x: digamma(x), "ln |Γ(x)|")
digamma = _of_one(
    "digamma",
    lambda sc, xp, x: _digamma(sc, xp, x),
    lambda x: polygamma(1, x),
    "the derivative of ln Γ(x)",
    kernel="digamma",
)


def _digamma(sc, xp, x):
    made = sc.digamma(x)
    return xp.where(
        x == 0, xp.copysign(x.dtype.type(math.inf), -x), xp.where((x < 0) & (x == xp.floor(x)), math.nan, made)
    )


@op(dtype=FLOAT, inplace=True, method=False, namespace=None, node="Polygamma")
class polygamma_of:
    """The n-th derivative of the digamma function."""

    def forward(xp, a, *, n):
        require_kind("polygamma" if n > 1 else "trigamma" if n else "digamma", a)
        sc, x = special(xp), wide(a)
        if n == 0:
            return narrow(_digamma(sc, xp, x), a.dtype)
        return narrow(sc.polygamma(n, x), a.dtype)

    def save(ctx, out, a, *, n):
        ctx.save_for_backward(a)
        ctx.n = n

    def backward(ctx, g):
        (a,) = ctx.saved_tensors
        return g * polygamma(ctx.n + 1, a)


@function(out=True)
def polygamma(n, input):
    """polygamma(n, input, *, out=None) -> Tensor: the n-th derivative of `digamma`; RuntimeError for negative n.

    Source: https://docs.pytorch.org/docs/stable/special.html#torch.special.polygamma
    """
    if isinstance(n, Tensor):  # as a method: x.polygamma(n)
        n, input = input, n
    if n < 0:
        raise RuntimeError("polygamma(n, x) does not support negative n.")
    return polygamma_of(input, n=int(n))


def _polygamma_(self, n):
    """In-place version of `polygamma`."""
    return OPS["polygamma_of"].change(self, n=n)


Tensor.polygamma = lambda self, n: polygamma(n, self)
Tensor.polygamma_ = _polygamma_


@function(method=True, inplace=True, out=True)
def mvlgamma(input, p):
    """mvlgamma(input, p, *, out=None) -> Tensor: the logarithm of the multivariate gamma function of dimension p.

    Source: https://docs.pytorch.org/docs/stable/special.html#torch.special.multigammaln
    """
    if p < 1:
        raise RuntimeError("p has to be greater than or equal to 1")
    x = input if input.is_floating_point() else input.float()
    shifts = arange(p, dtype=x.dtype, device=x.device) / -2
    return lgamma(x.unsqueeze(-1) + shifts).sum(-1) + p * (p - 1) / 4 * math.log(math.pi)


def _incomplete_gamma(name: str, function_name: str, sign: int, text: str):
    def forward(xp, a, x):
        require_kind(f"{name}_cpu", a)
        return narrow(getattr(special(xp), function_name)(wide(a), wide(x)), a.dtype)

    def backward(ctx, g):
        a, x = ctx.saved_tensors
        if ctx.needs_input_grad[0]:
            raise NotImplementedError(f"the derivative for '{name}: input' is not implemented.")
        return None, g * sign * ((a - 1) * x.log() - x - lgamma(a)).exp()

    return pair(name, text, forward, backward)


igamma = _incomplete_gamma("igamma", "gammainc", 1, "the lower incomplete gamma function, divided by Γ(input)")
igammac = _incomplete_gamma("igammac", "gammaincc", -1, "the upper incomplete gamma function, divided by Γ(input)")


@op(dtype=FLOAT, method=False, namespace="special", node="SpecialZeta")
class zeta:
    """zeta(input, other, *, out=None) -> Tensor: Hurwitz's zeta function, Σₖ 1 / (k + other)^input.

    Source: https://docs.pytorch.org/docs/stable/special.html#torch.special.zeta
    """

    def forward(xp, a, q):
        require_kind("zeta_cpu", a)
        return narrow(special(xp).zeta(wide(a), wide(q)), a.dtype)

    def save(ctx, out, a, q):
        ctx.save_for_backward(a, q)

    def backward(ctx, g):
        a, q = ctx.saved_tensors
        if ctx.needs_input_grad[0]:
            raise NotImplementedError("the derivative for 'zeta' is not implemented.")
        return None, g * -a * zeta(a + 1, q)


# ---- Bessel functions --------------------------------------------------------------------------------------------


def _ratio_at_zero(x, quotient, limit: float):
    """quotient / x where x is not 0, and the limit where it is."""
    small = x == 0
    return where(small, limit, quotient / x.masked_fill(small, 1))


i0 = _of_one(
    "i0", lambda sc, xp, x: sc.i0(x), lambda x: i1(x), "the modified Bessel function of the first kind of order 0"
)
i0e = _of_one("i0e", lambda sc, xp, x: sc.i0e(x), lambda x: i1e(x) - x.sgn() * i0e(x), "exp(-|x|)·i0(x)", own=False)
i1 = _of_one(
    "i1",
    lambda sc, xp, x: sc.i1(x),
    lambda x: i0(x) - _ratio_at_zero(x, i1(x), 0.5),
    "the modified Bessel function of the first kind of order 1",
    own=False,
)
i1e = _of_one(
    "i1e",
    lambda sc, xp, x: sc.i1e(x),
    lambda x: i0e(x) - i1e(x) * x.sgn() - _ratio_at_zero(x, i1e(x), 0.5),
    "exp(-|x|)·i1(x)",
    own=False,
)

for _name, _made, _text in (
    ("airy_ai", lambda sc, xp, x: sc.airy(x)[0], "the Airy function Ai"),
    ("bessel_j0", lambda sc, xp, x: sc.j0(x), "the Bessel function of the first kind of order 0"),
    ("bessel_j1", lambda sc, xp, x: sc.j1(x), "the Bessel function of the first kind of order 1"),
    ("bessel_y0", lambda sc, xp, x: sc.y0(x), "the Bessel function of the second kind of order 0"),
    ("bessel_y1", lambda sc, xp, x: sc.y1(x), "the Bessel function of the second kind of order 1"),
    ("modified_bessel_i0", lambda sc, xp, x: sc.i0(x), "the modified Bessel function of the first kind of order 0"),
    ("modified_bessel_i1", lambda sc, xp, x: sc.i1(x), "the modified Bessel function of the first kind of order 1"),
    ("modified_bessel_k0", lambda sc, xp, x: sc.k0(x), "the modified Bessel function of the second kind of order 0"),
    ("modified_bessel_k1", lambda sc, xp, x: sc.k1(x), "the modified Bessel function of the second kind of order 1"),
    ("scaled_modified_bessel_k0", lambda sc, xp, x: sc.k0e(x), "exp(x)·k0(x)"),
    ("scaled_modified_bessel_k1", lambda sc, xp, x: sc.k1e(x), "exp(x)·k1(x)"),
    ("spherical_bessel_j0", lambda sc, xp, x: xp.sinc(x / math.pi), "sin(x) / x"),
):
    _of_one(_name, _made, None, _text, own=False, kernel=f"{_name}_cpu")

# ---- logistic, sine, angles --------------------------------------------------------------------------------------


@op(inplace=True, dtype=FLOAT)
class logit:
    """logit(input, eps=None, *, out=None) -> Tensor: `log(x / (1 - x))`, with x first limited to [eps, 1 - eps].

    Source: https://docs.pytorch.org/docs/stable/special.html#torch.special.logit
    """

    def arguments(input, eps=None):
        return (input,), {"eps": eps}

    def forward(xp, a, *, eps):
        require_kind("logit_cpu", a)
        x = wide(a)
        if eps is not None:
            x = xp.clip(x, x.dtype.type(eps), x.dtype.type(1 - eps))
        return narrow(xp.log(x / (1 - x)), a.dtype)

    def save(ctx, out, a, *, eps):
        ctx.save_for_backward(a)
        ctx.eps = eps

    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        low = 0.0 if ctx.eps is None else ctx.eps
        outside = (x < low) | (x > 1 - low)
        return (g / (x * (1 - x))).masked_fill(outside, math.nan if ctx.eps is None else 0)


@op(inplace=True, dtype=FLOAT)
class sinc:
    """sinc(input, *, out=None) -> Tensor: `sin(πx) / (πx)`, 1 at 0.

    Source: https://docs.pytorch.org/docs/stable/special.html#torch.special.sinc
    """

    def forward(xp, a):
        x = wide(a)
        angle = x * x.dtype.type(math.pi)
        return narrow(
            xp.where(x == 0, x.dtype.type(1), xp.sin(angle) / xp.where(x == 0, x.dtype.type(1), angle)), a.dtype
        )

    def save(ctx, out, a):
        ctx.save_for_backward(a)

    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        angle = x * math.pi
        area = x * x * math.pi
        return g * ((angle * angle.cos() - angle.sin()) / area).conj().masked_fill(area == 0, 0)


def _angle_unit(name: str, factor: float, text: str):
    def forward(xp, a):
        if a.dtype.kind == "c":
            raise RuntimeError(f"{name} is not supported for complex tensors.")
        return narrow(wide(a) * wide(a).dtype.type(factor), a.dtype)

    def backward(ctx, g):
        return g * factor

    document = f"""{name}(input, *, out=None) -> Tensor: {text}.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.{name}.html
    """
    members = {"forward": forward, "backward": backward, "__doc__": document, "__module__": __name__}
    return op(inplace=True, dtype=FLOAT)(type(name, (), members))


deg2rad = _angle_unit("deg2rad", math.pi / 180, "angles in degrees as radians")
rad2deg = _angle_unit("rad2deg", 180 / math.pi, "angles in radians as degrees")


@op(inplace=True)
class nan_to_num:
    """nan_to_num(input, nan=0.0, posinf=None, neginf=None, *, out=None) -> Tensor

    NaN and the infinities replaced by numbers: 0, and the largest and smallest that the dtype has.

    >>> import course_lib as torch
    >>> torch.nan_to_num(torch.tensor([torch.nan, 2.]), nan=7.)
    tensor([7., 2.])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nan_to_num.html
    """

    def arguments(input, nan=None, posinf=None, neginf=None):
        return (input,), {"nan": nan, "posinf": posinf, "neginf": neginf}

    def forward(xp, a, *, nan, posinf, neginf):
        if a.dtype.kind == "c":
            real, imaginary = (_finite(xp, part, nan, posinf, neginf) for part in (a.real, a.imag))
            return (real + 1j * imaginary).astype(a.dtype)
        return a.copy() if a.dtype.kind in "biu" else _finite(xp, a, nan, posinf, neginf)

    def save(ctx, out, a, *, nan, posinf, neginf):
        ctx.save_for_backward(a)

    def backward(ctx, g):
        (a,) = ctx.saved_tensors
        return g * a.isfinite()


def _finite(xp, a, nan, posinf, neginf):
    limits = finfo(from_numpy(a.dtype))
    number = a.dtype.type
    made = select(xp, a != a, number(0.0 if nan is None else nan), a)
    made = select(xp, a == number(math.inf), number(limits.max if posinf is None else posinf), made)
    return select(xp, a == number(-math.inf), number(limits.min if neginf is None else neginf), made)


# ---- functions that torch.special also offers under a name of its own --------------------------------------------

FUNCTIONS["special"].update(
    digamma=digamma, erf=erf, erfc=erfc, erfinv=erfinv, exp2=exp2, expit=sigmoid, expm1=expm1, gammainc=igamma,
    gammaincc=igammac, gammaln=lgamma, i0=i0, log1p=log1p, logit=logit, logsumexp=logsumexp, multigammaln=mvlgamma,
    polygamma=polygamma, psi=digamma, round=round, sinc=sinc, xlogy=xlogy, softmax=softmax, log_softmax=log_softmax,
)  # fmt: skip
