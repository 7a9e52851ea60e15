"""Pruning: some elements of a parameter are held at 0 by a mask.

The parameter `weight` becomes `weight_orig`, beside it lies the buffer `weight_mask`, and before each forward a hook
(a BasePruningMethod) makes the plain attribute `weight` = mask · original. A method computes a mask from importance
scores: the values themselves unless others are given.
"""

from __future__ import annotations

import numbers
from abc import ABC, abstractmethod
from collections.abc import Iterable

from ...ops import FUNCTIONS
from .convert_parameters import parameters_to_vector

_kthvalue, _norm, _ones_like, _rand, _rand_like, _topk, _zeros_like = (
    FUNCTIONS["torch"][name] for name in ("kthvalue", "norm", "ones_like", "rand", "rand_like", "topk", "zeros_like")
)


class BasePruningMethod(ABC):
    """A way to choose what is pruned; a subclass writes `compute_mask` and sets PRUNING_TYPE.

    PRUNING_TYPE: "unstructured" (elements), "structured" (slices along `dim`) or "global".

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.prune.BasePruningMethod.html
    """

    _tensor_name: str

    def __call__(self, module, inputs) -> None:
        setattr(module, self._tensor_name, self.apply_mask(module))

    @abstractmethod
    def compute_mask(self, t, default_mask):
        """A mask of t's shape: `default_mask` with further elements 0. `t` holds the importance of each element."""

    def apply_mask(self, module):
        """mask · original of a module's pruned parameter."""
        if self._tensor_name is None:
            raise AssertionError(f"Module {module} has to be pruned")
        mask = getattr(module, self._tensor_name + "_mask")
        original = getattr(module, self._tensor_name + "_orig")
        return mask.to(dtype=original.dtype) * original

    @classmethod
    def apply(cls, module, name: str, *args, importance_scores=None, **kwargs):
        """Prune the parameter `name` of a module by this method, on top of what prunes it already."""
        old_key = _hook_key(module, name)
        method = cls(*args, **kwargs)
        method._tensor_name = name
        if old_key is not None:
            method = _joined(module._forward_pre_hooks.pop(old_key), method)
        original = getattr(module, name)
        if importance_scores is None:
            importance_scores = original
        elif importance_scores.shape != original.shape:
            raise AssertionError(
                f"importance_scores should have the same shape as parameter {name} of {module}, got "
                f"{importance_scores.shape} vs {original.shape}"
            )
        if old_key is None:
            module.register_parameter(name + "_orig", original)
            del module._parameters[name]
            default_mask = _ones_like(original)
        else:
            default_mask = getattr(module, name + "_mask").detach().clone()
        try:
            mask = method.compute_mask(importance_scores, default_mask=default_mask)
            module.register_buffer(name + "_mask", mask)
            setattr(module, name, method.apply_mask(module))
            module.register_forward_pre_hook(method)
        except Exception:
            if old_key is None:  # leave the module as it was
                module.register_parameter(name, module._parameters.pop(name + "_orig"))
            raise
        return method

    def prune(self, t, default_mask=None, importance_scores=None):
        """`t` with what this method prunes set to 0; no module is involved."""
        if importance_scores is None:
            importance_scores = t
        elif importance_scores.shape != t.shape:
            raise AssertionError(
                f"importance_scores should have the same shape as tensor t, got {importance_scores.shape} vs {t.shape}"
            )
        default_mask = _ones_like(t) if default_mask is None else default_mask
        return t * self.compute_mask(importance_scores, default_mask=default_mask)

    def remove(self, module) -> None:
        """Make the pruned parameter an ordinary one again, with the zeros in it."""
        name = self._tensor_name
        if name is None:
            raise AssertionError(f"Module {module} has to be pruned before pruning can be removed")
        weight = self.apply_mask(module)
        if hasattr(module, name):
            delattr(module, name)
        original = module._parameters.pop(name + "_orig")
        original.data = weight.data
        del module._buffers[name + "_mask"]
        setattr(module, name, original)


