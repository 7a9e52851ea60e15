"""The spellings of `torch.cuda.amp` and `torch.cpu.amp`: `torch.amp` for one kind of device, with a warning."""

from __future__ import annotations

import warnings

from . import autocast_mode, grad_scaler


def _warn(old: str, new: str) -> None:
    warnings.warn(f"`torch.{old}` is deprecated. Please use `torch.amp.{new}` instead.", FutureWarning, stacklevel=3)


def spellings(kind: str, lower) -> dict[str, object]:
    """`autocast`, `GradScaler`, `custom_fwd` and `custom_bwd` for a kind of device; lower: autocast's default dtype."""

    class autocast(autocast_mode.autocast):
        """An older spelling of `torch.amp.autocast` for one kind of device."""

        def __init__(self, enabled: bool = True, dtype=lower, cache_enabled: bool = True):
            _warn(f"{kind}.amp.autocast(args...)", f"autocast('{kind}', args...)")
            super().__init__(kind, dtype, enabled, cache_enabled)

    class GradScaler(grad_scaler.GradScaler):
        """An older spelling of `torch.amp.GradScaler` for one kind of device."""

        def __init__(self, init_scale: float = 2.0**16, growth_factor: float = 2.0, backoff_factor: float = 0.5,
                     growth_interval: int = 2000, enabled: bool = True):  # fmt: skip
            _warn(f"{kind}.amp.GradScaler(args...)", f"GradScaler('{kind}', args...)")
            super().__init__(kind, init_scale, growth_factor, backoff_factor, growth_interval, enabled)

    def custom_fwd(fwd=None, *, cast_inputs=None):
        """An older spelling of `torch.amp.custom_fwd`."""
        _warn(f"{kind}.amp.custom_fwd(args...)", f"custom_fwd(args..., device_type='{kind}')")
        return autocast_mode.custom_fwd(fwd, device_type=kind, cast_inputs=cast_inputs)

    def custom_bwd(bwd):
        """An older spelling of `torch.amp.custom_bwd`."""
        _warn(f"{kind}.amp.custom_bwd(args...)", f"custom_bwd(args..., device_type='{kind}')")
        return autocast_mode.custom_bwd(bwd, device_type=kind)

    return {"autocast": autocast, "GradScaler": GradScaler, "custom_fwd": custom_fwd, "custom_bwd": custom_bwd}
