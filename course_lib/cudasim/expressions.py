"""The value of an expression for all lanes at once.

A value is a scalar (the same for every thread), an array with an element a lane, a tuple of values, or an object that
is known before the kernel runs (an array, a function, a module). Numbers have the types that numba's compiler gives
them: integers are 64-bit, literals like 0.5 are 64-bit floats, `/` makes a float.
"""

from __future__ import annotations

import ast
import builtins
import math
import operator

import numpy as np

from .device_functions import BUILTINS, CASTS, FUNCTIONS, DeviceFunction, Intrinsic, PerThread
from .errors import KernelError, KernelTypeError, Uninitialized, UnsupportedSyntax
from .memory import KernelArray

_OPERATORS = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.Pow: operator.pow, ast.LShift: operator.lshift,
    ast.RShift: operator.rshift, ast.BitAnd: operator.and_, ast.BitOr: operator.or_, ast.BitXor: operator.xor,
}  # fmt: skip
_COMPARISONS = {ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le,
                ast.Gt: operator.gt, ast.GtE: operator.ge}  # fmt: skip
_BITS = (ast.LShift, ast.RShift, ast.BitAnd, ast.BitOr, ast.BitXor)


def is_varying(value) -> bool:
    """Whether the threads may hold different values."""
    return isinstance(value, np.ndarray)


