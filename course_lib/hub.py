"""torch.hub: models and weights that lie on this machine.

Nothing is downloaded: weights are read from the folder into which PyTorch downloads them, and a model from a folder
that has a `hubconf.py`.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from urllib.parse import urlparse

from .serialization import load as _load_file

_state: dict[str, str | None] = {"folder": None}


def get_dir() -> str:
    """The folder of downloaded models: `hub` in $TORCH_HOME, which is ~/.cache/torch unless it is set.

    Source: https://docs.pytorch.org/docs/stable/hub.html#torch.hub.get_dir
    """
    if _state["folder"] is not None:
        return _state["folder"]
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    return os.path.join(os.path.expanduser(os.environ.get("TORCH_HOME", os.path.join(cache, "torch"))), "hub")


def set_dir(d) -> None:
    """Use another folder for downloaded models."""
    _state["folder"] = os.path.expanduser(d)


def load_state_dict_from_url(
    url: str, model_dir=None, map_location=None, progress: bool = True, check_hash: bool = False,
    file_name: str | None = None, weights_only: bool = True,
):  # fmt: skip
    """The state dict that was downloaded from `url` before, from `model_dir` (`checkpoints` in the hub's folder).

    FileNotFoundError, saying what to put where, for a file that is not there. Unlike in PyTorch, `weights_only` is True
    unless it is given.

    Source: https://docs.pytorch.org/docs/stable/hub.html#torch.hub.load_state_dict_from_url
    """
    folder = os.path.join(get_dir(), "checkpoints") if model_dir is None else os.fspath(model_dir)
    path = os.path.join(folder, file_name or os.path.basename(urlparse(url).path))
    if not os.path.exists(path):
        raise FileNotFoundError(_advice(url, path))
    return _load_file(path, map_location=map_location, weights_only=weights_only)


def download_url_to_file(url: str, dst, hash_prefix: str | None = None, progress: bool = True) -> None:
    """FileNotFoundError, unless the file is there already: this library downloads nothing."""
    if not os.path.exists(dst):
        raise FileNotFoundError(_advice(url, os.fspath(dst)))


def _advice(url: str, path: str) -> str:
    return f"course_lib downloads nothing by itself: get {url} with a browser and save it as {path}"


# ---- models of a folder ------------------------------------------------------------------------------------------


def load(repo_or_dir, model: str, *args, source: str = "github", trust_repo="check", force_reload: bool = False,
         verbose: bool = True, skip_validation: bool = False, **kwargs):  # fmt: skip
    """What the function `model` of a folder's `hubconf.py` returns, for `source="local"`. It runs the folder's code.

    Source: https://docs.pytorch.org/docs/stable/hub.html#torch.hub.load
    """
    return _entry(_hubconf(repo_or_dir, source), model)(*args, **kwargs)


def list(github, force_reload: bool = False, skip_validation: bool = False, trust_repo=None, verbose: bool = True,
         source: str = "local"):  # fmt: skip
    """The names of the models that a local folder's `hubconf.py` has."""
    module = _hubconf(github, source)
    return [name for name in dir(module) if callable(getattr(module, name)) and not name.startswith("_")]


def help(github, model: str, force_reload: bool = False, skip_validation: bool = False, trust_repo=None,
         source: str = "local"):  # fmt: skip
    """What a local folder's `hubconf.py` says of a model."""
    return _entry(_hubconf(github, source), model).__doc__


def _hubconf(folder, source: str):
    """The module `hubconf.py` of a folder."""
    if source not in ("github", "local"):
        raise ValueError(f'Unknown source: "{source}". Allowed values: "github" | "local".')
    if source == "github":
        raise RuntimeError(
            f"course_lib downloads nothing by itself: get https://github.com/{folder} with git or a browser, and load "
            'it from its folder with source="local"'
        )
    folder = os.fspath(folder)
    description = importlib.util.spec_from_file_location("hubconf", os.path.join(folder, "hubconf.py"))
    module = importlib.util.module_from_spec(description)
    sys.path.insert(0, folder)  # hubconf.py imports what lies beside it
    try:
        description.loader.exec_module(module)
    finally:
        sys.path.remove(folder)
    return module


def _entry(module, name: str):
    if not isinstance(name, str):
        raise ValueError("Invalid input: model should be a string of function name")
    found = getattr(module, name, None)
    if not callable(found):
        raise RuntimeError(f"Cannot find callable {name} in hubconf")
    return found


__all__ = ["download_url_to_file", "get_dir", "help", "list", "load", "load_state_dict_from_url", "set_dir"]
