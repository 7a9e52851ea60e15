"""Averages of a model's weights over its training: AveragedModel, its averaging functions, SWALR and update_bn."""

from __future__ import annotations

import copy
import itertools
import math

from .. import dtypes
from ..autograd.grad_mode import no_grad
from ..nn.modules.batchnorm import _BatchNorm
from ..nn.modules.module import Module
from ..ops._many import in_one_launch
from ..ops.from_data import tensor
from ..tensor import Tensor
from .lr_scheduler.base import LRScheduler, one_a_group

# ---- how an average takes in new weights ---------------------------------------------------------------------------


def _check_decay(decay: float) -> None:
    if decay < 0.0 or decay > 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")


def get_ema_avg_fn(decay: float = 0.999):
    """The exponential moving average of one parameter: decay · average + (1 − decay) · new.

    Source: https://docs.pytorch.org/docs/stable/optim.html#custom-averaging-strategies
    """
    _check_decay(decay)

    @no_grad
    def ema_update(ema_param, current_param, num_averaged):
        return decay * ema_param + (1 - decay) * current_param

    return ema_update


def get_swa_avg_fn():
    """The plain average of one parameter: average + (new − average) / (n + 1).

    Source: https://docs.pytorch.org/docs/stable/optim.html#custom-averaging-strategies
    """

    @no_grad
    def swa_update(averaged_param, current_param, num_averaged):
        return averaged_param + (current_param - averaged_param) / (num_averaged + 1)

    return swa_update


def _for_lists(update, weight_on_gpu):
    """The averaging function for lists of parameters, made from the one for a single parameter.

    weight_on_gpu(n): the arguments of the kernel `move_averages` that does the same to all of them in one launch.
    """

    @no_grad
    def update_all(averaged_params, current_params, num_averaged) -> None:
        run = weight_on_gpu and in_one_launch("move_averages", averaged_params, current_params)
        if run:
            return run(*weight_on_gpu(num_averaged))
        for averaged, current in zip(averaged_params, current_params, strict=True):
            averaged.copy_(update(averaged, current, num_averaged))

    return update_all


def get_ema_multi_avg_fn(decay: float = 0.999):
    """`get_ema_avg_fn` for lists of parameters, which it changes in place.

    Source: https://docs.pytorch.org/docs/stable/optim.html#custom-averaging-strategies
    """
    return _for_lists(get_ema_avg_fn(decay), lambda _: (1 - decay,))


def get_swa_multi_avg_fn():
    """`get_swa_avg_fn` for lists of parameters, which it changes in place.

    Source: https://docs.pytorch.org/docs/stable/optim.html#custom-averaging-strategies
    """
    return _for_lists(get_swa_avg_fn(), _plain_weight)


def _plain_weight(count) -> tuple:
    """The new model is one of count + 1; a count that lies on the GPU is left there."""
    if isinstance(count, Tensor) and count.is_cuda and count.dtype is dtypes.int64:
        return 0.0, count._array
    return (1 / (float(count) + 1),)


# ---- the averaged model --------------------------------------------------------------------------------------------


class AveragedModel(Module):
    """A copy of a model that holds the average of its weights; call `update_parameters(model)` now and then.

    avg_fn(average, new, n) gives the new average of one parameter, multi_avg_fn(averages, news, n) changes lists of
    them in place; n counts the models taken in so far. Without either, it is their plain average. Buffers are
    averaged with `use_buffers`, else copied.

    >>> import course_lib as torch
    >>> model = torch.nn.Linear(1, 1, bias=False)
    >>> average = torch.optim.swa_utils.AveragedModel(model)
    >>> for weight in (1., 2., 6.):
    ...     _ = torch.nn.init.constant_(model.weight, weight)
    ...     average.update_parameters(model)
    >>> average.module.weight
    Parameter containing:
    tensor([[3.]], requires_grad=True)

    Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.swa_utils.AveragedModel.html
    (Izmailov et al. 2018)
    """

    def __init__(self, model: Module, device=None, avg_fn=None, multi_avg_fn=None, use_buffers: bool = False):
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = copy.deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", tensor(0, dtype=dtypes.int64, device=device))
        self.avg_fn, self.multi_avg_fn, self.use_buffers = avg_fn, multi_avg_fn, use_buffers

    def forward(self, *args, **kwargs):
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Take the model's weights into the average; the first ones are copied."""
        averages, news = self._tensors(self.module), self._tensors(model)
        news = [new.to(average.device) for average, new in zip(averages, news, strict=True)]
        if self.n_averaged == 0:
            for average, new in zip(averages, news, strict=True):
                average.copy_(new)
        else:
            self._average(averages, news)
        if not self.use_buffers:
            for ours, theirs in zip(self.module.buffers(), model.buffers(), strict=True):
                ours.detach().copy_(theirs.detach())
        self.n_averaged += 1

    def _tensors(self, module: Module) -> list:
        buffers = module.buffers() if self.use_buffers else ()
        return [t.detach() for t in itertools.chain(module.parameters(), buffers)]

    def _average(self, averages: list, news: list) -> None:
        update = self.multi_avg_fn or (_for_lists(self.avg_fn, None) if self.avg_fn else get_swa_multi_avg_fn())
        kinds: dict = {}  # lists hold tensors of one device and dtype
        for average, new in zip(averages, news, strict=True):
            kinds.setdefault((average.device, average.dtype), []).append((average, new))
        for (device, _), pairs in kinds.items():
            update(*map(list, zip(*pairs, strict=True)), self.n_averaged.to(device))


@no_grad()
def update_bn(loader, model: Module, device=None) -> None:
    """Compute the running statistics of a model's batch norms anew, by a pass over the data.

    An average of weights needs it, because it has seen no data itself. loader gives batches, or lists and tuples whose
    first element is the batch.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.swa_utils.update_bn.html
    """
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    if not norms:
        return
    before, was_training = [module.momentum for module in norms], model.training
    for module in norms:
        module.reset_running_stats()
        module.momentum = None  # a plain average over all batches
    model.train()
    for batch in loader:
        batch = batch[0] if isinstance(batch, (list, tuple)) else batch
        model(batch if device is None else batch.to(device))
    for module, momentum in zip(norms, before, strict=True):
        module.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """The rate goes to `swa_lr` over `anneal_epochs` epochs (on a cosine or a line), and stays there.

    ValueError for a strategy that is neither "cos" nor "linear", or a negative number of epochs.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.swa_utils.SWALR.html
    """

    def __init__(self, optimizer, swa_lr, anneal_epochs: int = 10, anneal_strategy: str = "cos", last_epoch: int = -1):
        for rate, group in zip(one_a_group("swa_lr", optimizer, swa_lr), optimizer.param_groups, strict=True):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        self._anneal_strategy = anneal_strategy
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _share(self, step: float) -> float:
        """How much of the way to `swa_lr` is done after a number of steps."""
        part = max(0, min(1, step / max(1, self.anneal_epochs)))
        return part if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * part)) / 2

    def get_lr(self):
        self._warn_outside_step()
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._share(step - 1), self._share(step)
        rates = []
        for group in self.optimizer.param_groups:
            goal = group["swa_lr"]
            start = goal if before == 1 else (group["lr"] - before * goal) / (1 - before)
            rates.append(goal * now + start * (1 - now))
        return rates


__all__ = ["AveragedModel", "SWALR", "get_ema_avg_fn", "get_ema_multi_avg_fn", "get_swa_avg_fn",
           "get_swa_multi_avg_fn", "update_bn"]  # fmt: skip
