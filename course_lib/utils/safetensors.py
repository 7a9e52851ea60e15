"""Files of the safetensors format, by the names of `safetensors.torch`: `load_file`, `save_file`, `safe_open`, …

The format is a header (names, dtypes, shapes, places) and then the numbers; nothing in it can run. The library
`safetensors` writes the files and checks their headers; the numbers of a file are mapped into memory and read when they
are used.
"""

from __future__ import annotations

import json
import os
import sys

import numpy as np

from .. import dtypes
from ..serialization.atomic import replacing_by_name
from ..storage import memory_of
from ..tensor import Tensor, wrap

_NAMES = {"BOOL": dtypes.bool, "U8": dtypes.uint8, "I8": dtypes.int8, "U16": dtypes.uint16, "I16": dtypes.int16,
          "U32": dtypes.uint32, "I32": dtypes.int32, "U64": dtypes.uint64, "I64": dtypes.int64, "F16": dtypes.float16,
          "BF16": dtypes.bfloat16, "F32": dtypes.float32, "F64": dtypes.float64, "C64": dtypes.complex64}  # fmt: skip


def _library():
    try:
        import safetensors
        import safetensors.numpy
    except ImportError:
        raise ImportError("files of this format need the library safetensors: pip install safetensors") from None
    return safetensors


# ---- writing -----------------------------------------------------------------------------------------------------


def save_file(tensors: dict[str, Tensor], filename, metadata: dict[str, str] | None = None) -> None:
    """Write named tensors to a file, which is replaced in one step; `metadata`: texts to keep with them.

    ValueError for tensors with gaps in memory, RuntimeError for tensors that share memory.

    >>> import tempfile, os
    >>> import course_lib as torch
    >>> from course_lib.utils.safetensors import load_file, save_file
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.safetensors")
    ...     save_file({"weight": torch.ones(2)}, path)
    ...     print({name: tensor.clone() for name, tensor in load_file(path).items()})
    {'weight': tensor([1., 1.])}

    Source: https://huggingface.co/docs/safetensors/api/torch
    """
    library, arrays = _library(), _arrays(tensors)
    with replacing_by_name(filename) as temporary:
        library.numpy.save_file(arrays, temporary, metadata=metadata)


