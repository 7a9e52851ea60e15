"""torch.cuda and training on a real GPU."""

import gc
import io

import pytest

import course_lib as torch
from course_lib.nn import functional as F


def test_tensors_move_there_and_back():
    x = torch.arange(6.0).reshape(2, 3).t()
    there = x.cuda()
    assert there.is_cuda and there.stride() == x.stride() and there.tolist() == x.tolist()
    assert there.cpu().tolist() == x.tolist() and (there @ there.t()).tolist() == (x @ x.t()).tolist()


def test_two_devices_do_not_meet():
    with pytest.raises(RuntimeError, match="Expected all tensors to be on the same device"):
        torch.ones(2, device="cuda") + torch.ones(2)


def train(device: str, make_optimizer) -> list[float]:
    """The losses of a small network with convolution, both norms and attention."""
    torch.manual_seed(0)
    conv = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.GELU(),
                               torch.nn.MaxPool2d(2), torch.nn.Flatten())  # fmt: skip
    norm, head = torch.nn.LayerNorm(36), torch.nn.Linear(36, 5)
    model = torch.nn.ModuleList([conv, norm, head])
    x, y = torch.randn(8, 1, 8, 8), torch.randint(0, 5, (8,))
    model, x, y = model.to(device), x.to(device), y.to(device)
    optimizer, losses = make_optimizer(model.parameters()), []
    for _ in range(10):
        optimizer.zero_grad()
        hidden = norm(conv(x))
        hidden = hidden + F.scaled_dot_product_attention(hidden[None], hidden[None], hidden[None])[0]
        loss = F.cross_entropy(head(hidden), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("make_optimizer", [
    lambda p: torch.optim.AdamW(p, lr=0.01), lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9),
])  # fmt: skip
def test_a_network_trains_as_on_the_cpu(make_optimizer):
    assert train("cuda", make_optimizer) == pytest.approx(train("cpu", make_optimizer), rel=2e-3)


def test_memory_is_counted_and_runs_out_with_a_sentence():
    gc.collect()
    before = torch.cuda.memory_allocated()
    x = torch.zeros(1 << 20, device="cuda")
    assert torch.cuda.memory_allocated() - before >= 4 << 20 and torch.cuda.max_memory_allocated() >= 4 << 20
    with pytest.raises(torch.cuda.OutOfMemoryError, match="CUDA out of memory") as caught:
        x[:, None] * x  # 4 TiB
    del x, caught  # the error knows the call, and that its operands
    gc.collect()
    assert torch.cuda.memory_allocated() < before + (4 << 20)


def test_streams_and_events():
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    with torch.cuda.stream(torch.cuda.Stream()):
        start.record()
        x = torch.ones(1000, 1000, device="cuda")
        x @ x
        end.record()
    end.synchronize()
    assert start.elapsed_time(end) > 0


def test_files_find_their_device():
    file = io.BytesIO()
    torch.save(torch.arange(3.0, device="cuda"), file)
    for where, kind in ((None, "cuda"), ("cpu", "cpu")):
        file.seek(0)
        assert torch.load(file, map_location=where).device.type == kind
