"""torch.autograd.functional: derivatives of a function, given as a function.

With J the Jacobian and H the Hessian of `func` at `inputs`: `vjp` is vᵀJ (one backward), `jvp` is Jv (backward twice:
the vector-Jacobian product is linear in its vector, and its derivative is Jv), `jacobian` sends back one unit vector a
row, and `hessian`, `vhp`, `hvp` differentiate the gradient. Results carry no history unless `create_graph`.
"""

from __future__ import annotations

from ..tensor import Tensor
from . import grad
from .grad_mode import enable_grad, is_grad_enabled

NOT_STRICT = "This is not allowed in strict mode"
LINEAR = (
    "You should ensure that your function is twice differentiable and that the jacobian depends on the inputs (this "
    "would be violated by a linear function for example)."
)


# ---- inputs and outputs ------------------------------------------------------------------------------------------


def _as_tuple(given, what: str, function: str) -> tuple:
    """A tensor or tuple of tensors as a tuple; TypeError for anything else."""
    if isinstance(given, Tensor):
        return (given,)
    names = {"inputs": "inputs", "outputs": "outputs of the user-provided function", "v": "v"}
    if not isinstance(given, tuple):
        raise TypeError(
            f"The {names[what]} given to {function} must be either a Tensor or a tuple of Tensors but the given "
            f"{names[what]} has type {type(given)}."
        )
    for index, element in enumerate(given):
        if not isinstance(element, Tensor):
            raise TypeError(
                f"The {names[what]} given to {function} must be either a Tensor or a tuple of Tensors but the value at "
                f"index {index} has type {type(element)}."
            )
    return tuple(given)


def _prepared(tensors: tuple, create_graph: bool, need_graph: bool) -> tuple:
    """Aliases of the inputs that this derivative, and nobody else, differentiates by."""
    made = []
    for t in tensors:
        if create_graph and (t.requires_grad or not need_graph):
            made.append(t.view_as(t))
        else:
            made.append(t.detach().requires_grad_(need_graph))
    return tuple(made)


def _finished(tensors, create_graph: bool):
    """The results, nested tuples or lists of tensors, cut off from the graph unless it is wanted."""
    if isinstance(tensors, (tuple, list)):
        return type(tensors)([_finished(t, create_graph) for t in tensors])
    return tensors if create_graph else tensors.detach()


def _plain(tensors: tuple, like):
    return tensors if isinstance(like, (tuple, list)) else tensors[0]


def _check_vector(v, likes: tuple, message: str, function: str) -> tuple:
    """The vector to multiply with: what was given, of the shapes of `likes`, or 1 for a single element."""
    if v is None:
        if len(likes) != 1 or likes[0].numel() != 1:
            raise RuntimeError(f"The vector v can only be None if {message} a single Tensor with a single element.")
        return (likes[0].new_ones(likes[0].shape),)
    v = _as_tuple(v, "v", function)
    if len(v) != len(likes):
        raise RuntimeError(f"v is a tuple of invalid length: should be {len(likes)} but got {len(v)}.")
    for index, (given, like) in enumerate(zip(v, likes, strict=True)):
        if given.shape != like.shape:
            where = f"Entry {index} in v" if len(v) > 1 else "v"
            raise RuntimeError(f"{where} has invalid size: should be {like.shape} but got {given.shape}.")
    return v


def _grads(outputs, inputs, vectors=None, create_graph: bool = False) -> tuple:
    """Gradients, None where there are none; outputs without history are left out."""
    vectors = (None,) * len(outputs) if vectors is None else vectors
    pairs = [(out, v) for out, v in zip(outputs, vectors, strict=True) if out is not None and out.requires_grad]
    if not pairs:
        return (None,) * len(inputs)
    outs, vs = zip(*pairs, strict=True)
    return grad(outs, inputs, vs, create_graph=create_graph, retain_graph=True, allow_unused=True)


def _zeros_for(grads, likes, strict: bool, sentence: str) -> tuple:
    """Zeros where a gradient is None; in strict mode a RuntimeError that says which."""
    filled = []
    for index, (g, like) in enumerate(zip(grads, likes, strict=True)):
        if g is None and strict:
            raise RuntimeError(sentence.format(i=index))
        filled.append(like.new_zeros(like.shape) if g is None else g)
    return tuple(filled)


def _check_history(tensors, strict: bool, sentence: str) -> None:
    for index, t in enumerate(tensors):
        if strict and not t.requires_grad:
            raise RuntimeError(sentence.format(i=index))


