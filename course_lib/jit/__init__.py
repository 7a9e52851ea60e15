"""torch.jit: programs that run without the Python code they came from. See trace.py, script.py, archive.py."""

from .archive import load, save
from .deploy import fork, freeze, optimize_for_inference, optimized_execution, wait
from .encoding import ArchiveError
from .marks import (
    Attribute,
    Final,
    annotate,
    export,
    ignore,
    interface,
    is_scripting,
    script_if_tracing,
    script_method,
    unused,
)
from .modules import RecursiveScriptModule, ScriptFunction, ScriptModule, TopLevelTracedModule, TracedModule
from .script import script
from .subset import UnsupportedNodeError
from .trace import trace, trace_module
from .tracer import TracerWarning, is_tracing

Error = RuntimeError

__all__ = ["ArchiveError", "Attribute", "Error", "Final", "RecursiveScriptModule", "ScriptFunction", "ScriptModule",
           "TopLevelTracedModule", "TracedModule", "TracerWarning", "UnsupportedNodeError", "annotate", "export",
           "fork", "freeze", "ignore", "interface", "is_scripting", "is_tracing", "load", "optimize_for_inference",
           "optimized_execution", "save", "script", "script_if_tracing", "script_method", "trace", "trace_module",
           "unused", "wait"]  # fmt: skip
