"""GradScaler: multiply the loss, so that small gradients survive in float16, and divide the gradients before the step.

`scale(loss)` gives scale · loss; `step(optimizer)` divides the gradients (`unscale_`), looks for inf and nan among
them, and leaves the step out if there are any; `update()` then halves the scale, or doubles it after `growth_interval`
steps without.
"""

from __future__ import annotations

import warnings
from enum import Enum

from .. import cuda, dtypes
from ..autograd.grad_mode import no_grad
from ..backends import array_module, backend_of, is_numpy
from ..ops._many import in_one_launch
from ..ops.creation import zeros
from ..ops.from_data import tensor
from ..optim import Optimizer
from ..tensor import Tensor


class OptState(Enum):
    """How far an optimizer is since the last update of the scale."""

    READY = 0
    UNSCALED = 1
    STEPPED = 2


def _any(found: bool | list[Tensor]) -> bool:
    """Whether inf or nan was found; where GPUs know, they are waited for."""
    return any(t.item() for t in found) if type(found) is list else found


class GradScaler:
    """Scales losses up and gradients down by one factor, which adapts itself.

    device: "cuda" (without one the scaler is disabled, with a warning) or "cpu". A disabled scaler leaves all as it is.

    >>> import course_lib as torch
    >>> w = torch.tensor([2.], requires_grad=True)
    >>> optimizer, scaler = torch.optim.SGD([w], lr=0.5), torch.amp.GradScaler("cpu", init_scale=1024.)
    >>> scaler.scale((w * w).sum()).backward()
    >>> scaler.step(optimizer)
    >>> scaler.update()
    >>> w
    tensor([0.], requires_grad=True)

    Source: https://docs.pytorch.org/docs/stable/amp.html#torch.amp.GradScaler
    """

    def __init__(self, device: str = "cuda", init_scale: float = 2.0**16, growth_factor: float = 2.0,
                 backoff_factor: float = 0.5, growth_interval: int = 2000, enabled: bool = True):  # fmt: skip
        self._device, self._enabled = device, enabled
        if enabled and device == "cuda" and not cuda.is_available():
            warnings.warn("torch.cuda.amp.GradScaler is enabled, but CUDA is not available.  Disabling.", stacklevel=2)
            self._enabled = False
        self._init_scale, self._init_growth_tracker = init_scale, 0
        self._growth_factor, self._backoff_factor = growth_factor, backoff_factor
        self._growth_interval = growth_interval
        if self._enabled:
            assert growth_factor > 1.0, "The growth factor must be > 1.0."
            assert backoff_factor < 1.0, "The backoff factor must be < 1.0."
        self._scale = self._growth_tracker = None  # tensors, made when first used
        self._optimizers: dict[int, list] = {}  # id -> [how far it is, what `_unscale` found (None: not looked)]

    # ---- one step ------------------------------------------------------------------------------------------------

    def scale(self, outputs):
        """scale · outputs, for a tensor or an iterable of tensors."""
        if not self._enabled:
            return outputs
        if isinstance(outputs, Tensor):
            self._start(outputs.device)
            return outputs * self._scale.to(device=outputs.device)
        if not hasattr(outputs, "__iter__"):
            raise ValueError("outputs must be a Tensor or an iterable of Tensors")
        scaled = map(self.scale, outputs)
        return type(outputs)(scaled) if isinstance(outputs, (list, tuple)) else scaled

    def _start(self, device) -> None:
        if self._scale is None:
            self._scale = tensor(float(self._init_scale), dtype=dtypes.float32, device=device)
            self._growth_tracker = tensor(self._init_growth_tracker, dtype=dtypes.int32, device=device)

    def _check_started(self, method: str) -> None:
        assert self._scale is not None, (
            f"Attempted {method} but _scale is None.  This may indicate your script did not use scaler.scale(loss or "
            "outputs) earlier in the iteration."
        )

    def unscale_(self, optimizer: Optimizer) -> None:
        """Divide the gradients of an optimizer's parameters, to clip them, say; `step` does it if you have not."""
        if not self._enabled:
            return
        self._check_started("unscale_")
        record = self._optimizers.setdefault(id(optimizer), [OptState.READY, None])
        if record[0] is OptState.UNSCALED:
            raise RuntimeError("unscale_() has already been called on this optimizer since the last update().")
        if record[0] is OptState.STEPPED:
            raise RuntimeError("unscale_() is being called after step().")
        record[:] = OptState.UNSCALED, self._unscale(optimizer)

    @no_grad
    def _unscale(self, optimizer: Optimizer) -> bool | list[Tensor] | None:
        """Divide the gradients; whether one of them is inf or nan, None where there are none.

        On GPUs the answer stays there, a tensor for each (1 for yes), until somebody has to know.
        """
        grads = [p._grad for group in optimizer.param_groups for p in group["params"] if p._grad is not None]
        for grad in grads:
            if grad.dtype is dtypes.float16:
                raise ValueError("Attempting to unscale FP16 gradients.")
        found = self._unscale_on_gpus(grads)
        if found is not None:
            return found
        factor, found = 1.0 / float(self._scale), False  # in double precision, rounded once
        for grad in grads:
            found = found or not bool(array_module(grad._array).isfinite(grad._array).all())
            grad.mul_(factor)
        return found if grads else None

    def _unscale_on_gpus(self, grads: list) -> list[Tensor] | None:
        """One launch for each GPU and dtype; None where the gradients are not all such as the kernels take."""
        kinds: dict = {}
        for grad in grads:
            kinds.setdefault((grad.device, grad.dtype), []).append(grad)
        runs = {kind: in_one_launch("unscale", members) for kind, members in kinds.items()}
        if not runs or not all(runs.values()):
            return None
        found = {place: zeros((), dtype=dtypes.float32, device=place) for place, _ in runs}
        for (place, _), run in runs.items():
            run(self._scale.to(place)._array, found[place]._array)
        return list(found.values())

    def step(self, optimizer: Optimizer, *args, **kwargs):
        """`optimizer.step(…)`, if no gradient is inf or nan; returns what that returns, or None."""
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise RuntimeError("Closure use is not currently supported if GradScaler is enabled.")
        self._check_started("step")
        record = self._optimizers.setdefault(id(optimizer), [OptState.READY, None])
        if record[0] is OptState.STEPPED:
            raise RuntimeError("step() has already been called since the last update().")
        if record[0] is OptState.READY:
            self.unscale_(optimizer)
        assert record[1] is not None, "No inf checks were recorded for this optimizer."
        record[0] = OptState.STEPPED
        if type(record[1]) is list and len(record[1]) == 1 and getattr(optimizer, "leaves_out_steps", False):
            optimizer.found_inf = record[1][0]  # the step itself looks, on the GPU
            try:
                return optimizer.step(*args, **kwargs)
            finally:
                del optimizer.found_inf
        return None if _any(record[1]) else optimizer.step(*args, **kwargs)

    @no_grad
    def update(self, new_scale=None) -> None:
        """Adapt the scale to what the steps found, or set it."""
        if not self._enabled:
            return
        self._check_started("update")
        if new_scale is not None:
            self._scale.fill_(new_scale)
        else:
            found = [record[1] for record in self._optimizers.values() if record[1] is not None]
            assert found, "No inf checks were recorded prior to update."
            self._adapt(found)
        self._optimizers = {}

    def _adapt(self, found: list) -> None:
        """Change the scale, on the GPU if that is where the findings are."""
        array = self._scale._array
        run = None if is_numpy(array) else backend_of(array_module(array)).kernel("update_scale", array)
        if run and all(type(each) is list for each in found):
            first, *others = [t.to(self._scale.device) for each in found for t in each]
            run(array, self._growth_tracker._array, sum(others, first)._array, self._growth_factor,
                self._backoff_factor, self._growth_interval)  # fmt: skip
            self._scale._storage.version += 1
            return
        any_found = any(map(_any, found))
        steps = 0 if any_found else int(self._growth_tracker) + 1
        if any_found:
            self._scale.mul_(self._backoff_factor)
        elif steps == self._growth_interval:
            steps = 0
            if float(self._scale) * self._growth_factor < float("inf"):
                self._scale.mul_(self._growth_factor)
        self._growth_tracker.fill_(steps)

    # ---- settings and checkpoints --------------------------------------------------------------------------------

    def is_enabled(self) -> bool:
        """Whether the scaler does anything."""
        return self._enabled

    def get_scale(self) -> float:
        """The present scale, 1 for a disabled scaler."""
        if not self._enabled:
            return 1.0
        return self._init_scale if self._scale is None else self._scale.item()

    def _get_growth_tracker(self) -> int:
        if not self._enabled:
            return 0
        return self._init_growth_tracker if self._growth_tracker is None else int(self._growth_tracker)

    def get_growth_factor(self) -> float:
        """What the scale is multiplied by after `growth_interval` good steps."""
        return self._growth_factor

    def set_growth_factor(self, new_factor: float) -> None:
        self._growth_factor = new_factor

    def get_backoff_factor(self) -> float:
        """What the scale is multiplied by after a step with inf or nan."""
        return self._backoff_factor

    def set_backoff_factor(self, new_factor: float) -> None:
        self._backoff_factor = new_factor

    def get_growth_interval(self) -> int:
        """How many good steps in a row raise the scale."""
        return self._growth_interval

    def set_growth_interval(self, new_interval: int) -> None:
        self._growth_interval = new_interval

    def state_dict(self) -> dict:
        """The scale and its settings; empty for a disabled scaler."""
        if not self._enabled:
            return {}
        return {"scale": self.get_scale(), "growth_factor": self._growth_factor,
                "backoff_factor": self._backoff_factor, "growth_interval": self._growth_interval,
                "_growth_tracker": self._get_growth_tracker()}  # fmt: skip

    def load_state_dict(self, state_dict: dict) -> None:
        """Go on from another scaler's `state_dict()`."""
        if not self._enabled:
            return
        if len(state_dict) == 0:
            raise RuntimeError(
                "The source state dict is empty, possibly because it was saved from a disabled instance of GradScaler."
            )
        self._init_scale = state_dict["scale"]
        self._init_growth_tracker = state_dict["_growth_tracker"]
        if self._scale is not None:
            self._scale.fill_(self._init_scale)
            self._growth_tracker.fill_(self._init_growth_tracker)
        self._growth_factor = state_dict["growth_factor"]
        self._backoff_factor = state_dict["backoff_factor"]
        self._growth_interval = state_dict["growth_interval"]

    def __getstate__(self) -> dict:
        if self._optimizers:
            raise AssertionError(
                "A GradScaler instance may only be pickled at the beginning of an iteration, or at the end after "
                "scaler.update()."
            )
        return {**self.__dict__, "_init_scale": self.get_scale(), "_scale": None, "_growth_tracker": None,
                "_init_growth_tracker": self._get_growth_tracker()}  # fmt: skip


__all__ = ["GradScaler", "OptState"]
