"""torch.autograd.gradcheck: compare the gradients that backward computes with difference quotients.

Both are written as a matrix, one row an input element, one column an output element. A complex input is moved along the
real and along the imaginary axis; a complex output is taken apart into its real and imaginary part.
"""

from __future__ import annotations

import itertools
import warnings

from ..tensor import Tensor
from . import grad
from .grad_mode import enable_grad, no_grad


class GradcheckError(RuntimeError):
    """The gradients of a function are wrong; the text holds both matrices."""


# ---- public ------------------------------------------------------------------------------------------------------


def gradcheck(func, inputs, *, eps: float = 1e-6, atol: float = 1e-5, rtol: float = 1e-3,
              raise_exception: bool = True, nondet_tol: float = 0.0, check_undefined_grad: bool = True,
              check_grad_dtypes: bool = False, check_batched_grad: bool = False,
              check_batched_forward_grad: bool = False, check_forward_ad: bool = False,
              check_backward_ad: bool = True, fast_mode: bool = False, masked: bool | None = None) -> bool:  # fmt: skip
    """Whether the gradients of `func` at `inputs` agree with difference quotients (f(x + eps) - f(x - eps)) / 2 eps.

    Use float64: GradcheckError (or False, without `raise_exception`) where |analytical - numerical| exceeds
    atol + rtol · |numerical|. `fast_mode` is accepted and checks everything all the same.

    >>> import course_lib as torch
    >>> x = torch.tensor([0.5, 2.], dtype=torch.float64, requires_grad=True)
    >>> torch.autograd.gradcheck(torch.sin, (x,))
    True

    Source: https://docs.pytorch.org/docs/stable/generated/torch.autograd.gradcheck.gradcheck.html
    """
    if not (check_forward_ad or check_backward_ad):
        raise AssertionError("Expected at least one of check_forward_ad or check_backward_ad to be True")
    if check_batched_grad and not check_backward_ad:
        raise AssertionError("Setting check_batched_grad=True requires check_backward_ad to be True")
    if check_batched_forward_grad and not check_forward_ad:
        raise AssertionError("Setting check_batched_forward_grad=True requires check_forward_ad to be True")
    inputs = tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)
    try:
        _check_inputs(inputs)
        outputs = _outputs_of(func, inputs)
        if not outputs:
            _check_constant(func, inputs, eps, atol, rtol)
            return True
        _check_all(func, inputs, outputs, eps, atol, rtol, check_backward_ad, check_forward_ad)
        if check_backward_ad:
            _check_repeats(func, inputs, nondet_tol)
            if check_undefined_grad:
                _check_missing(func, inputs)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(func, inputs, grad_outputs=None, *, eps: float = 1e-6, atol: float = 1e-5, rtol: float = 1e-3,
                  gen_non_contig_grad_outputs: bool = False, raise_exception: bool = True, nondet_tol: float = 0.0,
                  check_undefined_grad: bool = True, check_grad_dtypes: bool = False, check_batched_grad: bool = False,
                  check_fwd_over_rev: bool = False, check_rev_over_rev: bool = True, fast_mode: bool = False,
                  masked: bool = False) -> bool:  # fmt: skip
    """Whether the second gradients of `func` are right: `gradcheck` of the function that computes its gradient.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.autograd.gradcheck.gradgradcheck.html
    """
    if not (check_fwd_over_rev or check_rev_over_rev):
        raise AssertionError("Expected at least one of check_fwd_over_rev or check_rev_over_rev to be True")
    inputs = tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)
    if grad_outputs is None:
        grad_outputs = _random_like(_outputs_of(func, inputs))
    else:
        grad_outputs = tuple(grad_outputs) if isinstance(grad_outputs, (tuple, list)) else (grad_outputs,)
    count = len(grad_outputs)

    def gradient(*args):
        given, vectors = args[:-count], args[-count:]
        # tensors that need no gradient stay out; what needs one gets a fresh node, so that it may appear twice
        given = tuple([t.view_as(t) if _needs_gradient(t) else t for t in given])
        outputs = _outputs_of(func, given)
        wanted = [t for t in given if _needs_gradient(t)]
        found = grad(outputs, wanted, vectors, create_graph=True, allow_unused=True)
        return tuple([g for g in found if g is not None])

    return gradcheck(
        gradient, (*inputs, *grad_outputs), eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception,
        nondet_tol=nondet_tol, check_undefined_grad=check_undefined_grad, check_grad_dtypes=check_grad_dtypes,
        check_forward_ad=check_fwd_over_rev, check_backward_ad=check_rev_over_rev,
    )  # fmt: skip


