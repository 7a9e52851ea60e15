"""Spectral normalization with a hook, the older spelling: before each forward the weight is divided by its largest
singular value σ (Miyato et al., 2018).

σ is estimated by power iteration: u ← normalize(W v), v ← normalize(Wᵀ u), σ = uᵀ W v. The vectors are buffers, so that
the estimate improves from call to call.
"""

from __future__ import annotations

from ...autograd.grad_mode import no_grad
from ...ops import FUNCTIONS
from ..parameter import Parameter, UninitializedParameter

_normalize = FUNCTIONS["nn.functional"]["normalize"]
_mv, _dot = FUNCTIONS["torch"]["mv"], FUNCTIONS["torch"]["dot"]
_multi_dot = FUNCTIONS["linalg"]["multi_dot"]


def as_matrix(weight, dim: int):
    """The weight as a matrix with `dim` as its rows."""
    if dim != 0:
        weight = weight.permute(dim, *[d for d in range(weight.dim()) if d != dim])
    return weight.reshape(weight.size(0), -1)


class SpectralNorm:
    """The hook on a module's forward that computes its parameter `name` from `name_orig`, `name_u` and `name_v`."""

    _version = 1

    def __init__(self, name: str = "weight", n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12):
        if n_power_iterations <= 0:
            raise ValueError(
                f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
            )
        self.name, self.dim, self.n_power_iterations, self.eps = name, dim, n_power_iterations, eps

    def compute_weight(self, module, do_power_iteration: bool):
        """The weight over its largest singular value. The vectors are updated in place where that is asked for."""
        weight, u, v = (getattr(module, self.name + ending) for ending in ("_orig", "_u", "_v"))
        matrix = as_matrix(weight, self.dim)
        if do_power_iteration:
            with no_grad():
                for _ in range(self.n_power_iterations):
                    v.copy_(_normalize(_mv(matrix.t(), u), dim=0, eps=self.eps))
                    u.copy_(_normalize(_mv(matrix, v), dim=0, eps=self.eps))
                u, v = u.clone(), v.clone()  # backward needs these, the next forward changes those
        return weight / _dot(u, _mv(matrix, v))

    def remove(self, module) -> None:
        with no_grad():
            weight = self.compute_weight(module, do_power_iteration=False)
        delattr(module, self.name)
        for ending in ("_u", "_v", "_orig"):
            delattr(module, self.name + ending)
        module.register_parameter(self.name, Parameter(weight.detach()))

    def __call__(self, module, inputs) -> None:
        setattr(module, self.name, self.compute_weight(module, do_power_iteration=module.training))

    @staticmethod
    def apply(module, name: str, n_power_iterations: int, dim: int, eps: float) -> SpectralNorm:
        if _find(module, name) is not None:
            raise RuntimeError(f"Cannot register two spectral_norm hooks on the same parameter {name}")
        hook = SpectralNorm(name, n_power_iterations, dim, eps)
        weight = module._parameters[name]
        if weight is None:
            raise ValueError(f"`SpectralNorm` cannot be applied as parameter `{name}` is None")
        if isinstance(weight, UninitializedParameter):
            raise ValueError(
                "The module passed to `SpectralNorm` can't have uninitialized parameters. Make sure to run the dummy "
                "forward before applying spectral normalization"
            )
        with no_grad():
            rows, columns = as_matrix(weight, dim).size()
            u = _normalize(weight.new_empty(rows).normal_(0, 1), dim=0, eps=eps)
            v = _normalize(weight.new_empty(columns).normal_(0, 1), dim=0, eps=eps)
        delattr(module, name)
        module.register_parameter(name + "_orig", weight)
        setattr(module, name, weight.data)  # a plain attribute: an initial value that is not learned
        module.register_buffer(name + "_u", u)
        module.register_buffer(name + "_v", v)
        module.register_forward_pre_hook(hook)
        module._register_state_dict_hook(_VersionHook(hook))
        module._register_load_state_dict_pre_hook(_LoadHook(hook))
        return hook


class _VersionHook:
    """Notes in a state dict's metadata that it has `name_v`, as those of PyTorch from 1.0 on do."""

    def __init__(self, of: SpectralNorm):
        self.of = of

    def __call__(self, module, state_dict, prefix: str, local_metadata: dict) -> None:
        versions = local_metadata.setdefault("spectral_norm", {})
        key = self.of.name + ".version"
        if key in versions:
            raise RuntimeError(f"Unexpected key in metadata['spectral_norm']: {key}")
        versions[key] = self.of._version


class _LoadHook:
    """Computes `name_v` for state dicts of PyTorch before 1.0, which have none."""

    def __init__(self, of: SpectralNorm):
        self.of = of

    def __call__(self, state_dict, prefix: str, local_metadata: dict, strict: bool, missing_keys, *_) -> None:
        name = prefix + self.of.name
        version = local_metadata.get("spectral_norm", {}).get(self.of.name + ".version")
        if version is not None and version >= 1:
            return
        if (
            version is None
            and all(name + ending in state_dict for ending in ("_orig", "_u", "_v"))
            and (name not in state_dict)
        ):
            return
        complete = True
        for ending in ("_orig", "", "_u"):
            if name + ending not in state_dict:
                complete = False
                if strict:
                    missing_keys.append(name + ending)
        if not complete:
            return
        with no_grad():
            original, weight = state_dict[name + "_orig"], state_dict.pop(name)
            u, matrix = state_dict[name + "_u"], as_matrix(original, self.of.dim)
            sigma = (original / weight).mean()
            v = _multi_dot([matrix.t().mm(matrix).pinverse(), matrix.t(), u.unsqueeze(1)]).squeeze(1)
            state_dict[name + "_v"] = v.mul_(sigma / _dot(u, _mv(matrix, v)))


def _find(module, name: str):
    """The key of the hook of this parameter, None where there is none."""
    hooks = module._forward_pre_hooks.items()
    return next((key for key, hook in hooks if isinstance(hook, SpectralNorm) and hook.name == name), None)


def rows_of(module) -> int:
    """Which dimension of a layer's weight counts its outputs."""
    from ..modules.conv import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d

    return 1 if isinstance(module, (ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)) else 0


def spectral_norm(
    module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
):
    """Divide the parameter `name` by its largest singular value before each forward; returns the module.

    `dim` is the weight's output dimension (None: as the kind of layer says). RuntimeError if it is there already.
    `parametrizations.spectral_norm` is the newer spelling.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.spectral_norm.html
    """
    SpectralNorm.apply(module, name, n_power_iterations, rows_of(module) if dim is None else dim, eps)
    return module


def remove_spectral_norm(module, name: str = "weight"):
    """Make the weight that `spectral_norm` computes an ordinary parameter again; returns the module.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.remove_spectral_norm.html
    """
    key = _find(module, name)
    if key is None:
        raise ValueError(f"spectral_norm of '{name}' not found in {module}")
    module._forward_pre_hooks.pop(key).remove(module)
    for table, kind in ((module._state_dict_hooks, _VersionHook), (module._load_state_dict_pre_hooks, _LoadHook)):
        for key, hook in list(table.items()):
            hook = getattr(hook, "hook", hook)
            if isinstance(hook, kind) and hook.of.name == name:
                del table[key]
    return module


__all__ = ["remove_spectral_norm", "spectral_norm"]
