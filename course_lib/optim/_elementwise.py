"""ElementwiseOptimizer: how a rule that treats every number alike runs over many parameters, fast.

A rule such as Adam's is written once, on arrays (`update`), with Python's operators. `step` feeds it:
a large parameter in blocks that stay in the processor's cache, while small parameters are gathered into one flat array,
updated together and put back, so that a hundred biases cost little more than one (`_gather.py`). No graph is made.
A rule may also have a compiled kernel. With `differentiable=True` the rule runs on tensors, and autograd records it.
"""

from __future__ import annotations

from functools import partial

from .. import dtypes
from ..autograd.grad_mode import enable_grad
from ..backends import GPU, array_module, device_of, is_numpy
from ..backends.compiled import kernel
from ..ops.creation import zeros_like
from ..ops.from_data import tensor
from ..tensor import Tensor
from ._gather import LARGE, Gathered, flattened, in_blocks, is_row_major
from ._together import ON_DEVICE, step_together
from .optimizer import Optimizer, evaluate


class ElementwiseOptimizer(Optimizer):
    """An optimizer whose rule is `update(xp, group, numbers, p, g, *arrays)`, in place on p and the arrays.

    What it remembers of a parameter are numbers, kept as 0-dim tensors (`step`, the count of steps), and arrays of the
    parameter's shape. A subclass says by `arrays(group)` which arrays its settings need, and writes `update`.
    """

    capturable_needs = "params and state_steps"  # what must lie on a GPU with capturable=True, in PyTorch's words
    constants_change = False  # whether the host computes anew for each step what a CUDA graph would keep
    capturable_devices = ["cuda", "xpu", "hpu", "privateuseone", "xla"]

    def arrays(self, group: dict) -> tuple[str, ...]:
        """The names of the arrays in a parameter's state."""
        raise NotImplementedError

    def start(self, group: dict, p: Tensor, state: dict) -> None:
        """Fill the state of a parameter that is updated for the first time: no steps, and zeros."""
        state["step"] = kept_number(0.0)
        for name in self.arrays(group):
            state[name] = zeros_like(p)

    def advance(self, group: dict, p: Tensor) -> tuple[dict, tuple]:
        """Count the step: the parameter's state, and the numbers for `update`. Equal numbers are updated together."""
        state = self.state[p]
        if not state:
            self.start(group, p, state)
        return state, (count(state["step"]),)

    def update(self, xp, group: dict, numbers: tuple, p, g, *arrays) -> None:
        """The rule, in place, for arrays of any one shape."""
        raise NotImplementedError

    def together(self, group: dict, numbers: tuple, like, counts, found_inf) -> tuple[str, float, tuple]:
        """The CUDA kernel that does the same for many parameters: its name, the weight decay that is added to the
        gradient, and its other constants.

        like: an array of the parameters' dtype and GPU. The numbers are `ON_DEVICE` if `counts` holds the steps.
        """
        raise NotImplementedError

    def compiled(self, group: dict, numbers: tuple, p):
        """A function of p, g and the arrays that does in one pass what `update` does in many, or None (`kernel_for`).

        p is the flat array of the parameters. The numbers must be the same.
        """
        return None

    def step(self, closure=None):
        """Update the parameters that have a gradient; returns the loss of `closure`, if one is given."""
        loss = evaluate(closure)
        for index, group in enumerate(self.param_groups):
            ready = [p for p in group["params"] if p._grad is not None]
            self._check(group, ready)
            if group["differentiable"]:
                self._step_on_tensors(group, ready)
            else:
                self._step_on_arrays(index, _plain(group), ready)
        return loss

    def _check(self, group: dict, params: list[Tensor]) -> None:
        if group["foreach"] and group["differentiable"]:
            raise AssertionError("_foreach ops don't support autograd")
        if GPU.blas is not None and not group.get("capturable", True):
            raise RuntimeError(
                f"Attempting CUDA graph capture of step() for an instance of {type(self).__name__} but param_groups' "
                "capturable is False."
            )
        if GPU.blas is not None and self.constants_change:
            raise RuntimeError(
                f"A step of {type(self).__name__} cannot be captured in a CUDA graph: its constants change from step "
                "to step, and the host computes them. Those of Adam, AdamW, RMSprop, Adadelta and SGD can."
            )
        if group.get("capturable") and any(is_numpy(p._array) for p in params):
            raise AssertionError(
                f"If capturable=True, {self.capturable_needs} must be on supported devices: "
                f"{self.capturable_devices}."
            )

    def _step_on_arrays(self, index: int, group: dict, params: list[Tensor]) -> None:
        names, todo, on_gpu = self.arrays(group), [], False
        for p in params:
            state, numbers = self.advance(group, p)
            arrays = [p._array, p._grad._array]
            on_gpu = on_gpu or not is_numpy(arrays[0])
            p._storage.version += 1
            for name in names:
                held = state[name]
                arrays.append(held._array)
                held._storage.version += 1
            todo.append((state, numbers, arrays))
        if on_gpu:
            todo = self._without_kernel(step_together(self, index, group, todo))
            group = _plain(group, also_on_gpu=True) if todo else group
        small = {}
        for _, numbers, arrays in todo:
            if arrays[0].size >= LARGE and is_row_major(arrays):
                self._run(group, numbers, [flattened(a) for a in arrays])
            else:
                small.setdefault((numbers, arrays[0].dtype, device_of(arrays[0])), []).append(arrays)
        for (numbers, *kind), members in small.items():
            if len(members) == 1 and is_row_major(members[0]):
                self._run(group, numbers, [flattened(a) for a in members[0]])
                continue
            gathered = self._gathered((index, *kind), members)
            gathered.fetch(members)
            self._run(group, numbers, gathered.shown)
            gathered.put_back(members)

    def _without_kernel(self, todo: list) -> list:
        """What is left for `update`, with numbers that the host knows; it has to wait for those of the GPU."""
        found_inf = getattr(self, "found_inf", None)
        if todo and found_inf is not None and found_inf.item():
            return []
        return [(state, (count(state["step"]),) if numbers == ON_DEVICE else numbers, arrays)
                for state, numbers, arrays in todo]  # fmt: skip

    def _run(self, group: dict, numbers: tuple, flat: list) -> None:
        """The rule on flat arrays: by a compiled kernel, if there is one, else in blocks."""
        run = self.compiled(group, numbers, flat[0])
        if run is None:
            in_blocks(partial(self.update, array_module(flat[0]), group, numbers), flat)
        else:
            run(*flat)

    def _gathered(self, key: tuple, members: list) -> Gathered:
        """The flat arrays for these small parameters, kept from step to step."""
        kept = self.__dict__.setdefault("_flat_arrays", {})
        if key not in kept or not kept[key].fits(members):
            kept[key] = Gathered(members)
        return kept[key]

    def _step_on_tensors(self, group: dict, params: list[Tensor]) -> None:
        """The same rule on tensors, recorded. It changes copies of the state: backward needs the old one."""
        import course_lib

        names = self.arrays(group)
        with enable_grad():
            for p in params:
                state, numbers = self.advance(group, p)
                state.update({name: state[name].clone() for name in names})
                tensors = [p, p._grad, *[state[name] for name in names]]
                if p.is_complex():
                    tensors = [course_lib.view_as_real(t) for t in tensors]
                self.update(course_lib, group, numbers, *tensors)