def _random_like(outputs) -> tuple:
    """Numbers between -1 and 1 in the shapes of the outputs, from a generator of their own."""
    from ..ops.sampling import rand
    from ..random import Generator

    generator = Generator()
    made = []
    for out in outputs:
        real = out.real.dtype if out.is_complex() else out.dtype
        values = rand(out.shape, generator=generator, dtype=real) * 2 - 1
        if out.is_complex():
            values = values + 1j * (rand(out.shape, generator=generator, dtype=real) * 2 - 1)
        made.append(values.requires_grad_())
    return tuple(made)


# ---- inputs and outputs ------------------------------------------------------------------------------------------


def _needs_gradient(value) -> bool:
    return isinstance(value, Tensor) and value.requires_grad


def _check_inputs(inputs) -> None:
    if not any(_needs_gradient(t) for t in inputs):
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of them have requires_grad=True."
        )
    for index, t in enumerate(inputs):
        if not _needs_gradient(t):
            continue
        if t.itemsize // (2 if t.is_complex() else 1) < 8:
            warnings.warn(
                f"Input #{index} requires gradient and is not a double precision floating point or complex. This check "
                "will likely fail if all the inputs are not of double precision floating point or complex. ",
                stacklevel=3,
            )
        if any(step == 0 and length > 1 for step, length in zip(t.stride(), t.shape, strict=True)):
            raise RuntimeError(
                f"The {index}th input has a dimension with stride 0. gradcheck only supports inputs that are "
                "non-overlapping to be able to compute the numerical gradients correctly. You should call .contiguous "
                "on the input before passing it to gradcheck."
            )
        t.retain_grad()


def _outputs_of(func, inputs) -> tuple:
    """The outputs that can be differentiated."""
    made = func(*inputs)
    made = tuple(made) if isinstance(made, (tuple, list)) else (made,)
    return tuple([t for t in made if _needs_gradient(t)])


# ---- the two matrices --------------------------------------------------------------------------------------------


def _numerical(func, inputs, which: int, eps: float) -> list:
    """For each differentiable output the matrix of difference quotients by input number `which`."""
    from ..ops.joining import stack

    x = inputs[which]
    rows = []  # for each element of x: for each output (along the real axis, along the imaginary axis or None)
    for place in _indices(x.shape):
        along_real = _quotient(func, inputs, x, place, eps)
        along_imaginary = _quotient(func, inputs, x, place, eps * 1j) if x.is_complex() else None
        rows.append((along_real, along_imaginary))
    matrices = []
    for number, out in enumerate(_outputs_of(func, inputs)):
        real = [row[0][number].reshape(-1) for row in rows]
        imaginary = [row[1][number].reshape(-1) for row in rows] if x.is_complex() else None
        if not rows:
            real_matrix = imaginary_matrix = out.detach().new_zeros((0, out.numel()))
        else:
            real_matrix = stack(real)
            imaginary_matrix = None if imaginary is None else stack(imaginary)
        matrices.append((real_matrix, imaginary_matrix))
    return matrices


def _indices(shape):
    """Every index tuple of a shape, the last axis fastest."""
    return itertools.product(*map(range, shape))


def _quotient(func, inputs, x, place, step) -> list:
    """(f(x + step) - f(x - step)) / (2 |step|) for each output, with one element of x moved."""
    data = x.data  # counts its changes apart from x: what the graph of the analytical gradient saved stays valid
    with no_grad():
        before = data[place].clone()
        try:
            data[place] = before + step
            above = _values(func, inputs)
            data[place] = before - step
            below = _values(func, inputs)
        finally:
            data[place] = before
    return [(a - b) / (2 * abs(step)) for a, b in zip(above, below, strict=True)]


def _values(func, inputs) -> list:
    """The values of the differentiable outputs, copied."""
    with enable_grad():  # which outputs these are is seen with recording only
        return [out.detach().clone() for out in _outputs_of(func, [_fresh(t) for t in inputs])]


def _fresh(t):
    """The same tensor for a function that may change it in place."""
    return t.detach().requires_grad_().view_as(t) if _needs_gradient(t) else t


def _analytical(output, x, part: str):
    """The matrix of gradients of one output's real or imaginary part by x."""
    from ..ops.joining import stack

    rows = []
    flat = output.reshape(-1)
    value = flat if not output.is_complex() else flat.real if part == "real" else flat.imag
    for position in range(value.numel()):
        (g,) = grad(value[position], x, retain_graph=True, allow_unused=True)
        rows.append(x.detach().new_zeros(x.numel()) if g is None else g.detach().reshape(-1))
    return stack(rows, 1) if rows else x.detach().new_zeros((x.numel(), 0))


