"""PyTorch's module database, run on both libraries.

Each entry of `module_db` brings arguments for the constructor and inputs for the call. `check(info)` makes both modules
with one seed and returns the aspects that differ: `repr`, `state_dict` (keys, shapes, dtypes), `initial weights` (bit
for bit), `forward[dtype]` (results, and buffers after training), `gradient[dtype]` (by inputs and parameters),
`non-contiguous`, `copies` (deepcopy and pickle) and `errors`.
"""

from __future__ import annotations

import collections
import copy
import dataclasses
import itertools
import pickle
import warnings

import torch
from torch.testing._internal.common_modules import ModuleErrorEnum, module_db
from torch.testing._internal.common_utils import noncontiguous_like, set_default_dtype
from twins import convert, difference, flat, gradient_difference, gradients, numbers, twin_of_error

import course_lib

DTYPES = (torch.float32, torch.float64, torch.bfloat16)
MOST_SAMPLES = {torch.float32: 40, torch.float64: 40, torch.bfloat16: 8}  # of one dtype and mode
SEED = 42


def variants():
    """(name, entry) of the database."""
    for info in module_db:
        yield info.name, info


def check(info) -> dict[str, str]:
    """Every aspect of one entry that differs, with the difference; 'missing' if there is no such module."""
    twin_class = getattr(course_lib.nn, info.module_cls.__name__, None)
    if twin_class is None:
        return {"missing": "not implemented"}
    found = Findings()
    with warnings.catch_warnings(), set_default_dtype(torch.float32):
        warnings.simplefilter("ignore")
        for dtype, training in itertools.product(DTYPES, (True, False)):
            for sample in _samples(info, info.module_inputs_func, dtype, training):
                check_sample(info.module_cls, twin_class, sample, dtype, training, found)
        if info.module_error_inputs_func is not None:
            for case in _samples(info, info.module_error_inputs_func, torch.float32, True):
                found.look("errors", _error_difference, info.module_cls, twin_class, case)
    return found.summary()


class Findings:
    """Counts, for each aspect, how many samples were looked at and what differed."""

    def __init__(self) -> None:
        self.looked: collections.Counter = collections.Counter()
        self.problems: dict[str, collections.Counter] = {}

    def look(self, aspect: str, compare, *args) -> bool:
        """Run a comparison, which gives a difference or None; True if there is none."""
        self.looked[aspect] += 1
        try:
            problem = compare(*args)
        except Exception as error:
            problem = f"{type(error).__name__}: {str(error)[:80]}"
        if problem is not None:
            self.problems.setdefault(aspect, collections.Counter())[problem] += 1
        return problem is None

    def summary(self) -> dict[str, str]:
        return {
            aspect: f"{sum(problems.values())} of {self.looked[aspect]}: {problems.most_common(1)[0][0]}"
            for aspect, problems in self.problems.items()
        }


def _samples(info, make, dtype, training: bool) -> list:
    torch.manual_seed(0)
    try:
        made = make(info, device="cpu", dtype=dtype, requires_grad=True, training=training)
        return list(itertools.islice(made, MOST_SAMPLES[dtype]))
    except Exception:  # the database has no samples of this dtype
        return []


# ---- one sample ----------------------------------------------------------------------------------------------------


def check_sample(torch_class, twin_class, sample, dtype, training: bool, found: Findings) -> None:
    name = str(dtype).removeprefix("torch.")
    module = _made(torch, torch_class, sample.constructor_input.args, sample.constructor_input.kwargs)
    twins: list = []

    def construct():
        args, kwargs = _convert(sample.constructor_input.args), _convert(sample.constructor_input.kwargs)
        twins.append(_made(course_lib, twin_class, args, kwargs))

    if not found.look("construction", construct):
        return
    (twin,) = twins
    found.look("repr", _repr_difference, module, twin)
    if found.look("state_dict", _state_difference, module, twin):
        found.look("initial weights", _weight_difference, module, twin)
    module.to(dtype).train(training)
    if not found.look("to(dtype)", lambda: twin.to(_convert(dtype)).train(training) and None):
        return
    call = sample.forward_input.args, sample.forward_input.kwargs
    twin_call = _convert_call(call)
    again = _made(torch, torch_class, sample.constructor_input.args, sample.constructor_input.kwargs)
    fresh = again.to(dtype).train(training), copy.deepcopy(twin)
    try:
        expected = _run(torch, module, *call)
    except Exception:  # PyTorch does not know the dtype here
        return
    results: list = []

    def forward():
        results.append(_run(course_lib, twin, *twin_call))
        return difference(expected, results[0]) or _buffer_difference(module, twin)

    if not found.look(f"forward[{name}]", forward) or dtype is torch.bfloat16:
        return
    found.look(f"gradient[{name}]", _gradients, module, twin, expected, results[0], call, twin_call)
    if dtype is torch.float32:
        found.look("non-contiguous", _strided_difference, *fresh, call)
        found.look("copies", _copy_difference, fresh[1], twin_call, results[0])


def _made(library, module_class, args, kwargs):
    library.manual_seed(SEED)
    return module_class(*args, **kwargs)


def _run(library, module, args, kwargs):
    library.manual_seed(SEED)
    return module(*args, **kwargs)


