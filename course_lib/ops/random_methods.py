"""Tensor.uniform_, normal_, random_, bernoulli_, …: the methods that overwrite a tensor with random numbers.

Each reads its arguments and hands over to `_overwrite`, which keeps autograd's rules for in-place changes and lets one
of the fills of random_fill.py do the work.
"""

from __future__ import annotations

from ..autograd.grad_mode import GRAD
from ..autograd.inplace import check_inplace, rebase_history
from ..tensor import Tensor
from . import random_fill as fills
from ._arguments import signature_error
from ._op import function
from .random_arguments import drawn_node, real_number, stream_beside, whole_number


def _overwrite(tensor: Tensor, node: str, stream, fill, *settings) -> Tensor:
    """Fill a tensor in place: never a leaf that requires grad, and afterwards it is one version further."""
    recorded = GRAD.enabled and tensor.requires_grad
    if recorded or tensor._base is not None:
        check_inplace(tensor)
    history = drawn_node(node, tensor) if recorded else None
    fill(tensor._array, *settings, stream)
    tensor._storage.version += 1
    if history is not None:
        rebase_history(tensor, history)
    return tensor


@function(method=True, namespace=None)
def uniform_(self, from_=0.0, /, to=1.0, *, generator=None):
    """uniform_(from=0, to=1, *, generator=None) -> Tensor: fill with numbers uniform in [from, to).

    RuntimeError where from > to; NotImplementedError for integer and bool tensors.

    >>> import course_lib as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.empty(3).uniform_(-1, 1)
    tensor([-0.0075,  0.5364, -0.8230])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.uniform_.html
    """
    low, high = real_number("uniform_", "from", 1, from_), real_number("uniform_", "to", 2, to)
    stream = stream_beside("uniform_", generator, self)
    return _overwrite(self, "UniformBackward0", stream, fills.fill_uniform, low, high)


@function(method=True, namespace=None)
def normal_(self, mean=0.0, std=1.0, *, generator=None):
    """normal_(mean=0, std=1, *, generator=None) -> Tensor: fill with normal numbers.

    `std` is the standard deviation. RuntimeError where std < 0; NotImplementedError for integer and bool tensors.

    >>> import course_lib as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.empty(3).normal_(10, 2)
    tensor([13.0820,  9.4131,  5.6424])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.normal_.html
    """
    mean, std = real_number("normal_", "mean", 1, mean), real_number("normal_", "std", 2, std)
    return _overwrite(self, "NormalBackward0", stream_beside("normal_", generator, self), fills.fill_normal, mean, std)


@function(method=True, namespace=None)
def random_(self, *bounds, generator=None, **named):
    """random_(from=0, to=None, *, generator=None), random_(to, *, generator=None) -> Tensor: fill with whole numbers.

    They are uniform in [from, to); without bounds from 0 to the largest number of the dtype (for floating dtypes: to
    the last whole number before gaps begin). RuntimeError where from ≥ to or the dtype cannot hold the numbers.

    >>> import course_lib as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.empty(4, dtype=torch.int64).random_(1, 7)
    tensor([3, 4, 6, 1])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.random_.html
    """
    stream = stream_beside("random_", generator, self)
    if not bounds and not named:
        return _overwrite(self, "RandomBackward2", stream, fills.fill_any_number)
    parameters = ("to",) if len(bounds) == 1 and not named else ("from", "to")  # a single number is the upper bound
    given = dict(zip(parameters, bounds, strict=False))
    if len(bounds) > 2 or not named.keys() <= {"from", "to"} - given.keys():
        raise signature_error("random_", lambda from_=0, to=None, *, generator=None: None, bounds, named)
    given |= named
    low = whole_number("random_", "from", 1, given.get("from", 0))
    high = None if given.get("to") is None else whole_number("random_", "to", 2, given["to"])
    node = "RandomBackward0" if "from" in given else "RandomBackward1"
    return _overwrite(self, node, stream, fills.fill_integers, low, high)


@function(method=True, namespace=None)
def bernoulli_(self, p=0.5, *, generator=None):
    """bernoulli_(p=0.5, *, generator=None) -> Tensor: fill with 1 (probability p) and 0; `p` a number or a tensor.

    RuntimeError for a probability outside [0, 1]. The tensor may have any real dtype, bool included.

    >>> import course_lib as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.empty(5).bernoulli_(0.3)
    tensor([0., 0., 0., 0., 0.])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.bernoulli_.html
    """
    stream = stream_beside("bernoulli_", generator, self)
    if isinstance(p, Tensor):
        p = (p if self.is_cuda and p.is_cuda else p.cpu()).detach().expand(self.shape)._array
        return _overwrite(self, "BernoulliBackward1", stream, fills.fill_bernoulli, p)
    return _overwrite(self, "BernoulliBackward2", stream, fills.fill_bernoulli, real_number("bernoulli_", "p", 1, p))


@function(method=True, namespace=None)
def exponential_(self, lambd=1.0, *, generator=None):
    """exponential_(lambd=1, *, generator=None) -> Tensor: fill with exponential numbers of rate `lambd` (mean 1/lambd).

    RuntimeError where lambd ≤ 0 and for tensors of a dtype that is not floating.

    >>> import course_lib as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.empty(3).exponential_()
    tensor([3.5083, 1.2304, 0.6150])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.exponential_.html
    """
    lambd = real_number("exponential_", "lambd", 1, lambd)
    stream = stream_beside("exponential_", generator, self)
    return _overwrite(self, "ExponentialBackward0", stream, fills.fill_exponential, lambd)


@function(method=True, namespace=None)
def geometric_(self, p, *, generator=None):
    """geometric_(p, *, generator=None) -> Tensor: fill with the number of trials up to the first success.

    `p`, in (0, 1), is the probability of success; RuntimeError outside.

    >>> import course_lib as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.empty(3).geometric_(0.5)
    tensor([1., 1., 2.])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.geometric_.html
    """
    p = real_number("geometric_", "p", 1, p)
    return _overwrite(self, "GeometricBackward0", stream_beside("geometric_", generator, self), fills.fill_geometric, p)


@function(method=True, namespace=None)
def cauchy_(self, median=0.0, sigma=1.0, *, generator=None):
    """cauchy_(median=0, sigma=1, *, generator=None) -> Tensor: fill with Cauchy numbers.

    RuntimeError where sigma ≤ 0 and for tensors of a dtype that is not floating.

    >>> import course_lib as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.empty(3).cauchy_()
    tensor([10.5977,  0.7648, -0.1283])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.cauchy_.html
    """
    median, sigma = real_number("cauchy_", "median", 1, median), real_number("cauchy_", "sigma", 2, sigma)
    stream = stream_beside("cauchy_", generator, self)
    return _overwrite(self, "CauchyBackward0", stream, fills.fill_cauchy, median, sigma)


@function(method=True, namespace=None)
def log_normal_(self, mean=1.0, std=2.0, *, generator=None):
    """log_normal_(mean=1, std=2, *, generator=None) -> Tensor: fill with exp of normal numbers.

    `mean` and `std` are those of the normal numbers. RuntimeError where std ≤ 0; NotImplementedError for integer and
    bool tensors.

    >>> import course_lib as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.empty(3).log_normal_(1, 0.5)
    tensor([5.8738, 2.3473, 0.9145])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.log_normal_.html
    """
    mean, std = real_number("log_normal_", "mean", 1, mean), real_number("log_normal_", "std", 2, std)
    stream = stream_beside("log_normal_", generator, self)
    return _overwrite(self, "LogNormalBackward0", stream, fills.fill_log_normal, mean, std)
