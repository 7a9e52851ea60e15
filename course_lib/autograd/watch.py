"""Who looks at every newly recorded node: anomaly mode, hooks on saved tensors, the guard of inference tensors.

Each is a function of the node, registered here under its place in the order. While there is none, recording pays one
comparison with None (`GRAD.on_record`).
"""

from __future__ import annotations

from .grad_mode import GRAD

INFERENCE, ANOMALY, SAVED_TENSORS = range(3)  # the order in which the watchers are called

_watchers: dict[int, object] = {}


def watch(place: int, watcher) -> None:
    """Show every node recorded from now on to `watcher` (None: no longer)."""
    if watcher is None:
        _watchers.pop(place, None)
    else:
        _watchers[place] = watcher
    GRAD.on_record = _show if _watchers else None


def _show(node) -> None:
    for place in sorted(_watchers):
        _watchers[place](node)


__all__ = ["ANOMALY", "INFERENCE", "SAVED_TENSORS", "watch"]