def _convert(value):
    """As `convert`, and PyTorch's functions and layers, too, which some constructors take."""
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return type(value)(_convert(item) for item in value)
    if isinstance(value, dict):
        return {key: _convert(item) for key, item in value.items()}
    if isinstance(value, torch.nn.TransformerEncoderLayer):
        return _encoder_layer(value)
    if isinstance(value, torch.nn.LinearCrossEntropyOptions):
        return course_lib.nn.LinearCrossEntropyOptions(**_convert(dataclasses.asdict(value)))
    if callable(value) and (getattr(value, "__module__", None) or "").startswith("torch"):
        name = getattr(value, "__name__", "")
        return getattr(course_lib.nn.functional, name, None) or getattr(course_lib, name, value)
    return convert(value)


def _convert_call(call):
    """The twins of the arguments of a call; a tensor that is given twice has one twin."""
    args, kwargs = call
    given = {id(value): _convert(value) for value in (*args, *kwargs.values())}
    return [given[id(value)] for value in args], {name: given[id(value)] for name, value in kwargs.items()}


def _encoder_layer(layer):
    """The twin of a TransformerEncoderLayer, with its weights."""
    attention = layer.self_attn
    twin = course_lib.nn.TransformerEncoderLayer(
        attention.embed_dim, attention.num_heads, layer.linear1.out_features, layer.dropout.p,
        _convert(layer.activation), layer.norm1.eps, attention.batch_first, layer.norm_first,
        layer.linear1.bias is not None, dtype=convert(layer.linear1.weight.dtype),
    )  # fmt: skip
    twin.load_state_dict({name: convert(tensor) for name, tensor in layer.state_dict().items()})
    return twin.train(layer.training)


# ---- comparing -----------------------------------------------------------------------------------------------------


def _repr_difference(module, twin):
    return None if repr(module) == repr(twin) else f"{repr(twin)[:60]!r} instead of {repr(module)[:60]!r}"


def _state_difference(module, twin):
    expected, got = module.state_dict(), twin.state_dict()
    if list(expected) != list(got):
        return f"keys {list(got)} instead of {list(expected)}"
    if expected._metadata != got._metadata:
        return "the versions in _metadata"
    for name, tensor in expected.items():
        if _is_lazy(tensor) or _is_lazy(got[name]):
            if _is_lazy(tensor) != _is_lazy(got[name]):
                return f"{name} is lazy in one library only"
        elif found := difference(tensor, got[name], lambda position, tensor: False):
            return f"{name}: {found}"
    return None


def _is_lazy(tensor) -> bool:
    return hasattr(tensor, "materialize")


def _weight_difference(module, twin):
    got = twin.state_dict()
    for name, tensor in module.state_dict().items():
        if not _is_lazy(tensor) and numbers(tensor).tobytes() != numbers(got[name]).tobytes():
            return name
    return None


def _buffer_difference(module, twin):
    got = dict(twin.named_buffers())
    for name, buffer in module.named_buffers():
        if found := difference(buffer, got[name]):
            return f"{name} after the call: {found}"
    return None


def _gradients(module, twin, expected, got, call, twin_call):
    inputs = [t for t in flat(list(call)) if isinstance(t, torch.Tensor) and t.requires_grad]
    twins = [t for t in flat(list(twin_call)) if isinstance(t, course_lib.Tensor) and t.requires_grad]
    wanted = gradients(torch, expected, [*inputs, *module.parameters()])
    return gradient_difference(wanted, gradients(course_lib, got, [*twins, *twin.parameters()]), scaled=True)


def _strided_difference(module, twin, call):
    """The same call with inputs that are not contiguous."""
    args, kwargs = [_strided(value) for value in call[0]], {name: _strided(value) for name, value in call[1].items()}
    expected = _run(torch, module, args, kwargs)
    return difference(expected, _run(course_lib, twin, _convert(args), _convert(kwargs)))


def _strided(value):
    if isinstance(value, (list, tuple)):
        return type(value)(_strided(item) for item in value)
    return noncontiguous_like(value) if isinstance(value, torch.Tensor) else value


def _copy_difference(twin, twin_call, result):
    """What deepcopy and pickle give behaves as the module itself."""
    for how, made in (("deepcopy", copy.deepcopy(twin)), ("pickle", pickle.loads(pickle.dumps(twin)))):
        if repr(made) != repr(twin):
            return f"repr after {how}"
        again = _run(course_lib, made, *twin_call)
        for a, b in zip(flat(result), flat(again), strict=True):
            if isinstance(a, course_lib.Tensor) and numbers(a).tobytes() != numbers(b).tobytes():
                return f"values after {how}"
    return None


def _error_difference(torch_class, twin_class, case):
    """What PyTorch refuses must be refused with the same type of error and the same words."""
    expected = _error(torch, torch_class, case, lambda value: value)
    got = _error(course_lib, twin_class, case, _convert)
    if expected is None or got is None:
        return None if expected is got else f"{type(got).__name__} instead of {type(expected).__name__}: {expected}"
    if not issubclass(type(got), twin_of_error(type(expected))):
        return f"{type(got).__name__} instead of {type(expected).__name__}: {got}"
    same = str(got).strip() == str(expected).strip()
    return None if same else f"{str(got)!r} instead of {str(expected)!r}"


def _error(library, module_class, case, convert_value):
    """What making or calling the module raises, or None."""
    sample = case.module_error_input
    made, call = sample.constructor_input, sample.forward_input
    try:
        module = _made(library, module_class, convert_value(made.args), convert_value(made.kwargs))
        if case.error_on is ModuleErrorEnum.FORWARD_ERROR:
            _run(library, module, convert_value(call.args), convert_value(call.kwargs))
    except Exception as error:
        return error
    return None
