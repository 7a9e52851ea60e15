"""Arguments on their way into an op: numbers become arrays, dtypes are promoted, mistakes get PyTorch's texts."""

from __future__ import annotations

import functools
import inspect

import numpy as np

from .. import dtypes
from ..backends import GPU, array_module, beside, cast, is_array, is_numpy, on_gpu
from ..dtypes import BOOL, COMPLEX, FLOAT
from ..errors import warn
from ..tensor import Tensor, wrap
from ._by_kernel import activated
from ._numeric import is_half

NUMBER = (float, int, complex, np.number, np.bool_)  # bool is an int
OPERAND = (Tensor, *NUMBER)
_CATEGORY = {"b": BOOL, "u": 1, "i": 1, "f": FLOAT, "V": FLOAT, "c": COMPLEX}

# ---- numbers -----------------------------------------------------------------------------------------------------

_numbers: dict = {}  # (value, dtype) -> 0-d array: making one costs more than a small op


def number_array(value, x):
    """A Python number as a 0-d array that may meet array `x`: in x's dtype, unless its category is higher.

    Beside an array of a GPU it is a scalar, which CuPy passes to its kernel as an argument; in bfloat16, which CuPy's
    scalars do not have, it is an array there.
    """
    dtype = x.dtype
    category = dtypes.category_of_number(value)
    if category > _CATEGORY[dtype.kind]:
        if category == COMPLEX and dtype.kind in "fV":
            dtype = dtypes.from_numpy(dtype).to_complex().numpy
        else:
            dtype = dtypes.of_number(value).numpy
    elif category < FLOAT and dtype.kind in "iu":
        found = _wrapped_integer(value, dtype)
        return found if is_numpy(x) else found[()]
    sign = value or str(value)  # 0.0 == -0.0
    key = (sign, dtype) if is_numpy(x) else (sign, dtype, x.device.id if dtype.kind == "V" else None)
    found = _numbers.get(key)
    if found is None:
        if len(_numbers) > 4096:
            _numbers.clear()
        with np.errstate(over="ignore"):
            found = np.array(value, dtype)
        if not is_numpy(x):
            found = found[()] if dtype.kind != "V" else beside(x, found)
        _numbers[key] = found
    return found


def _wrapped_integer(value, dtype):
    """An integer cut to the width of `dtype`, as C does: 300 meets a uint8 tensor as 44."""
    try:
        return np.array(int(value), np.int64).astype(dtype)
    except OverflowError:
        raise RuntimeError("Overflow when unpacking long long") from None


def number_operand(name: str, value, other, allowed: bool, lifts: bool) -> Tensor:
    """A number that stands first, as in `2 - x`: a 0-dim tensor of the dtype that the number has beside `other`."""
    if not allowed or not isinstance(value, NUMBER):
        raise argument_error(name, "input", 1, value)
    if not isinstance(other, Tensor):  # two numbers
        if name not in ("add", "sub", "mul", "true_divide"):
            raise argument_error(name, "input", 1, value)
        return wrap(np.array(value, dtypes.of_number(value).numpy))
    x = to_float(other._array) if lifts else other._array
    made = number_array(value, x)
    return wrap(made if type(made) is np.ndarray else number_there(value, made.dtype, x))


def number_there(value, dtype, x):
    """A number as a 0-d array beside an array of a GPU; nobody writes into it."""
    key = (value or str(value), dtype, x.device.id, "there")
    if key not in _numbers:
        if len(_numbers) > 4096:
            _numbers.clear()
        _numbers[key] = beside(x, np.array(value, dtype))
    return _numbers[key]


def is_half_with_number(x, other) -> bool:
    """Whether a real number, or a tensor without dimensions, meets an array of half precision."""
    if not is_half(x.dtype):
        return False
    if isinstance(other, Tensor):
        return other._array.ndim == 0 < x.ndim and other._array.dtype.kind != "c"
    return not isinstance(other, (complex, np.complexfloating))


