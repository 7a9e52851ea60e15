"""torch.cuda, devices and what crosses them, on two stand-in GPUs."""

import copy
import io

import cupy_on_numpy
import pytest

import course_lib as torch
from course_lib.backends import cuda as backend


def test_tensors_move_there_and_back():
    x = torch.arange(6.0).reshape(2, 3).t()
    there = x.cuda()
    assert there.device == torch.device("cuda:0") and there.is_cuda and not there.is_cpu
    assert there.stride() == x.stride() and there.tolist() == x.tolist()
    assert there.to("cuda:1").device.index == 1 and there.cuda(1).get_device() == 1
    assert there.cuda() is there and there.cpu().device.type == "cpu" and there.cpu().stride() == x.stride()
    assert there.to(torch.ones(1, dtype=torch.float64)).dtype is torch.float64
    assert repr(there[0]) == "tensor([0., 3.], device='cuda:0')"


def test_gradients_cross_devices():
    x = torch.ones(3, requires_grad=True)
    y = (x.cuda() * 2).to("cuda:1") * 3
    y.sum().backward()
    assert y.device.index == 1 and x.grad.device.type == "cpu" and x.grad.tolist() == [6.0, 6.0, 6.0]
    target = torch.zeros(3, device="cuda")
    target.copy_(x)
    (target * target).sum().backward()
    assert x.grad.tolist() == [8.0, 8.0, 8.0]


@pytest.mark.parametrize("attempt", [
    lambda a, b: a + b, lambda a, b: a @ b, lambda a, b: torch.cat([a, b]), lambda a, b: torch.where(a > 0, a, b),
    lambda a, b: a.add_(b), lambda a, b: torch.nn.functional.linear(a, b),
])  # fmt: skip
def test_two_devices_do_not_meet(attempt):
    with pytest.raises(RuntimeError, match="Expected all tensors to be on the same device, but found at least two"):
        attempt(torch.ones(2, 2, device="cuda"), torch.ones(2, 2))
    with pytest.raises(RuntimeError, match="cuda:0 and cuda:1|cuda:1 and cuda:0"):
        attempt(torch.ones(2, 2, device="cuda"), torch.ones(2, 2, device="cuda:1"))


def test_a_number_of_the_cpu_may_meet_a_tensor_of_the_gpu():
    x = torch.ones(2, device="cuda")
    assert (x * torch.tensor(3.0)).device.type == "cuda" and (torch.tensor(3.0) + x).tolist() == [4.0, 4.0]
    assert x[torch.tensor([1, 0])].device.type == "cuda"
    with pytest.raises(RuntimeError, match="indices should be either on cpu or on the same device"):
        torch.ones(2)[torch.tensor([0], device="cuda")]


def test_half_precision_meets_numbers():
    x = torch.tensor([1.0, 2.0], dtype=torch.bfloat16, device="cuda:1")
    assert (x * 3).tolist() == [3.0, 6.0] and (x / 2).device.index == 1
    assert (x // 2).tolist() == [0.0, 1.0] and torch.div(x, 2, rounding_mode="trunc").tolist() == [0.0, 1.0]
    x += 1
    assert x.tolist() == [2.0, 3.0]


def test_default_device():
    with torch.device("cuda:1"):
        assert torch.zeros(2).device == torch.device("cuda:1") and torch.get_default_device().type == "cuda"
        assert torch.nn.Linear(2, 3).weight.device.index == 1
    torch.set_default_device("cuda")
    try:
        assert torch.rand(2).is_cuda and torch.tensor([1]).is_cuda and torch.arange(3).is_cuda
    finally:
        torch.set_default_device(None)
    assert torch.zeros(2).is_cpu


def test_a_network_trains_on_the_gpu_as_on_the_cpu():
    def train(device):
        torch.manual_seed(0)
        model = torch.nn.Sequential(
            torch.nn.Conv2d(1, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
            torch.nn.Flatten(), torch.nn.Linear(36, 5),
        ).to(device)  # fmt: skip
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
        x, y = torch.randn(8, 1, 8, 8).to(device), torch.randint(0, 5, (8,)).to(device)
        losses = []
        for _ in range(5):
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(x), y)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.item())
        assert all(t.device.type == device for t in model.state_dict().values())
        state = optimizer.state_dict()["state"][0]
        assert state["exp_avg"].device.type == device and state["step"].device.type == "cpu"
        return losses

    assert train("cuda") == pytest.approx(train("cpu"), rel=1e-5)


def test_files_find_their_device():
    file = io.BytesIO()
    torch.save({"a": torch.arange(3.0, device="cuda:1")}, file)
    for where, device in ((None, "cuda:1"), ("cpu", "cpu"), ("cuda:0", "cuda:0"), ({"cuda:1": "cuda:0"}, "cuda:0")):
        file.seek(0)
        assert str(torch.load(file, map_location=where)["a"].device) == device
    file.seek(0)
    backend.use(None)
    with pytest.raises(RuntimeError, match="Attempting to deserialize object on a CUDA device"):
        torch.load(file)


def test_copies_stay_on_their_device():
    x = torch.ones(2, device="cuda:1", requires_grad=True)
    assert copy.deepcopy(x).device.index == 1 and x.clone().device.index == 1 and (x * 2).device.index == 1
    assert torch.zeros_like(x).device.index == 1 and x.new_ones(3).device.index == 1


