"""torch._higher_order_ops: operations that take functions."""

from ..ops.control_flow import cond
from .associative_scan import associative_scan

__all__ = ["associative_scan", "cond"]
