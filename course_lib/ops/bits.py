"""Bits of integers, and with the same names logic on bools: `&`, `|`, `^`, `~`, `<<`, `>>`. There are no gradients."""

from __future__ import annotations

from ._numeric import require_kind
from ._op import PROMOTE, op


def _bits(name: str, ufunc: str, operator: str, text: str):
    """Declare an operation on two integers or bools."""

    shift = operator.endswith("shift")
    kernel, kinds = (f"{operator}_cpu", "iu") if shift else (f"{name}_cpu", "biu")

    def forward(xp, a, b, out=...):
        require_kind(kernel, a, kinds)
        return getattr(xp, ufunc)(a, b, out=out)

    document = f"""{name}(input, other, *, out=None) -> Tensor: {text}.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.{name}.html
    """
    members = {"forward": forward, "__doc__": document, "__module__": __name__}
    return op(inplace=True, dtype=PROMOTE, operator=operator)(type(name, (), members))


bitwise_and = _bits("bitwise_and", "bitwise_and", "and", "the bits that are set in both (logical AND of bools)")
bitwise_or = _bits("bitwise_or", "bitwise_or", "or", "the bits that are set in either (logical OR of bools)")
bitwise_xor = _bits("bitwise_xor", "bitwise_xor", "xor", "the bits that are set in one only (logical XOR of bools)")
bitwise_left_shift = _bits("bitwise_left_shift", "left_shift", "lshift", "the bits moved to the left")
bitwise_right_shift = _bits("bitwise_right_shift", "right_shift", "rshift", "the bits moved to the right")


@op(inplace=True, operator="invert")
class bitwise_not:
    """bitwise_not(input, *, out=None) -> Tensor: every bit flipped (logical NOT of bools); `~input`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.bitwise_not.html
    """

    elementwise = True

    def forward(xp, a, out=...):
        require_kind("bitwise_not_cpu", a, "biu")
        return xp.invert(a, out=out)