def test_numpy_asks_for_a_copy_on_the_host_first():
    with pytest.raises(TypeError, match="can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu()"):
        torch.ones(2, device="cuda").numpy()


def test_current_device():
    assert torch.cuda.is_available() and torch.cuda.device_count() == 2 and torch.cuda.current_device() == 0
    with torch.cuda.device(1):
        assert torch.cuda.current_device() == 1 and torch.zeros(1, device="cuda").get_device() == 1
    with torch.cuda.device_of(torch.ones(1, device="cuda:1")):
        assert torch.cuda.current_device() == 1
    assert torch.cuda.current_device() == 0
    assert torch.accelerator.current_accelerator() == torch.device("cuda") and torch.accelerator.device_count() == 2
    with pytest.raises(RuntimeError, match="invalid device ordinal"):
        torch.ones(1, device="cuda:7")
    with pytest.raises(AssertionError, match="Invalid device id"):
        torch.cuda.set_device(7)


def test_properties():
    assert torch.cuda.get_device_name() == "stand-in" and torch.cuda.get_device_capability(1) == (7, 5)
    assert repr(torch.cuda.get_device_properties(0)).startswith("_CudaDeviceProperties(name='stand-in', major=7")
    assert not torch.cuda.is_tf32_supported()


def test_memory_is_counted():
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    x = torch.zeros(1000, device="cuda")
    assert torch.cuda.memory_allocated() - before >= 4000
    del x
    assert torch.cuda.memory_allocated() <= before + 100
    assert torch.cuda.max_memory_allocated() - before >= 4000
    torch.cuda.empty_cache()
    assert torch.cuda.memory_reserved() == torch.cuda.memory_allocated()
    assert "Allocated memory" in torch.cuda.memory_summary()
    free, total = torch.cuda.mem_get_info()
    assert 0 < free <= total == cupy_on_numpy._MEMORY


def test_a_full_gpu_says_so():
    x = torch.zeros(5000, device="cuda")
    with pytest.raises(torch.cuda.OutOfMemoryError, match="CUDA out of memory. Tried to allocate 95.37 MiB"):
        x[:, None] + x[None]
    assert issubclass(torch.OutOfMemoryError, RuntimeError)


def test_streams_and_events():
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        assert torch.cuda.current_stream() == stream
        start.record()
        torch.ones(10, device="cuda").sum()
        end.record()
    end.synchronize()
    torch.cuda.synchronize()
    assert start.elapsed_time(end) >= 0 and stream.query() and end.query()
    assert torch.cuda.current_stream() == torch.cuda.default_stream() != stream
    with pytest.raises(ValueError, match="enable_timing=True"):
        torch.cuda.Event().elapsed_time(end)


def test_without_a_gpu_it_answers_as_pytorch_does():
    backend.use(None)
    assert not torch.cuda.is_available() and torch.cuda.device_count() == 0 and torch.cuda.memory_allocated() == 0
    assert torch.cuda.max_memory_allocated() == 0 and torch.cuda.default_generators == ()
    torch.cuda.manual_seed_all(0)
    torch.cuda.empty_cache()
    for call in (torch.cuda.synchronize, torch.cuda.current_device, torch.cuda.get_device_name, torch.cuda.mem_get_info,
                 torch.cuda.current_stream, torch.ones(1).cuda):  # fmt: skip
        with pytest.raises(AssertionError, match="Torch not compiled with CUDA enabled"):
            call()
    with pytest.raises(RuntimeError, match="torch.cuda.Stream requires CUDA support"):
        torch.cuda.Stream()
    with pytest.raises(TypeError, match="type torch.cuda.FloatTensor not available"):
        torch.cuda.FloatTensor(2)
    with pytest.raises(RuntimeError, match="Cannot access accelerator device when none is available"):
        torch.accelerator.synchronize()


def test_settings():
    assert torch.backends.cuda.matmul.allow_tf32 is False and torch.backends.mps.is_available() is False
    with torch.backends.cudnn.flags(benchmark=True, deterministic=True):
        assert torch.backends.cudnn.benchmark and torch.backends.cudnn.deterministic
    assert not torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.benchmark = False
    with pytest.raises(AttributeError, match="Unknown attribute foo"):
        torch.backends.cuda.matmul.foo = 1


def test_a_matrix_without_inverse_is_an_error_on_a_gpu_too():
    """CuPy's linear algebra keeps silent unless it is asked."""
    singular = torch.tensor([[1.0, 2.0], [2.0, 4.0]], device="cuda")
    for attempt, text in ((lambda: torch.linalg.inv(singular), "singular"),
                          (lambda: torch.linalg.solve(singular, singular), "singular"),
                          (lambda: torch.linalg.cholesky(-singular), "not positive-definite")):  # fmt: skip
        with pytest.raises(RuntimeError, match=text):
            attempt()
    assert torch.linalg.inv_ex(singular).info.item() == 2


def test_a_program_is_loaded_where_it_was_saved():
    layer = torch.nn.Linear(3, 2, device="cuda:1")
    traced = torch.jit.trace(layer, torch.ones(1, 3, device="cuda:1"))
    file = io.BytesIO()
    torch.jit.save(traced, file)
    for location, place in ((None, "cuda:1"), ("cpu", "cpu"), ("cuda:0", "cuda:0")):
        file.seek(0)
        program = torch.jit.load(file, map_location=location)
        assert str(program.weight.device) == place and str(program(torch.ones(1, 3, device=place)).device) == place
