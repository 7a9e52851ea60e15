"""torch.fx: programs as graphs that can be read, changed and run.

`symbolic_trace` calls a module with proxies (`proxy.py`); what it does with them becomes the nodes (`node.py`) of a
Graph (`graph.py`), and a GraphModule runs the graph as Python.

Source: https://docs.pytorch.org/docs/stable/fx.html; Reed et al. (2022), arXiv:2112.08429
"""

from ._symbolic_trace import Tracer, symbolic_trace, wrap
from .graph import Graph, PythonCode
from .graph_module import GraphModule
from .interpreter import Interpreter, Transformer
from .node import Node, map_arg
from .proxy import Proxy
from .subgraph_rewriter import replace_pattern

__all__ = ["Graph", "GraphModule", "Interpreter", "Node", "Proxy", "PythonCode", "Tracer", "Transformer", "map_arg",
           "replace_pattern", "symbolic_trace", "wrap"]  # fmt: skip
