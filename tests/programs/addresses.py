"""Functions at a second address, functions that are gone, and branches as functions."""

# --- torch.functional
x = torch.arange(6.0).reshape(2, 3)
print(torch.functional.einsum("ij,ij->i", x, x), torch.functional.norm(x), torch.functional.split(x, 2, dim=1))
print(torch.functional.tensordot(x, x.T, 1), torch.functional.unique(torch.tensor([3, 1, 3])), torch.functional.atleast_2d(torch.tensor(1.0)))
print(sorted(torch.functional.__all__))

# --- removed in favour of torch.linalg
x = torch.eye(2)
for call in (lambda: torch.eig(x), lambda: x.eig(eigenvectors=True), lambda: torch.lstsq(x, x), lambda: x.lstsq(x), lambda: torch.solve(x, x),
             lambda: torch.symeig(x), lambda: x.symeig(), lambda: torch.matrix_rank(x)):
    try:
        call()
    except RuntimeError as error:
        print(str(error)[:66])

# --- cond
x = torch.tensor([4.0, 9.0])
print(torch.cond(True, torch.sqrt, torch.neg, (x,)), torch.cond(False, lambda a, b: a + b, lambda a, b: a - b, (x, x)))
for wrong in (("yes", torch.sqrt, torch.neg, (x,)), (x > 0, torch.sqrt, torch.neg, (x,)), (torch.tensor(True), 1, 2), (torch.tensor(True), torch.sqrt, torch.neg, x)):
    try:
        torch.cond(*wrong)
    except RuntimeError as error:
        print(error)

# --- modules that scripts import by their path
import importlib

found = {}
for path, names in {"nn.common_types": "_size_1_t _size_2_t _size_any_t _ratio_3_t _maybe_indices_t", "types": "Device Number _size _dtype",
                    "utils.dlpack": "from_dlpack to_dlpack", "utils.model_zoo": "load_url", "utils.hooks": "RemovableHandle",
                    "nn.utils.weight_norm": "weight_norm remove_weight_norm", "nn.utils.spectral_norm": "spectral_norm",
                    "nn.utils.clip_grad": "clip_grad_norm_", "nn.utils.rnn": "PackedSequence", "xpu": "is_available device_count synchronize",
                    "mps": "is_available device_count empty_cache", "nn.parallel.data_parallel": "DataParallel"}.items():
    module = importlib.import_module(f"{torch.__name__}.{path}")
    print(path, [name for name in names.split() if not hasattr(module, name)])
print(torch.nn.utils.weight_norm.__name__, torch.nn.utils.spectral_norm.__name__)

# --- devices that are not there
print(torch.xpu.is_available(), torch.xpu.device_count(), torch.mps.is_available(), torch.mps.device_count())
torch.xpu.manual_seed_all(1)
for call in (torch.mps.synchronize, torch.mps.empty_cache, torch.xpu.synchronize, torch.xpu.current_device):
    try:
        call()
    except Exception as error:
        print(type(error).__name__, error)

# --- arguments by their names
import warnings

layers = torch.nn.ModuleList([torch.nn.ReLU(), torch.nn.Tanh()])
shared = torch.nn.Sequential(layers[0], layers[0])
print(len(list(shared.modules())), len(list(shared.modules(remove_duplicate=False))), layers.pop(key=0), shared.pop(key=0))
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    print(torch.distributions.Normal(0.0, 1.0).sample_n(3).shape)