class Expressions:
    """Evaluates expressions for the lanes `self.active` in `self.frame`; a part of `Run`."""

    def value(self, node: ast.expr):
        try:
            evaluate = _EVALUATE[type(node)]
        except KeyError:
            raise self.unsupported(node) from None
        self.line = node.lineno + self.frame.function.first_line
        return evaluate(self, node)

    def at(self, node) -> None:
        """From now on this node, with its line, is what runs."""
        self.place, self.line = node, node.lineno + self.frame.function.first_line

    def unsupported(self, node) -> UnsupportedSyntax:
        self.line = node.lineno + self.frame.function.first_line
        return self.error(UnsupportedSyntax, f"{type(node).__name__} cannot be used in a kernel")

    # -- names and constants ------------------------------------------------------------------------------------

    def _constant(self, node: ast.Constant):
        return known(node.value)

    def _name(self, node: ast.Name):
        name, frame = node.id, self.frame
        if name in frame.names:
            defined = frame.partial.get(name)
            if defined is not None and (self.active & ~defined).any():
                lane = int(np.argmax(self.active & ~defined))
                raise self.error(
                    Uninitialized,
                    f"{self.who(lane)} uses the variable `{name}`, but it did not take the branch that sets it. Give "
                    f"`{name}` a value before the `if`",
                    lane,
                )
            return frame.names[name]
        if name in frame.function.locals:
            raise self.error(Uninitialized, f"the variable `{name}` is used before it has a value")
        scope = frame.function.scope
        if name in scope:
            found = scope[name]
        elif hasattr(builtins, name):
            found = getattr(builtins, name)
        else:
            raise self.error(KernelError, f"the name `{name}` is not defined")
        if isinstance(found, np.ndarray):
            return self.constant_array(name, found)
        return self.known(found)

    def known(self, found):
        """An object from outside the kernel as the kernel sees it."""
        return found.value_in_kernel(self) if isinstance(found, PerThread) else known(found)

    def _tuple(self, node):
        return tuple([self.value(part) for part in node.elts])

    def _attribute(self, node: ast.Attribute):
        held = self.value(node.value)
        if isinstance(held, KernelArray):
            if node.attr in ("shape", "size", "ndim", "dtype"):
                return known(getattr(held, node.attr))
            raise self.type_error(f"an array in a kernel has no `{node.attr}`; it has shape, size, ndim and dtype")
        if isinstance(held, np.ndarray | np.generic | tuple):
            raise self.type_error(f"a value in a kernel has no attribute `{node.attr}`")
        axis = getattr(held, "axis_of", None)
        if axis is not None:  # cuda.threadIdx and its like
            return held.in_kernel(self, node.attr)
        try:
            found = getattr(held, node.attr)
        except AttributeError:
            raise self.error(KernelError, f"{ast.unparse(node.value)} has no `{node.attr}`") from None
        return self.known(found)

    # -- operators ----------------------------------------------------------------------------------------------

    def _binary(self, node: ast.BinOp):
        return self.operate(node.op, self.value(node.left), self.value(node.right))

    def operate(self, op: ast.operator, left, right):
        kind = type(op)
        if kind not in _OPERATORS:
            raise self.error(UnsupportedSyntax, f"the operator {kind.__name__} cannot be used in a kernel")
        if isinstance(left, tuple) and isinstance(right, tuple) and kind is ast.Add:
            return left + right
        left, right = self.number(left), self.number(right)
        integers = left.dtype.kind in "iu" and right.dtype.kind in "iu"
        if kind in _BITS and not (integers or left.dtype.kind == right.dtype.kind == "b"):
            raise self.type_error("shifts and bit operators need integers")
        left, right = computed_as(left, right, kind in _BITS)
        integers = left.dtype.kind in "iu" and right.dtype.kind in "iu"
        if integers and kind in (ast.Div, ast.FloorDiv, ast.Mod):
            self._refuse_zero(right)
        if kind in (ast.LShift, ast.RShift):
            self._refuse_shift(right)
        if integers and kind is ast.Pow and np.any(right < 0):
            left = left.astype(np.float64)
        made = _OPERATORS[kind](left, right)
        if kind is ast.Sub and made.dtype == np.uint64:
            self._note_unsigned(left, right)
        self.counts.instruction(self, self.active, made)
        self._note_float64(made, left, right)
        return made

    def _refuse_zero(self, divisor) -> None:
        zero = (divisor == 0) & self.active
        if zero.any():
            lane = int(np.argmax(zero))
            raise self.error(KernelError, f"{self.who(lane)} divides an integer by zero", lane)

    def _refuse_shift(self, distance) -> None:
        wrong = ((distance < 0) | (distance > 63)) & self.active
        if wrong.any():
            lane = int(np.argmax(wrong))
            far = int(np.broadcast_to(distance, wrong.shape)[lane])
            raise self.error(KernelError, f"{self.who(lane)} shifts by {far} bits; only 0 to 63 mean something", lane)

    def _note_unsigned(self, left, right) -> None:
        below = (left < right) & self.active
        if below.any():
            lane = int(np.argmax(below))
            a, b = (int(np.broadcast_to(value, below.shape)[lane]) for value in (left, right))
            self.counts.note(
                self.line, "unsigned",
                f"line {self.line} subtracts unsigned integers, which have no negative numbers: {a} - {b} becomes "
                f"{(a - b) % 2**64}. Convert them first, with int32(…) or int(…)",
            )  # fmt: skip

    def _note_float64(self, made, *operands) -> None:
        kinds = {value.dtype.name for value in operands}
        if made.dtype == np.float64 and "float32" in kinds:
            other = "float64" if "float64" in kinds else "an integer"
            self.counts.note(
                self.line, "float64",
                f"line {self.line} computes in float64, because float32 meets {other}: most GPUs do that 32 to 64 "
                "times slower. Write constants as float32(…), and convert integers",
            )  # fmt: skip

    def _unary(self, node: ast.UnaryOp):
        value = self.value(node.operand)
        if isinstance(node.op, ast.Not):
            return np.logical_not(self.truth(value))
        value = self.number(value)
        if isinstance(node.op, ast.Invert):
            if value.dtype.kind == "f":
                raise self.type_error("`~` needs an integer")
            return ~computed_as(value, value)[0]
        value = computed_as(value, value)[0] if value.dtype.kind in "bi" else value
        return -value if isinstance(node.op, ast.USub) else value

    def _compare(self, node: ast.Compare):
        left, result = self.value(node.left), None
        for op, part in zip(node.ops, node.comparators, strict=True):
            right = self.value(part)
            if isinstance(op, ast.Is | ast.IsNot) and (left is None or right is None):
                made = np.bool_((left is right) == isinstance(op, ast.Is))
            elif type(op) in _COMPARISONS:
                made = _COMPARISONS[type(op)](self.number(left), self.number(right))
                self.counts.instruction(self, self.active, None)
            else:
                words = {ast.In: "in", ast.NotIn: "not in", ast.Is: "is", ast.IsNot: "is not"}
                raise self.error(UnsupportedSyntax, f"`{words[type(op)]}` cannot be used in a kernel")
            result = made if result is None else result & made
            left = right
        return result

    def _bool_operation(self, node: ast.BoolOp):
        """`and`, `or`: a later operand is computed by those threads only for which the earlier ones decide nothing.

        As in Python the result is the operand that decides, or the last one.
        """
        is_and = isinstance(node.op, ast.And)
        outer, result = self.active, None
        try:
            for part in node.values:
                value = self.number(self.value(part))
                result = value if result is None else np.where(self.active, value, result)[()]
                undecided = self.truth(value) if is_and else ~self.truth(value)
                if not is_varying(undecided):
                    if not undecided:
                        break
                else:
                    self.active = self.active & undecided
                    if not self.active.any():
                        break
        finally:
            self.active = outer
        return result

    def _conditional(self, node: ast.IfExp):
        condition = self.truth(self.value(node.test))
        if not is_varying(condition):
            return self.value(node.body if condition else node.orelse)
        outer, parts = self.active, []
        for chosen, part in ((condition, node.body), (~condition, node.orelse)):
            self.active = outer & chosen
            parts.append(self.number(self.value(part)) if self.active.any() else None)
        self.active = outer
        yes, no = parts
        if yes is None or no is None:
            return no if yes is None else yes
        return np.where(condition, yes, no)

    # -- elements and calls -------------------------------------------------------------------------------------

    def _subscript(self, node: ast.Subscript):
        held = self.value(node.value)
        index = self.index(node.slice)
        self.at(node)
        if isinstance(held, KernelArray):
            return held.load(self, index, self.active)
        if isinstance(held, tuple):
            if len(index) != 1 or not isinstance(index[0], np.integer):
                raise self.type_error("a tuple can be indexed by one number only, the same for all threads")
            try:
                return held[int(index[0])]
            except IndexError:
                raise self.error(KernelError, f"index {int(index[0])} is outside a tuple of {len(held)}") from None
        raise self.type_error(f"a {_kind(held)} cannot be indexed")

    def index(self, node: ast.expr) -> tuple:
        """The index expressions of `a[…]` as a tuple."""
        if isinstance(node, ast.Slice) or (isinstance(node, ast.Tuple) and any(isinstance(part, ast.Slice)
                                                                               for part in node.elts)):  # fmt: skip
            raise self.error(UnsupportedSyntax, "slices cannot be used in a kernel: index single elements")
        made = self.value(node)
        return made if isinstance(made, tuple) else (made,)

    def _call(self, node: ast.Call):
        function = self.value(node.func)
        if any(isinstance(part, ast.Starred) for part in node.args) or any(k.arg is None for k in node.keywords):
            raise self.error(UnsupportedSyntax, "`*` and `**` cannot be used in a call inside a kernel")
        args = [self.value(part) for part in node.args]
        named = {keyword.arg: self.value(keyword.value) for keyword in node.keywords}
        self.at(node)
        if isinstance(function, Intrinsic):
            return function.simulate(self, node, args, named)
        if isinstance(function, DeviceFunction):
            return self.call_device(function, args, named)
        if getattr(function, "is_kernel", False):
            raise self.error(
                KernelError,
                f"a kernel cannot call another kernel. Declare `{function.__name__}` with @cuda.jit(device=True)",
            )
        if named:
            raise self.type_error(f"{getattr(function, '__name__', function)} takes no named arguments in a kernel")
        try:
            builtin = BUILTINS.get(function)
            cast, ufunc = CASTS.get(function), FUNCTIONS.get(function)
        except TypeError:  # not hashable: no function at all
            builtin = cast = ufunc = None
        if builtin is not None:
            return self.calling(function.__name__, builtin, args, {})
        if cast is not None:
            return self.calling(function.__name__, lambda run, x: run.number(x).astype(cast)[()], args, {})
        to_floats = ufunc is not None
        if ufunc is None and isinstance(function, np.ufunc):
            ufunc = function
        if ufunc is None:
            raise self.error(
                UnsupportedSyntax,
                f"`{getattr(function, '__name__', _kind(function))}` cannot be called in a kernel. What can: functions "
                "of math, cuda.*, min, max, abs, int, float, len, range and @cuda.jit(device=True) functions",
            )
        numbers = [self.number(value) for value in args]
        needed = getattr(ufunc, "nin", 1)
        if len(numbers) != needed:
            count = f"{needed} number{'' if needed == 1 else 's'}"
            raise self.type_error(f"{function.__name__}() takes {count}, but {len(numbers)} were given")
        if to_floats and function is not math.ldexp:  # the functions of `math` compute with floats
            numbers = [value if value.dtype.kind == "f" else value.astype(np.float64) for value in numbers]
        made = ufunc(*numbers)
        self.counts.instruction(self, self.active, made)
        return made

    # -- what a value is ----------------------------------------------------------------------------------------

    def number(self, value):
        """The value, if it is a number; KernelTypeError otherwise."""
        if isinstance(value, np.ndarray | np.generic):
            return value
        raise self.type_error(f"a number is needed here, not a {_kind(value)}")

    def truth(self, value):
        """The value as a bool."""
        value = self.number(value)
        return value if value.dtype.kind == "b" else value != 0

    def type_error(self, message: str) -> KernelTypeError:
        return self.error(KernelTypeError, message)


