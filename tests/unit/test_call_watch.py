"""The watcher of calls: every public operation is seen under a name that leads back to it."""

import sys

import pytest

import course_lib as torch
from course_lib import call_watch
from course_lib.nn import functional as F
from course_lib.ops import FUNCTIONS

PUBLIC = [(f"{namespace}.{name}", made) for namespace in call_watch.NAMESPACES
          for name, made in FUNCTIONS.get(namespace, {}).items()
          if name not in call_watch.NO_OPERATION and hasattr(made, "__code__")]  # fmt: skip


def seen(call) -> list[str]:
    """The targets of the outermost operations that a call runs."""
    found, depth = [], []

    def enter(target, frame):
        if not depth:
            found.append(target)
        depth.append(target)
        return target

    with call_watch.watch(enter, lambda token, result: depth.pop()):
        call()
    return found


def test_every_function_is_found_again():
    lost = []
    for name, made in PUBLIC:
        target = call_watch.target_of_function(made)
        if target is None or target.startswith("ops."):
            lost.append(name)
        elif target.rpartition(".")[2] not in call_watch.PYTHON_VALUES:
            call_watch.resolve(target)
    assert not lost


X = torch.randn(2, 3)
W, Y, Z, IMAGE = torch.randn(3, 2), torch.randn(2, 3), torch.randn(1, 1, 4), torch.randn(1, 1, 4, 4)
CALLS = {
    "torch.add": lambda: X + 1,
    "torch.sub": lambda: 1 - X,
    "torch.true_divide": lambda: X / 2,
    "torch.matmul": lambda: X @ W,
    "Tensor.add_": lambda: Y.add_(1),
    "Tensor.relu_": lambda: Y.relu_(),
    "Tensor.__getitem__": lambda: X[0, :2],
    "Tensor.__setitem__": lambda: Y.__setitem__(0, 1.0),
    "Tensor.view": lambda: X.view(-1),
    "Tensor.T": lambda: X.T,
    "torch.sum": lambda: X.sum(1),
    "torch.conv1d": lambda: F.conv1d(Z, Z),
    "torch.conv2d": lambda: F.conv2d(IMAGE, IMAGE),
    "nn.functional.linear": lambda: F.linear(X, X),
    "nn.functional.gelu": lambda: F.gelu(X),
    "linalg.vector_norm": lambda: torch.linalg.vector_norm(X),
    "torch.zeros": lambda: torch.zeros(2),
    "Tensor.new_full": lambda: X.new_full((1,), 2.0),
}


@pytest.mark.parametrize("target", CALLS)
def test_calls_have_the_names_that_were_called(target):
    assert seen(CALLS[target])[0] == target


def test_a_function_kept_elsewhere_is_seen():
    kept = {"activation": F.relu}
    assert seen(lambda: kept["activation"](X)) == ["nn.functional.relu"]


def test_arguments_without_defaults():
    calls = []

    def enter(target, frame):
        calls.append(call_watch.Call(target, frame))

    with call_watch.watch(enter, None):
        F.softmax(X, dim=1)
        torch.zeros(2, 3, dtype=torch.float64)
        X.flatten(0, -1)
    by_name = {}
    for call in calls:
        by_name.setdefault(call.target, call)
    assert by_name["nn.functional.softmax"].args == (X, 1)
    assert by_name["torch.zeros"].args == (2, 3)
    assert by_name["torch.zeros"].kwargs == {"dtype": torch.float64}
    assert by_name["torch.flatten"].args == (X,)


@pytest.mark.parametrize("target", ["os.system", "torch.nothing", "Tensor._array", "Tensor.numpy", "Tensor.__class__",
                                    "ops.nothing", "ops.view_shape", "torch", "", "builtins.eval",
                                    "Tensor.register_hook"])  # fmt: skip
def test_nothing_else_is_resolved(target):
    with pytest.raises(LookupError):
        call_watch.resolve(target)


def test_the_hook_of_others_is_put_back():
    def other(frame, event, value):
        pass

    sys.setprofile(other)
    try:
        seen(lambda: X + 1)
        assert sys.getprofile() is other
    finally:
        sys.setprofile(None)