def save(tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> bytes:
    """The bytes that `save_file` would write."""
    return _library().numpy.save(_arrays(tensors), metadata=metadata)


def save_model(model, filename, metadata: dict[str, str] | None = None, force_contiguous: bool = True) -> None:
    """Write a model's state; of names that share memory one is written, and the others are noted in the metadata."""
    state, notes = model.state_dict(), dict(metadata or {})
    for names in _sharing(state):
        kept, *others = sorted(names, key=lambda name: (-state[name].numel(), name))
        for name in others:
            if not _is_the_same(state[name], state[kept]):
                raise RuntimeError(f"{name} and {kept} share memory, but are not the same tensor: save clones of them")
            notes[name] = kept
            del state[name]
    if force_contiguous:
        state = {name: tensor.contiguous() for name, tensor in state.items()}
    save_file(state, filename, notes or None)


def _arrays(tensors: dict[str, Tensor]) -> dict[str, np.ndarray]:
    if not isinstance(tensors, dict):
        raise ValueError(f"Expected a dict of [str, torch.Tensor] but received {type(tensors)}")
    for name, tensor in tensors.items():
        if not isinstance(tensor, Tensor):
            raise ValueError(f"Key `{name}` is invalid, expected torch.Tensor but received {type(tensor)}")
    sharing = _sharing(tensors)
    if sharing:
        raise RuntimeError(
            "\n            Some tensors share memory, this will lead to duplicate memory on disk and potential "
            f"differences when loading them again: {sharing}.\n            A potential way to correctly save your "
            "model is to use `save_model`.\n            More information at "
            "https://huggingface.co/docs/safetensors/torch_shared_tensors\n            "
        )
    for name, tensor in tensors.items():
        if not tensor.is_contiguous():
            raise ValueError(
                f"You are trying to save a non contiguous tensor: `{name}` which is not allowed. It either means you "
                "are trying to save tensors which are reference of each other in which case it's recommended to save "
                "only the full tensors, and reslice at load time, or simply call `.contiguous()` on your tensor to "
                "pack it before saving."
            )
    return {name: tensor.detach().cpu()._array for name, tensor in tensors.items()}


def _sharing(tensors: dict[str, Tensor]) -> list[set[str]]:
    """The groups of names whose tensors overlap in memory."""
    places = sorted((_place(tensor), name) for name, tensor in tensors.items() if tensor.numel())
    groups, end = [], None
    for (start, stop), name in places:
        if end is not None and start < end:
            groups[-1].add(name)
        else:
            groups.append({name})
        end = stop if end is None else max(end, stop)
    return [group for group in groups if len(group) > 1]


def _place(tensor: Tensor) -> tuple[int, int]:
    return tensor.data_ptr(), tensor.data_ptr() + memory_of(tensor._array).nbytes


def _is_the_same(a: Tensor, b: Tensor) -> bool:
    return (_place(a), a.dtype, a.shape, a.stride()) == (_place(b), b.dtype, b.shape, b.stride())


# ---- reading -----------------------------------------------------------------------------------------------------


def load_file(filename, device="cpu") -> dict[str, Tensor]:
    """The tensors of a file by their names.

    Source: https://huggingface.co/docs/safetensors/api/torch
    """
    with safe_open(filename, device=device) as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def load(data: bytes) -> dict[str, Tensor]:
    """The tensors in the bytes of a file."""
    return {name: _tensor(np.frombuffer(found["data"], np.uint8), found["dtype"], found["shape"])
            for name, found in _library().deserialize(data)}  # fmt: skip


def load_model(model, filename, strict: bool = True, device="cpu") -> tuple[set[str], list[str]]:
    """Load what `save_model` wrote into a model; (missing, unexpected) names, which `strict` does not allow."""
    missing, unexpected = model.load_state_dict(load_file(filename, device), strict=False)
    missing = set(missing)
    for names in _sharing(model.state_dict()):
        if not names <= missing:
            missing -= names
    if strict and (missing or unexpected):
        lines = [f"Error(s) in loading state_dict for {type(model).__name__}:"]
        for kind, names in (("Missing", missing), ("Unexpected", unexpected)):
            if names:
                listed = ", ".join(f'"{name}"' for name in sorted(names))
                lines.append(f"    {kind} key(s) in state_dict: {listed}")
        raise RuntimeError("\n".join(lines))
    return missing, unexpected


class safe_open:
    """An open file: `keys()`, `metadata()`, `get_tensor(name)` and `get_slice(name)[…]`, also as a `with` block.

    Source: https://huggingface.co/docs/safetensors/api/torch
    """

    def __init__(self, filename, framework: str = "pt", device="cpu"):
        if framework not in ("pt", "torch", "pytorch"):
            raise ValueError(f"framework must be 'pt', but got {framework!r}")
        self._checked = _library().safe_open(os.fspath(filename), framework="np")  # refuses a damaged header
        self._device = device
        self._bytes = _content(filename)
        length = int.from_bytes(self._bytes[:8].tobytes(), "little")
        self._header = json.loads(self._bytes[8 : 8 + length].tobytes())
        self._start = 8 + length

    def __enter__(self) -> safe_open:
        return self

    def __exit__(self, *exception) -> None:
        """Nothing has to be closed: the mapping lives as long as its tensors."""

    def keys(self) -> list[str]:
        """The names of the tensors, sorted."""
        return sorted(self._checked.keys())

    def offset_keys(self) -> list[str]:
        """The names in the order in which the tensors lie in the file."""
        return sorted(self._checked.keys(), key=lambda name: self._header[name]["data_offsets"])

    def metadata(self) -> dict[str, str] | None:
        """The texts that were saved with the tensors."""
        return self._checked.metadata()

    def get_tensor(self, name: str) -> Tensor:
        """A tensor by its name."""
        if name not in self._header or name == "__metadata__":
            raise _library().SafetensorError(f"File does not contain tensor {name}")
        found = self._header[name]
        first, last = found["data_offsets"]
        content = self._bytes[self._start + first : self._start + last]
        return _tensor(content, found["dtype"], found["shape"]).to(self._device)

    def get_slice(self, name: str) -> _Slice:
        """A tensor of which only a part is going to be read: `get_slice(name)[2:5]`."""
        return _Slice(self.get_tensor(name), self._header[name])


def _content(filename) -> np.ndarray:
    """The bytes of a file, mapped into memory; read on Windows, where a mapped file could not be replaced."""
    if sys.platform == "win32":
        return np.fromfile(filename, np.uint8)
    return np.memmap(filename, np.uint8, "c").view(np.ndarray)


class _Slice:
    def __init__(self, tensor: Tensor, found: dict):
        self._tensor, self._found = tensor, found

    def get_shape(self) -> list[int]:
        return list(self._found["shape"])

    def get_dtype(self) -> str:
        return self._found["dtype"]

    def __getitem__(self, index) -> Tensor:
        return self._tensor[index]


def _tensor(content: np.ndarray, name: str, shape) -> Tensor:
    """A tensor around bytes of a file."""
    if name not in _NAMES:
        raise TypeError(f"course_lib has no dtype for '{name}'")
    elements = content.view(_NAMES[name].numpy)
    return wrap((elements if elements.flags.aligned else elements.copy()).reshape(shape))


__all__ = ["load", "load_file", "load_model", "safe_open", "save", "save_file", "save_model"]
