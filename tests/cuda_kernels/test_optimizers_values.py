"""Steps of optimizers. Every kernel gives the numbers of the library's CPU ops."""

import numpy as np
import pytest
from values import close, tensor

import course_lib as torch
from course_lib.backends import cuda_kernels as kernels


@pytest.mark.parametrize("kind", ["Adam", "AdamW", "SGD", "SGD with momentum", "SGD nesterov"])
@pytest.mark.parametrize("maximize", [False, True])
def test_optimizer_steps(xp, make, kind, maximize):
    p, decay, lr = make(301), 0.1, 0.01
    gradients = [make(301) for _ in range(3)]
    state = [xp.zeros(301, np.float32) for _ in "mv"]
    expected = torch.nn.Parameter(torch.tensor(p.get().astype("f8")))
    momentum = {"SGD with momentum": 0.9, "SGD nesterov": 0.9}.get(kind, 0)
    if kind.startswith("SGD"):
        optimizer = torch.optim.SGD([expected], lr, momentum, weight_decay=decay, nesterov=kind == "SGD nesterov",
                                    maximize=maximize)  # fmt: skip
    else:
        optimizer = getattr(torch.optim, kind)([expected], lr, weight_decay=decay, maximize=maximize)
    for step, g in enumerate(gradients, 1):
        expected.grad = tensor(g).detach()
        optimizer.step()
        if kind == "SGD":
            kernels.sgd(p, g, lr, decay, maximize)
        elif momentum:
            kernels.sgd_momentum(p, g, state[0], lr, decay, maximize, momentum, 1.0, kind == "SGD nesterov")
        else:
            decoupled = kind == "AdamW"
            kernels.adam(p, g, *state, lr / (1 - 0.9**step), 1 - 0.9, 0.999, 1 - 0.999, (1 - 0.999**step) ** 0.5,
                         1e-8, 1 - lr * decay if decoupled else 1.0, 0.0 if decoupled else decay, maximize)  # fmt: skip
    assert close(p, expected)
