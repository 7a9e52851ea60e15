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
        x = torch.ones(300, 300, device="cuda")
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


# ---- mixed precision -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_mixed_precision_trains(dtype):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(8, 32), torch.nn.LayerNorm(32), torch.nn.GELU(), torch.nn.Linear(32, 4))
    x, y = torch.randn(16, 8, device="cuda"), torch.randint(0, 4, (16,), device="cuda")
    model = model.to("cuda")
    optimizer, scaler = torch.optim.AdamW(model.parameters(), lr=0.01), torch.amp.GradScaler("cuda")
    losses = []
    for _ in range(8):
        with torch.autocast("cuda", dtype=dtype):
            scores = model(x)
            loss = F.cross_entropy(scores, y)
        assert scores.dtype is dtype and loss.dtype is torch.float32
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
        losses.append(loss.item())
    assert losses[-1] < losses[0] and scaler.get_scale() == 65536.0


def test_a_step_with_infinite_gradients_is_left_out():
    weight = torch.nn.Parameter(torch.ones(3, device="cuda"))
    optimizer, scaler = torch.optim.SGD([weight], lr=1.0), torch.amp.GradScaler("cuda", init_scale=8.0)
    scaler.scale((weight * float("inf")).sum()).backward()
    scaler.step(optimizer)
    scaler.update()
    assert weight.tolist() == [1.0, 1.0, 1.0] and scaler.get_scale() == 4.0


# ---- memory, streams and several GPUs --------------------------------------------------------------------------------


def test_pinned_memory_crosses_without_waiting():
    x = torch.arange(1000.0).pin_memory()
    assert x.is_pinned() and not torch.arange(3).is_pinned()
    there = x.to("cuda", non_blocking=True)
    back = there.to("cpu", non_blocking=True)
    torch.cuda.synchronize()
    assert back.tolist() == x.tolist()


def test_work_of_two_streams_is_ordered_by_an_event():
    first, second, done = torch.cuda.Stream(), torch.cuda.Stream(), torch.cuda.Event()
    with torch.cuda.stream(first):
        x = torch.ones(200, 200, device="cuda") @ torch.ones(200, 200, device="cuda")
        done.record()
    second.wait_event(done)
    with torch.cuda.stream(second):
        y = x + 1
    second.synchronize()
    assert (y == 201).all()


@pytest.mark.skipif(torch.cuda.device_count() == 1, reason="there is one GPU")
def test_two_gpus():
    x = torch.ones(3, device="cuda:1", requires_grad=True)
    (x.to("cuda:0") * 2).sum().backward()
    assert x.grad.device == torch.device("cuda:1") and x.grad.tolist() == [2.0, 2.0, 2.0]
    with pytest.raises(RuntimeError, match="Expected all tensors to be on the same device"):
        x + torch.ones(3, device="cuda:0")
    with torch.cuda.device(1):
        assert torch.ones(1, device="cuda").device.index == 1


def test_answers_about_the_gpu():
    assert torch.cuda.is_available() and torch.cuda.get_device_name() and torch.cuda.get_device_capability() >= (5, 0)
    free, total = torch.cuda.mem_get_info()
    assert 0 < free <= total and torch.cuda.get_device_properties(0).multi_processor_count > 0
    assert "allocated" in torch.cuda.memory_summary().lower()


def test_an_index_outside_a_tensor_is_an_error():
    """CuPy's own indexing would wrap around."""
    x, outside = torch.arange(4.0, device="cuda"), torch.tensor([7], device="cuda")
    for attempt in (lambda: x[outside], lambda: x.index_select(0, outside), lambda: x.gather(0, outside),
                    lambda: F.embedding(outside, x[:, None]), lambda: x.index_add(0, outside, x[:1])):  # fmt: skip
        with pytest.raises((IndexError, RuntimeError)):
            attempt().tolist()
            torch.cuda.synchronize()