def in_float32(forward, x, number):
    """A half-precision array and a number: computed in float32 with the number as it is, and rounded once."""
    if type(x) is np.ndarray:
        value = number.item() if isinstance(number, Tensor) else number
        return forward(np, x.astype("f4"), np.asarray(value, "f4")).astype(x.dtype)
    if isinstance(number, Tensor):  # perhaps beside x: it is not brought to the host
        number = number._array
        value = np.float32(number) if is_numpy(number) else number.astype("f4")
    else:
        value = np.float32(number)
    out = {"out": None} if forward.__defaults__ else {}  # the default, `out=...`, is NumPy's
    with on_gpu(x.device.id):
        made = None
        if hasattr(forward, "by_number") and not hasattr(value, "get"):
            made = activated(forward.by_number, x, (value,))
        return forward(array_module(x), x.astype("f4"), value, **out).astype(x.dtype) if made is None else made


# ---- dtypes ------------------------------------------------------------------------------------------------------


def result_dtype(*operands) -> dtypes.dtype:
    """The dtype in which tensors and Python numbers meet."""
    dimensioned = zero_dim = number = None
    for value in operands:
        if isinstance(value, Tensor):
            found = value.dtype
            if value._array.ndim:
                dimensioned = found if dimensioned is None else dtypes.promote_types(dimensioned, found)
            else:
                zero_dim = found if zero_dim is None else dtypes.promote_types(zero_dim, found)
        elif value is not None:
            found = dtypes.of_number(value)
            number = found if number is None else dtypes.promote_types(number, found)
    return dtypes.combine(dimensioned, zero_dim, number)


def prepare(lifts: bool, input, other, x, y):
    """Bring both arrays of a binary op to the dtype in which it is computed."""
    dtype = result_dtype(input, other)
    if lifts and dtype.category < FLOAT:
        dtype = dtypes.get_default_dtype()
    wanted = dtype.numpy
    return cast(x, wanted), cast(y, wanted)


def to_float(array):
    """Integers and bools as the default float; floats and complex as they are."""
    return array.astype(dtypes.get_default_dtype().numpy) if array.dtype.kind in "biu" else array


def promote_operands(rule: str, operands):
    """The same for any number of operands: tensors of another dtype are converted (and that is recorded)."""
    dtype = result_dtype(*operands)
    if rule == "float" and dtype.category < FLOAT:
        dtype = dtypes.get_default_dtype()
    return tuple([t.to(dtype) if isinstance(t, Tensor) and t.dtype is not dtype else t for t in operands])


# ---- in place ----------------------------------------------------------------------------------------------------


def in_place_arrays(cls, operands):
    """The arrays of an in-place op, brought to the dtype in which it is computed."""
    x = operands[0]._array
    arrays = [t._array if isinstance(t, Tensor) else t for t in operands]
    if cls.rule is None:
        return arrays
    lifts = cls.rule == "float"
    arrays[1:] = [a if hasattr(a, "strides") else number_array(a, x) for a in arrays[1:]]
    wanted = result_dtype(*operands)
    if lifts and wanted.category < FLOAT:
        wanted = dtypes.get_default_dtype()
    target = operands[0].dtype
    result = dtypes.bool if cls.rule == "compare" else wanted
    if cls.rule != "compare" and not dtypes.can_cast(result, target):
        raise out_error(result, target)
    return [cast(a, wanted.numpy) for a in arrays]


def in_place_result(cls, forward, x, arrays, settings, operands):
    """Compute the new numbers by `forward(arrays, settings)`, straight into `x` where it can; the shape must stay."""
    try:
        if cls.takes_out and arrays[0] is x and cls.rule != "compare":
            shape = np.broadcast_shapes(*[a.shape for a in arrays if hasattr(a, "strides")])
            if shape == x.shape:
                return forward(arrays, {**settings, "out": x})
            raise shape_error(x.shape, shape)
        if cls.takes_into and type(x) is GPU.array and x.flags.c_contiguous and _is_apart(operands):
            return forward(arrays, {**settings, "into": x})
        z = forward(arrays, settings)
    except ValueError as error:
        raise broadcast_error(cls.name, operands[0], operands[1] if len(operands) > 1 else None, error) from error
    if z.shape != x.shape:
        raise shape_error(x.shape, z.shape)
    return z