def known(value):
    """A Python object as a kernel sees it: numbers get the compiler's types."""
    if isinstance(value, bool):
        return np.bool_(value)
    if isinstance(value, int):
        return np.int64(value)
    if isinstance(value, float):
        return np.float64(value)
    if isinstance(value, tuple):
        return tuple([known(part) for part in value])
    return value


def computed_as(left, right, bits: bool = False):
    """The operands as the compiler computes with them: integers have 64 bits, unsigned ones if both are unsigned.

    A bool counts as an integer, but for the operators on bits.
    """
    kinds = left.dtype.kind + right.dtype.kind
    if bits and kinds == "bb":
        return left, right
    wide = np.uint64 if kinds == "uu" else np.int64
    return _widened(left, wide, bits), _widened(right, wide, bits)


def _widened(value, wide, bits: bool):
    kind = value.dtype
    narrow = kind.kind in "iu" and (kind.itemsize < 8 or bits)
    return value.astype(wide) if kind.kind == "b" or narrow else value


def _kind(value) -> str:
    if isinstance(value, KernelArray):
        return "whole array (choose an element of it: array[index])"
    words = {tuple: "tuple", str: "string", type(None): "missing value (None)", np.ndarray: "number"}
    return words.get(type(value), "number" if isinstance(value, np.generic) else type(value).__name__)


_EVALUATE = {
    ast.Constant: Expressions._constant, ast.Name: Expressions._name, ast.Tuple: Expressions._tuple,
    ast.Attribute: Expressions._attribute, ast.BinOp: Expressions._binary, ast.UnaryOp: Expressions._unary,
    ast.Compare: Expressions._compare, ast.BoolOp: Expressions._bool_operation, ast.IfExp: Expressions._conditional,
    ast.Subscript: Expressions._subscript, ast.Call: Expressions._call,
}  # fmt: skip

__all__ = ["Expressions", "is_varying", "known"]