def _hook_key(module, name: str):
    """The key of the hook that prunes this parameter, None where there is none."""
    hooks = module._forward_pre_hooks.items()
    keys = [key for key, hook in hooks if isinstance(hook, BasePruningMethod) and hook._tensor_name == name]
    if len(keys) > 1:
        raise AssertionError(
            f"Avoid adding multiple pruning hooks to the same tensor {name} of module {module}. Use a PruningContainer."
        )
    return keys[0] if keys else None


def _joined(old: BasePruningMethod, new: BasePruningMethod) -> PruningContainer:
    container = old if isinstance(old, PruningContainer) else PruningContainer(old)
    container.add_pruning_method(new)
    return container


class PruningContainer(BasePruningMethod):
    """Several methods one after the other: each prunes among what those before it left.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.prune.PruningContainer.html
    """

    def __init__(self, *args):
        self._pruning_methods: tuple = ()
        if len(args) == 1 and not isinstance(args[0], Iterable):
            self._tensor_name = args[0]._tensor_name
            self.add_pruning_method(args[0])
        else:
            methods = args[0] if len(args) == 1 else args
            for method in methods:
                self.add_pruning_method(method)

    def add_pruning_method(self, method: BasePruningMethod | None) -> None:
        """Put a method at the end; ValueError for one of another parameter."""
        if not isinstance(method, BasePruningMethod) and method is not None:
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if method is not None and self._tensor_name != method._tensor_name:
            raise ValueError(
                "Can only add pruning methods acting on "
                f"the parameter named '{self._tensor_name}' to PruningContainer {self}."
                f" Found '{method._tensor_name}'"
            )
        self._pruning_methods += (method,)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self):
        return iter(self._pruning_methods)

    def __getitem__(self, index):
        return self._pruning_methods[index]

    def compute_mask(self, t, default_mask):
        method = self._pruning_methods[-1]
        mask = default_mask.clone().to(dtype=t.dtype)
        left = self._what_is_left(method, t, mask)
        mask[left] = method.compute_mask(t[left], default_mask=mask[left]).to(mask.dtype)
        return mask

    @staticmethod
    def _what_is_left(method, t, mask):
        """The index of the part of the tensor that the method may still prune."""
        if method.PRUNING_TYPE == "unstructured":
            return mask == 1
        if method.PRUNING_TYPE == "structured":
            if not hasattr(method, "dim"):
                raise AttributeError(
                    'Pruning methods of PRUNING_TYPE "structured" need to have the attribute `dim` defined.'
                )
            dim = method.dim + t.dim() if method.dim < 0 else method.dim
            index = [slice(None)] * t.dim()
            index[dim] = mask.sum(dim=[d for d in range(t.dim()) if d != dim]) != 0
            return tuple(index)
        if method.PRUNING_TYPE == "global":
            return (slice(None),) * t.dim()
        raise ValueError(f"Unrecognized PRUNING_TYPE {method.PRUNING_TYPE}")


# ---- methods -----------------------------------------------------------------------------------------------------