def _is_apart(operands) -> bool:
    """Whether nobody else looks into the memory of the first operand."""
    return not any(isinstance(t, Tensor) and t._storage is operands[0]._storage for t in operands[1:])


def shape_error(expected, got):
    return RuntimeError(f"output with shape {list(expected)} doesn't match the broadcast shape {list(got)}")


# ---- signatures --------------------------------------------------------------------------------------------------

_NUMPY_NAMES = {
    "axis": "dim",
    "axes": "dims",
    "keepdims": "keepdim",
    "x": "input",
    "a": "input",
    "x1": "input",
    "x2": "other",
}


def positional(cls, args, named):
    """Keyword operands of an op without an own signature, put in order: (input) or (input, other)."""
    wanted = cls.operands
    names = ("input", "other")[:wanted]
    if named:
        named = {_NUMPY_NAMES.get(k, k): v for k, v in named.items()}
        for key in named:
            if key not in names[len(args) :]:
                raise TypeError(f"{cls.name}() got an unexpected keyword argument '{key}'")
        args = (*args, *[named[n] for n in names[len(args) :] if n in named])
    if len(args) != wanted:
        if len(args) < wanted:
            missing = names[len(args) :]
            listed = ", ".join(missing)
            raise TypeError(f'{cls.name}() missing {len(missing)} required positional arguments: "{listed}"')
        plural = "s" if wanted > 1 else ""
        raise TypeError(f"{cls.name}() takes {wanted} positional argument{plural} but {len(args)} were given")
    return args


def retry(name: str, arguments, args, named, error: TypeError):
    """Call `arguments` again with NumPy's names or an older order put right, or explain what does not fit."""
    translated = {_NUMPY_NAMES.get(k, k): v for k, v in named.items()}
    if translated.keys() != named.keys():
        return arguments(*args, **translated)
    if name.rstrip("_") in _NUMBER_IN_THE_MIDDLE and len(args) > 2 and isinstance(args[1], NUMBER):
        return arguments(args[0], *args[2:], **_older_order(name, args[1]))
    if isinstance(error, AttributeError):
        if args and not isinstance(args[0], Tensor) and "input" in inspect.signature(arguments).parameters:
            raise argument_error(name, "input", 1, args[0]) from None
        raise error
    if error.__traceback__ is not None and error.__traceback__.tb_next is not None:
        raise error  # raised inside `arguments`, about a value
    raise signature_error(name, arguments, args, named) from None


_NUMBER_IN_THE_MIDDLE = {
    "add": ("alpha", "Tensor other"),
    "sub": ("alpha", "Tensor other"),
    "addcmul": ("value", "Tensor tensor1, Tensor tensor2"),
    "addcdiv": ("value", "Tensor tensor1, Tensor tensor2"),
}


def _older_order(name: str, number) -> dict:
    """The factor that older programs gave second, as in `p.add_(-lr, grad)`, under its name; with a warning."""
    factor, tensors = _NUMBER_IN_THE_MIDDLE[name.rstrip("_")]
    first, out = ("", "") if name.endswith("_") else ("Tensor input, ", ", Tensor out = None")
    old = f"{first}Number {factor}, {tensors}" + (", *" + out if out else "")
    warn(
        f"This overload of {name} is deprecated:\n\t{name}({old})\nConsider using one of the following signatures "
        f"instead:\n\t{name}({first}{tensors}, *, Number {factor} = 1{out})",
    )
    return {factor: number}


def with_numpy_names(made):
    """The function, if it has a `dim` or `keepdim`, with NumPy's names `axis` and `keepdims` for them too."""
    code = made.__code__
    parameters = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    names = {key: name for key, name in _NUMPY_NAMES.items() if name in parameters and key not in parameters}
    if names.keys().isdisjoint(("axis", "axes", "keepdims")):
        return made

    @functools.wraps(made)
    def public(*args, **named):
        if named and not names.keys().isdisjoint(named):
            named = {names.get(key, key): value for key, value in named.items()}
        return made(*args, **named)

    return public