NO_HISTORY = (
    "Output {i} of the user-provided function does not require gradients. The outputs must be computed in a "
    "differentiable manner from the input when running in strict mode."
)
NO_JACOBIAN = (
    "While computing the hessian, found that the jacobian of the user-provided function with respect to input {i} is "
    f"independent of the input. {NOT_STRICT}. {LINEAR}"
)
INDEPENDENT = "The output of the user-provided function is independent of input {i}. " + NOT_STRICT + "."
JACOBIAN_INDEPENDENT = "The jacobian of the user-provided function is independent of input {i}. " + NOT_STRICT + "."
TRICK = (
    "The gradient with respect to the input is independent of entry {i} in the grad_outputs when using the double "
    f"backward trick to compute forward mode gradients. {NOT_STRICT}."
)


def _scalar(outputs: tuple, given, function: str) -> None:
    if not isinstance(given, Tensor):
        raise RuntimeError(f"The function given to {function} should return a single Tensor")
    if outputs[0].numel() != 1:
        raise RuntimeError(f"The Tensor returned by the function given to {function} should contain a single element")


# ---- products ----------------------------------------------------------------------------------------------------


def vjp(func, inputs, v=None, create_graph: bool = False, strict: bool = False) -> tuple:
    """The value of `func` and the product of the vector `v` (shaped as the output) with its Jacobian.

    >>> import course_lib as torch
    >>> torch.autograd.functional.vjp(lambda x: x ** 2, torch.tensor([1., 2.]), torch.tensor([1., 10.]))
    (tensor([1., 4.]), tensor([ 2., 40.]))

    Source: https://docs.pytorch.org/docs/stable/generated/torch.autograd.functional.vjp.html
    """
    with enable_grad():
        points = _prepared(_as_tuple(inputs, "inputs", "vjp"), create_graph, need_graph=True)
        value = func(*points)
        outputs = _as_tuple(value, "outputs", "vjp")
        _check_history(outputs, strict, NO_HISTORY)
        v = _check_vector(v, outputs, "the user-provided function returns", "vjp")
    with _graph_mode(create_graph):
        product = _zeros_for(_grads(outputs, points, v, create_graph), points, strict, INDEPENDENT)
    return _plain(_finished(outputs, create_graph), value), _plain(_finished(product, create_graph), inputs)


def jvp(func, inputs, v=None, create_graph: bool = False, strict: bool = False) -> tuple:
    """The value of `func` and the product of its Jacobian with the vector `v` (shaped as the inputs).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.autograd.functional.jvp.html
    """
    with enable_grad():
        points = _prepared(_as_tuple(inputs, "inputs", "jvp"), create_graph, need_graph=True)
        v = _check_vector(v, points, "the input to the user-provided function is", "jvp")
        value = func(*points)
        outputs = _as_tuple(value, "outputs", "jvp")
        _check_history(outputs, strict, NO_HISTORY)
        placeholders = tuple([out.new_zeros(out.shape).requires_grad_() for out in outputs])
        pulled = _zeros_for(_grads(outputs, points, placeholders, create_graph=True), points, strict, INDEPENDENT)
    with _graph_mode(create_graph):
        product = _zeros_for(_grads(pulled, placeholders, v, create_graph), outputs, strict, TRICK)
    return _plain(_finished(outputs, create_graph), value), _plain(_finished(product, create_graph), value)


def vhp(func, inputs, v=None, create_graph: bool = False, strict: bool = False) -> tuple:
    """The value of the scalar `func` and the product of the vector `v` with its Hessian.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.autograd.functional.vhp.html
    """
    return _hessian_product(func, inputs, v, create_graph, strict, "vhp")


def hvp(func, inputs, v=None, create_graph: bool = False, strict: bool = False) -> tuple:
    """The value of the scalar `func` and the product of its Hessian with the vector `v`: equal to `vhp`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.autograd.functional.hvp.html
    """
    return _hessian_product(func, inputs, v, create_graph, strict, "hvp")


def _hessian_product(func, inputs, v, create_graph: bool, strict: bool, name: str) -> tuple:
    """The Hessian is symmetric: both products are the gradient of (gradient · v)."""
    with enable_grad():
        points = _prepared(_as_tuple(inputs, "inputs", name), create_graph, need_graph=True)
        v = _check_vector(v, points, "the input to the user-provided function is", name)
        value = func(*points)
        outputs = _as_tuple(value, "outputs", name)
        _check_history(outputs, strict, NO_HISTORY)
        _scalar(outputs, value, name)
        slopes = _zeros_for(_grads(outputs, points, None, create_graph=True), points, strict, INDEPENDENT)
        _check_history(slopes, strict, NO_JACOBIAN)
    with _graph_mode(create_graph):
        product = _grads(slopes, points, v, create_graph)
        product = _zeros_for(product, points, strict, JACOBIAN_INDEPENDENT)
    return _plain(_finished(outputs, create_graph), value), _plain(_finished(product, create_graph), inputs)