class Identity(BasePruningMethod):
    """Prunes nothing, but puts the mask and the hook in place."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t, default_mask):
        return default_mask

    @classmethod
    def apply(cls, module, name: str):
        return super().apply(module, name)


class _ByAmount(BasePruningMethod):
    """A method with an amount: a fraction in [0, 1], or a number of elements or slices."""

    def __init__(self, amount):
        _validate_pruning_amount_init(amount)
        self.amount = amount

    def _count(self, available: int) -> int:
        """How many of the available elements (or slices) to prune; ValueError where there are not so many."""
        count = _compute_nparams_toprune(self.amount, available)
        _validate_pruning_amount(count, available)
        return count


class RandomUnstructured(_ByAmount):
    """Prunes elements at random.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.prune.RandomUnstructured.html
    """

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t, default_mask):
        count, mask = self._count(t.nelement()), default_mask.clone()
        if count:
            mask.view(-1)[_topk(_rand_like(t).view(-1), k=count).indices] = 0
        return mask

    @classmethod
    def apply(cls, module, name: str, amount):
        return super().apply(module, name, amount=amount)


class L1Unstructured(_ByAmount):
    """Prunes the elements nearest to 0.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.prune.L1Unstructured.html
    """

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t, default_mask):
        count, mask = self._count(t.nelement()), default_mask.clone()
        if count:
            mask.view(-1)[_topk(t.abs().view(-1), k=count, largest=False).indices] = 0
        return mask

    @classmethod
    def apply(cls, module, name: str, amount, importance_scores=None):
        return super().apply(module, name, amount=amount, importance_scores=importance_scores)


class _Structured(_ByAmount):
    """A method that prunes whole slices along `dim`."""

    PRUNING_TYPE = "structured"

    def __init__(self, amount, dim: int = -1):
        super().__init__(amount)
        self.dim = dim

    def compute_mask(self, t, default_mask):
        _validate_structured_pruning(t)
        _validate_pruning_dim(t, self.dim)
        slices = t.shape[self.dim]
        count = self._count(slices)
        if count == 0:
            return default_mask
        mask = _zeros_like(t)
        index = [slice(None)] * t.dim()
        index[self.dim] = self._kept(t, slices, count)
        mask[tuple(index)] = 1
        return mask * default_mask.to(dtype=mask.dtype)


class RandomStructured(_Structured):
    """Prunes slices along a dimension at random.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.prune.RandomStructured.html
    """

    def _kept(self, t, slices: int, count: int):
        chance = _rand(slices)
        return chance > _kthvalue(chance, k=count).values

    @classmethod
    def apply(cls, module, name: str, amount, dim: int = -1):
        return super().apply(module, name, amount=amount, dim=dim)


class LnStructured(_Structured):
    """Prunes the slices along a dimension that have the smallest norm of order `n`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.prune.LnStructured.html
    """

    def __init__(self, amount, n, dim: int = -1):
        super().__init__(amount, dim)
        self.n = n

    def _kept(self, t, slices: int, count: int):
        return _topk(_compute_norm(t, self.n, self.dim), k=slices - count, largest=True).indices

    @classmethod
    def apply(cls, module, name: str, amount, n, dim: int, importance_scores=None):
        return super().apply(module, name, amount=amount, n=n, dim=dim, importance_scores=importance_scores)


class CustomFromMask(BasePruningMethod):
    """Prunes what a given mask says."""

    PRUNING_TYPE = "global"

    def __init__(self, mask):
        self.mask = mask

    def compute_mask(self, t, default_mask):
        if default_mask.shape != self.mask.shape:
            raise AssertionError(
                f"default_mask shape {default_mask.shape} must match self.mask shape {self.mask.shape}"
            )
        return default_mask * self.mask.to(dtype=default_mask.dtype)

    @classmethod
    def apply(cls, module, name: str, mask):
        return super().apply(module, name, mask=mask)


# ---- public functions --------------------------------------------------------------------------------------------


def identity(module, name: str):
    """Put mask and hook in place without pruning anything; returns the module."""
    Identity.apply(module, name)
    return module


def random_unstructured(module, name: str, amount):
    """Prune `amount` (a fraction, or a number) of a parameter's elements at random; returns the module.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.prune.random_unstructured.html
    """
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(module, name: str, amount, importance_scores=None):
    """Prune the elements of a parameter that are nearest to 0 (or least important); returns the module.

    >>> import course_lib as torch
    >>> from course_lib.nn.utils import prune
    >>> layer = torch.nn.ParameterList([torch.tensor([1., -3., 0.5, 2.])])
    >>> getattr(prune.l1_unstructured(layer, "0", amount=0.5), "0")
    tensor([ 0., -3.,  0.,  2.], grad_fn=<MulBackward0>)

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.prune.l1_unstructured.html
    """
    L1Unstructured.apply(module, name, amount=amount, importance_scores=importance_scores)
    return module


def random_structured(module, name: str, amount, dim: int):
    """Prune slices of a parameter along `dim` at random; returns the module.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.prune.random_structured.html
    """
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(module, name: str, amount, n, dim: int, importance_scores=None):
    """Prune the slices of a parameter along `dim` with the smallest norm of order `n`; returns the module.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.prune.ln_structured.html
    """
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module, name: str, mask):
    """Prune a parameter where the mask is 0; returns the module."""
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(parameters, pruning_method, importance_scores: dict | None = None, **kwargs) -> None:
    """Prune several parameters, given as (module, name), as if they were one vector.

    `importance_scores`: (module, name) → scores. TypeError for a method that is not unstructured.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.prune.global_unstructured.html
    """
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    importance_scores = {} if importance_scores is None else importance_scores
    if not isinstance(importance_scores, dict):
        raise TypeError("global_unstructured(): importance_scores must be of type dict")
    scores = parameters_to_vector(
        [importance_scores.get((module, name), getattr(module, name)) for module, name in parameters]
    )
    masks = parameters_to_vector(
        [getattr(module, name + "_mask", _ones_like(getattr(module, name))) for module, name in parameters]
    )
    container = PruningContainer()
    container._tensor_name = "temp"  # no module has this parameter; the container only joins the masks
    method = pruning_method(**kwargs)
    method._tensor_name = "temp"
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            'Only "unstructured" PRUNING_TYPE supported for '
            f"the `pruning_method`. Found method {pruning_method} of type {method.PRUNING_TYPE}"
        )
    container.add_pruning_method(method)
    mask = container.compute_mask(scores, masks)
    start = 0
    for module, name in parameters:
        param = getattr(module, name)
        custom_from_mask(module, name, mask=mask[start : start + param.numel()].view_as(param))
        start += param.numel()


def remove(module, name: str):
    """Make a pruned parameter an ordinary one again, with the zeros in it; returns the module.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.prune.remove.html
    """
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, BasePruningMethod) and hook._tensor_name == name:
            hook.remove(module)
            del module._forward_pre_hooks[key]
            return module
    raise ValueError(f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed")


def is_pruned(module) -> bool:
    """Whether any parameter of the module or of one below it is pruned."""
    hooks = (hook for child in module.modules() for hook in child._forward_pre_hooks.values())
    return any(isinstance(hook, BasePruningMethod) for hook in hooks)


# ---- checks ------------------------------------------------------------------------------------------------------


def _validate_pruning_amount_init(amount) -> None:
    if not isinstance(amount, numbers.Real):
        raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
    if (isinstance(amount, numbers.Integral) and amount < 0) or (
        not isinstance(amount, numbers.Integral) and not 0.0 <= float(amount) <= 1.0
    ):
        raise ValueError(f"amount={amount} should either be a float in the range [0, 1] or a non-negative integer")


def _validate_pruning_amount(amount, tensor_size: int) -> None:
    if isinstance(amount, numbers.Integral) and amount > tensor_size:
        raise ValueError(f"amount={amount} should be smaller than the number of parameters to prune={tensor_size}")


def _validate_structured_pruning(t) -> None:
    if len(t.shape) <= 1:
        raise ValueError(
            "Structured pruning can only be applied to "
            f"multidimensional tensors. Found tensor of shape {t.shape} with {len(t.shape)} dims"
        )


def _validate_pruning_dim(t, dim: int) -> None:
    if dim >= t.dim():
        raise IndexError(f"Invalid index {dim} for tensor of size {t.shape}")


def _compute_nparams_toprune(amount, tensor_size: int) -> int:
    return amount if isinstance(amount, numbers.Integral) else round(amount * tensor_size)


def _compute_norm(t, n, dim: int):
    """The norm of order `n` of each slice along `dim`."""
    return _norm(t, p=n, dim=[d for d in range(t.dim()) if d != dim % t.dim()])
