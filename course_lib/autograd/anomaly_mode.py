"""torch.autograd.detect_anomaly: find the operation whose backward fails or makes a NaN.

While the mode is on, every recorded node keeps the traceback of the call that made it. When the node's backward raises
or returns NaN, that traceback is printed as a warning.
"""

from __future__ import annotations

import traceback
import warnings
from pathlib import Path

from .watch import ANOMALY as PLACE
from .watch import watch

LIBRARY = str(Path(__file__).parents[1])


class _Anomaly:
    __slots__ = ("enabled", "check_nan", "running")


ANOMALY = _Anomaly()
ANOMALY.enabled, ANOMALY.check_nan, ANOMALY.running = False, True, None


def is_anomaly_enabled() -> bool:
    return ANOMALY.enabled


def is_anomaly_check_nan_enabled() -> bool:
    return ANOMALY.check_nan


def _set(enabled: bool, check_nan: bool) -> None:
    ANOMALY.enabled, ANOMALY.check_nan = enabled, check_nan
    watch(PLACE, _remember_call if enabled else None)


def _remember_call(node) -> None:
    """Keep where the user called the op, and the node whose backward did it, if one did."""
    frames = traceback.extract_stack()
    while frames and frames[-1].filename.startswith(LIBRARY):
        frames.pop()
    node.metadata["traceback_"] = traceback.format_list(frames)
    if ANOMALY.running is not None:
        node.metadata["parent_"] = ANOMALY.running


def check_results(node, results) -> None:
    """RuntimeError where a gradient that `node` has just computed holds a NaN."""
    if not ANOMALY.check_nan:
        return
    for index, grad in enumerate(results):
        if grad is not None and grad._array.dtype.kind in "fcV" and bool((grad != grad).any()):
            raise RuntimeError(f"Function '{node.name()}' returned nan values in its {index}th output.")


def explain(node) -> None:
    """Warn with the traceback of the call that made `node`, whose backward has just failed."""
    said = "Error detected in"
    seen = set()
    while node is not None and id(node) not in seen:
        seen.add(id(node))
        lines = node.metadata.get("traceback_")
        if lines is None:
            text = (
                f"{said} {node.name()}. No forward pass information available. Enable detect anomaly during forward "
                "pass for more information."
            )
        elif said.startswith("Error"):
            text = f"{said} {node.name()}. Traceback of forward call that caused the error:\n{''.join(lines)}"
        else:
            text = (
                f"\n\nPrevious calculation was induced by {node.name()}. Traceback of forward call that induced the "
                f"previous calculation:\n{''.join(lines)}"
            )
        warnings.warn(text, stacklevel=4)
        said, node = "Previous", node.metadata.get("parent_")


class set_detect_anomaly:
    """Switches anomaly detection on or off at once; as a context manager it is put back at the end of the block.

    Source: https://docs.pytorch.org/docs/stable/autograd.html#torch.autograd.set_detect_anomaly
    """

    def __init__(self, mode: bool, check_nan: bool = True):
        self.previous = ANOMALY.enabled, ANOMALY.check_nan
        _set(mode, check_nan)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception) -> None:
        _set(*self.previous)


class detect_anomaly:
    """Inside the block, a backward that makes a NaN raises, and the forward call of a failing backward is shown.

    >>> import course_lib as torch
    >>> x = torch.tensor(0., requires_grad=True)
    >>> with torch.autograd.detect_anomaly():
    ...     (x.sqrt() * 0).backward()
    Traceback (most recent call last):
    RuntimeError: Function 'SqrtBackward0' returned nan values in its 0th output.

    Source: https://docs.pytorch.org/docs/stable/autograd.html#torch.autograd.detect_anomaly
    """

    def __init__(self, check_nan: bool = True):
        self.check_nan = check_nan
        warnings.warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should only be enabled for "
            "debugging.",
            stacklevel=2,
        )

    def __enter__(self) -> None:
        self.previous = ANOMALY.enabled, ANOMALY.check_nan
        _set(True, self.check_nan)

    def __exit__(self, *exception) -> None:
        _set(*self.previous)


__all__ = ["detect_anomaly", "is_anomaly_check_nan_enabled", "is_anomaly_enabled", "set_detect_anomaly"]