def _graph_mode(create_graph: bool):
    from .grad_mode import set_grad_enabled

    return set_grad_enabled(create_graph or is_grad_enabled())


# ---- matrices ----------------------------------------------------------------------------------------------------


def jacobian(func, inputs, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
             strategy: str = "reverse-mode"):  # fmt: skip
    """The Jacobian of `func`: for each output and input a tensor of shape (*output.shape, *input.shape).

    One tensor for one tensor in and out; otherwise nested tuples, outputs first. `vectorize` and the forward-mode
    `strategy` are accepted and give the same numbers.

    >>> import course_lib as torch
    >>> torch.autograd.functional.jacobian(lambda x: x ** 2, torch.tensor([1., 2.]))
    tensor([[2., 0.],
            [0., 4.]])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.autograd.functional.jacobian.html
    """
    if strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError(
            'Expected strategy to be either "forward-mode" or "reverse-mode". Hint: If your function has more outputs '
            'than inputs, "forward-mode" tends to be more performant. Otherwise, prefer to use "reverse-mode".'
        )
    if strategy == "forward-mode":
        if create_graph:
            raise NotImplementedError(
                'torch.autograd.functional.jacobian: `create_graph=True` and `strategy="forward-mode"` are not '
                'supported together (yet). Please either set `create_graph=False` or `strategy="reverse-mode"`.'
            )
        if not vectorize:
            raise NotImplementedError(
                "Computing Jacobian using forward-AD or forward-over-reverse Hessian isonly implemented for "
                "`vectorize=True`."
            )
    if strict and vectorize:
        raise RuntimeError(
            "torch.autograd.functional.jacobian: `strict=True` and `vectorized=True` are not supported together. "
            "Please either set `strict=False` or `vectorize=False`."
        )
    return _jacobian(func, inputs, create_graph, strict)


def _jacobian(func, inputs, create_graph: bool, strict: bool):
    with enable_grad():
        points = _prepared(_as_tuple(inputs, "inputs", "jacobian"), create_graph, need_graph=True)
        value = func(*points)
        outputs = _as_tuple(value, "outputs", "jacobian")
        _check_history(outputs, strict, NO_HISTORY)
        rows = tuple([_plain(_rows(out, i, points, create_graph, strict), inputs) for i, out in enumerate(outputs)])
    return _plain(_finished(rows, create_graph), value)


def _rows(output, number: int, points: tuple, create_graph: bool, strict: bool) -> tuple:
    """The derivatives of every element of one output: for each input a tensor of shape (*output, *input)."""
    from ..ops.joining import stack

    independent = f"Output {number} of the user-provided function is independent of input {{i}}. {NOT_STRICT}."
    flat = output.reshape(-1)
    no_history = f"The jacobian of output {number} is independent of input {{i}}. {NOT_STRICT}."
    rows = []
    for position in range(flat.numel()):
        found = _grads((flat[position],), points, None, create_graph)
        found = _zeros_for(found, points, strict, independent)
        if create_graph:
            _check_history(found, strict, no_history)
        rows.append(found)
    if not rows:
        return tuple([p.new_zeros((*output.shape, *p.shape)) for p in points])
    columns = zip(*rows, strict=True)
    return tuple([stack(column).view((*output.shape, *p.shape)) for column, p in zip(columns, points, strict=True)])


def hessian(func, inputs, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
            outer_jacobian_strategy: str = "reverse-mode"):  # fmt: skip
    """The Hessian of the scalar `func`: the Jacobian of its gradient, for each pair of inputs a tensor.

    >>> import course_lib as torch
    >>> torch.autograd.functional.hessian(lambda x: (x ** 3).sum(), torch.tensor([1., 2.]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.autograd.functional.hessian.html
    """
    if outer_jacobian_strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError('Expected strategy to be either "forward-mode" or "reverse-mode".')
    given = _as_tuple(inputs, "inputs", "hessian")

    def gradient(*points):
        value = func(*points)
        outputs = _as_tuple(value, "outputs", "hessian")
        _scalar(outputs, value, "hessian")
        _check_history(outputs, strict, NO_HISTORY)
        slopes = _zeros_for(_grads(outputs, points, None, create_graph=True), points, strict, INDEPENDENT)
        _check_history(slopes, strict, NO_JACOBIAN)
        return slopes

    return _plain(tuple([_plain(row, inputs) for row in _jacobian(gradient, given, create_graph, strict)]), inputs)


__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]