def signature_error(name: str, arguments, args, named) -> TypeError:
    wanted = [p for p in inspect.signature(arguments).parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    missing = [p.name for p in wanted[len(args) :] if p.default is p.empty and p.name not in named]
    if missing and missing != ["other"]:
        plural = "s" if len(missing) == 1 else ""  # as PyTorch counts
        listed = ", ".join(f'"{each}"' for each in missing)
        return TypeError(f"{name}() missing {len(missing)} required positional argument{plural}: {listed}")
    given = ", ".join([type_name(a) for a in args] + [f"{k}={type_name(v)}" for k, v in named.items()])
    parameters = ", ".join(
        ("*, " if p.kind is p.KEYWORD_ONLY and i == _first_keyword_only(arguments) else "") + p.name
        for i, p in enumerate(inspect.signature(arguments).parameters.values())
    )
    return TypeError(
        f"{name}() received an invalid combination of arguments - got ({given}), but expected ({parameters})"
    )


def _first_keyword_only(arguments) -> int:
    kinds = [p.kind for p in inspect.signature(arguments).parameters.values()]
    return kinds.index(inspect.Parameter.KEYWORD_ONLY) if inspect.Parameter.KEYWORD_ONLY in kinds else -1


def type_name(value) -> str:
    return "numpy.ndarray" if type(value) is np.ndarray else type(value).__name__


def argument_error(name: str, parameter: str, position: int, value) -> TypeError:
    return TypeError(f"{name}(): argument '{parameter}' (position {position}) must be Tensor, not {type_name(value)}")


def require_tensors(name: str, **values) -> None:
    """TypeError with PyTorch's text for the first argument that is no tensor."""
    for position, (parameter, value) in enumerate(values.items(), 1):
        if not isinstance(value, Tensor):
            raise argument_error(name, parameter, position, value)


def only_tensors(name: str):
    """The signature (input, other) of a function that takes tensors only, no Python numbers."""

    def arguments(input, other):
        require_tensors(name, input=input, other=other)
        return (input, other), {}

    return arguments


def refuse(call, self, other):
    """A function's second operand that is neither tensor nor number."""
    raise argument_error(call.__name__, "other", 2, other)


def from_foreign(call, self, other):
    """An operand that is neither tensor nor number: a NumPy array is taken, anything else gets its own chance."""
    if isinstance(other, np.ndarray):
        from .from_data import as_tensor

        return call(self, as_tensor(other))
    return NotImplemented


# ---- errors ------------------------------------------------------------------------------------------------------


def broadcast_error(name: str, input, other, error: Exception) -> Exception:
    """What PyTorch says where NumPy refused two operands: shapes that do not broadcast, or two devices."""
    if isinstance(input, Tensor) and isinstance(other, Tensor):
        check_same_device(name, [input._array, other._array])
        a, b = input._array.shape, other._array.shape
        for back in range(1, min(len(a), len(b)) + 1):
            if a[-back] != b[-back] and a[-back] != 1 and b[-back] != 1:
                return RuntimeError(
                    f"The size of tensor a ({a[-back]}) must match the size of tensor b ({b[-back]}) at non-singleton "
                    f"dimension {max(len(a), len(b)) - back}"
                )
        if isinstance(error, TypeError):
            kind = dtypes.legacy_name(result_dtype(input, other))
            return RuntimeError(f"\"{name}_cpu\" not implemented for '{kind}'")
    return error


def check_same_device(name: str, arrays) -> None:
    """RuntimeError with PyTorch's text if the arrays live on two devices."""
    places = ["cpu" if isinstance(a, np.ndarray) else f"cuda:{a.device.id}"
              for a in arrays if is_array(a)]  # fmt: skip
    if len(set(places)) > 1:
        raise RuntimeError(
            "Expected all tensors to be on the same device, but found at least two devices, "
            f"{' and '.join(dict.fromkeys(reversed(places)))}! (when checking arguments in method {name})"
        )


def out_error(result: dtypes.dtype, target: dtypes.dtype) -> RuntimeError:
    def name(d):
        return {"ComplexFloat": "ComplexFloat"}.get(dtypes.legacy_name(d), dtypes.legacy_name(d))

    return RuntimeError(f"result type {name(result)} can't be cast to the desired output type {name(target)}")