def kernel_for(name: str, p, saves_once: float, saves_each: float):
    """The compiled kernel of a rule for arrays like p, or None; the seconds that it saves, once and for each number."""
    if p.dtype.char != "f" or not is_numpy(p):  # those that there are take float32
        return None
    return kernel(f"optim.{name}", saves_once + p.size * saves_each)


def kept_number(value: float) -> Tensor:
    """A number in a parameter's state: float32, or float64 where that is the default."""
    return tensor(value, dtype=dtypes.float64 if dtypes.get_default_dtype() is dtypes.float64 else dtypes.float32)


def count(step: Tensor) -> float:
    """Add one to a state's count of steps; returns it as a number."""
    array = step._array
    total = array.item() + 1.0
    array[...] = total
    step._storage.version += 1
    return total


def descent(group: dict, p, g):
    """The direction that the rule follows: the gradient, its negative to maximize, and weight decay added."""
    if group["maximize"]:
        g = -g
    return g if group["weight_decay"] == 0 else g + group["weight_decay"] * p


def _plain(group: dict, also_on_gpu: bool = False) -> dict:
    """The settings of a group with numbers in place of tensors such as a learning rate that was given as one.

    One that lies on a GPU stays there if the steps do, unless it is wanted, too: reading it means to wait.
    """
    if not any(isinstance(value, (Tensor, tuple)) for value in group.values()):
        return group
    lr = group["lr"]
    keep_lr = isinstance(lr, Tensor) and lr.is_cuda and on_device(group) and not also_on_gpu
    keep = ("params", "lr") if keep_lr else ("params",)
    return {name: value if name in keep else _number(value) for name, value in group.items()}


def on_device(group: dict) -> bool:
    """Whether the group's settings ask for steps that need nothing of the host: PyTorch counts them on the GPU then."""
    return bool(group.get("capturable") or group.get("fused"))


def _number(value):
    if isinstance(value, tuple):
        return tuple([_number(part) for part in value])
    return value.item() if isinstance(value, Tensor) else value


__all__ = ["ElementwiseOptimizer", "count", "descent", "kept_number", "kernel_for", "on_device"]