def _forward(output, x, part: str):
    """The same matrix from forward mode, a row for each element of x (one for each axis of a complex number)."""
    from ..ops.joining import stack
    from .products import pusher

    push = pusher([output], [x], False)
    rows = []
    for step in (1, 1j) if x.is_complex() else (1,):
        made = []
        for position in range(x.numel()):
            unit = x.detach().new_zeros(x.numel())
            unit[position] = step
            (tangent,) = push([unit.view(x.shape)])
            flat = tangent.reshape(-1)
            made.append(flat if not output.is_complex() else flat.real if part == "real" else flat.imag)
        rows.append(stack(made) if made else x.detach().new_zeros((0, output.numel())))
    return rows[0] + 1j * rows[1] if x.is_complex() else rows[0]


# ---- checks ------------------------------------------------------------------------------------------------------


PARTS = (("imag", "imaginary"), ("real", "real"))


def _check_all(func, inputs, outputs, eps: float, atol: float, rtol: float, backward: bool, forward: bool) -> None:
    parts = [(part, f"While considering the {name} part of complex outputs only, ") for part, name in PARTS]
    for which, x in enumerate(inputs):
        if not _needs_gradient(x):
            continue
        numerical = _numerical(func, inputs, which, eps)
        for number, output in enumerate(outputs):
            for part, prefix in parts if output.is_complex() else (("real", ""),):
                expected = _combined(*[None if m is None else _part(m, part) for m in numerical[number]])
                if backward:
                    _compare(_analytical(output, x, part), expected, number, which, atol, rtol, prefix)
                if forward:
                    found = _forward(output, x, part)
                    _compare(found, expected, number, which, atol, rtol, prefix, " computed with forward mode")


def _part(matrix, part: str):
    if not matrix.is_complex():
        return matrix
    return matrix.real if part == "real" else matrix.imag


def _combined(along_real, along_imaginary):
    """PyTorch's gradient by a complex number: the change along the real axis + i · that along the imaginary one."""
    return along_real if along_imaginary is None else along_real + 1j * along_imaginary


def _compare(found, expected, number: int, which: int, atol: float, rtol: float, prefix: str, how: str = "") -> None:
    if bool(found.isclose(expected.to(found.dtype), rtol=rtol, atol=atol).all()):
        return
    said = f"Jacobian{how} mismatch for output {number} with respect to input {which}"
    raise GradcheckError(f"{prefix}{said},\nnumerical:{expected}\nanalytical:{found}\n")


def _check_constant(func, inputs, eps: float, atol: float, rtol: float) -> None:
    """A function none of whose outputs can be differentiated must not change with its inputs."""
    made = func(*inputs)
    made = made if isinstance(made, (tuple, list)) else (made,)
    plain = [t for t in made if isinstance(t, Tensor) and (t.is_floating_point() or t.is_complex())]
    if not plain:
        return
    for x in inputs:
        if not _needs_gradient(x):
            continue
        data = x.data
        for place in _indices(x.shape):
            before = data[place].clone()
            try:
                data[place] = before + eps
                moved = func(*inputs)
            finally:
                data[place] = before
            moved = moved if isinstance(moved, (tuple, list)) else (moved,)
            moved = [t for t in moved if isinstance(t, Tensor) and (t.is_floating_point() or t.is_complex())]
            if any(bool(((a - b).abs() / eps > atol).any()) for a, b in zip(moved, plain, strict=True)):
                raise GradcheckError("Numerical gradient for function expected to be zero")


def _check_repeats(func, inputs, nondet_tol: float) -> None:
    """Backward must give the same gradients twice."""
    wanted = [t for t in inputs if _needs_gradient(t)]
    outputs = _outputs_of(func, inputs)
    vectors = [out.detach().new_ones(out.shape) for out in outputs]
    first = grad(outputs, wanted, vectors, retain_graph=True, allow_unused=True)
    second = grad(outputs, wanted, vectors, allow_unused=True)
    for a, b in zip(first, second, strict=True):
        if a is not None and bool(((a - b).abs() > nondet_tol).any()):
            raise GradcheckError(
                "Backward is not reentrant, i.e., running backward with same input and grad_output multiple times "
                "gives different values, although analytical gradient matches numerical gradient. The tolerance for "
                f"nondeterminism was {nondet_tol}."
            )


def _check_missing(func, inputs) -> None:
    """Backward must bear outputs through which no gradient comes."""
    wanted = [t for t in inputs if _needs_gradient(t)]
    count = len(_outputs_of(func, inputs))
    for number in range(count) if count > 1 else ():
        outputs = _outputs_of(func, inputs)
        out = outputs[number]
        try:
            grad(out, wanted, out.detach().new_zeros(out.shape), allow_unused=True)
        except RuntimeError as error:
            raise GradcheckError(
                "Expected backward function to handle undefined output grads. Please look at 'Notes about undefined "
                "output "
                'gradients\' in "tools/autograd/derivatives.yaml"'
            ) from error


__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]
