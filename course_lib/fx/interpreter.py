"""Running a graph node by node, and making a new graph of it on the way."""

from __future__ import annotations

from ._symbolic_trace import Tracer
from .graph import Graph
from .graph_module import GraphModule
from .node import Node, map_arg
from .proxy import Proxy


class Interpreter:
    """Runs a GraphModule node by node; a subclass overrides what a kind of node does.

    >>> import course_lib as torch
    >>> class Counting(torch.fx.Interpreter):
    ...     def call_function(self, target, args, kwargs):
    ...         print(target.__name__)
    ...         return super().call_function(target, args, kwargs)
    >>> Counting(torch.fx.symbolic_trace(lambda x: torch.relu(x) + 1)).run(torch.ones(1))
    relu
    add
    tensor([2.])

    Source: https://docs.pytorch.org/docs/stable/fx.html#torch.fx.Interpreter
    """

    def __init__(self, module, garbage_collect_values: bool = True, graph: Graph | None = None):
        self.module, self.graph = module, module.graph if graph is None else graph
        self.env: dict[Node, object] = {}
        self.garbage_collect_values = garbage_collect_values

    def run(self, *args, initial_env=None, enable_io_processing: bool = True):
        """What the graph returns for these inputs."""
        self.env = dict(initial_env or {})
        self.args_iter = iter(args)
        left = {node: len(node.users) for node in self.graph.nodes}
        for node in self.graph.nodes:
            if node in self.env:
                continue
            try:
                self.env[node] = self.run_node(node)
            except Exception as error:
                error.add_note(f"While executing {node.format_node()}")
                raise
            if node.op == "output":
                return self.env[node]
            for used in node.all_input_nodes if self.garbage_collect_values else ():
                left[used] -= 1
                if not left[used]:
                    self.env.pop(used, None)
        return None

    def run_node(self, n: Node):
        """What one node computes."""
        args, kwargs = self.fetch_args_kwargs_from_env(n)
        return getattr(self, n.op)(n.target, args, kwargs)

    def fetch_args_kwargs_from_env(self, n: Node):
        """The values of a node's arguments."""
        return self.map_nodes_to_values(n.args, n), self.map_nodes_to_values(n.kwargs, n)

    def map_nodes_to_values(self, args, n: Node):
        """Arguments with values in place of nodes."""
        return map_arg(args, lambda node: self.env[node])

    def placeholder(self, target, args, kwargs):
        """The next input; of `*args` all that are left."""
        if target.startswith("*"):
            return list(self.args_iter)
        try:
            return next(self.args_iter)
        except StopIteration:
            if args:
                return args[0]
            raise RuntimeError(f"Expected positional argument for parameter {target}, but one was not passed in!") \
                from None  # fmt: skip

    def get_attr(self, target, args, kwargs):
        """What lies at a path of the module."""
        return self.fetch_attr(target)

    def call_function(self, target, args, kwargs):
        """The result of a function."""
        return target(*args, **kwargs)

    def call_method(self, target, args, kwargs):
        """The result of a method of the first argument."""
        return getattr(args[0], target)(*args[1:], **kwargs)

    def call_module(self, target, args, kwargs):
        """The result of a module inside."""
        return self.fetch_attr(target)(*args, **kwargs)

    def output(self, target, args, kwargs):
        """What the graph returns."""
        return args[0]

    def fetch_attr(self, target: str):
        """What lies at a path of the module. RuntimeError where there is nothing."""
        found = self.module
        for i, part in enumerate(target.split(".")):
            if not hasattr(found, part):
                raise RuntimeError(f"Node referenced nonexistent target {'.'.join(target.split('.')[: i + 1])}")
            found = getattr(found, part)
        return found


class Transformer(Interpreter):
    """Runs a GraphModule on proxies: what the overridden methods do is the new graph.

    Source: https://docs.pytorch.org/docs/stable/fx.html#torch.fx.Transformer
    """

    def __init__(self, module: GraphModule):
        super().__init__(module)
        self.new_graph = Graph()
        self.tracer = Tracer()
        self.tracer.graph, self.tracer.root = self.new_graph, module

    def placeholder(self, target, args, kwargs):
        return self.tracer.create_proxy("placeholder", target, args, kwargs)

    def get_attr(self, target, args, kwargs):
        return self.tracer.create_proxy("get_attr", target, args, kwargs)

    def call_function(self, target, args, kwargs):
        return self.tracer.create_proxy("call_function", target, args, kwargs)

    def call_module(self, target, args, kwargs):
        return self.tracer.create_proxy("call_module", target, args, kwargs)

    def transform(self) -> GraphModule:
        """The GraphModule of the new graph."""
        made = super().run()
        self.new_graph.output(map_proxies(made))
        return GraphModule(self.module, self.new_graph, type(self.module).__name__)


def map_proxies(value):
    """A value with nodes in place of proxies."""
    from .node import map_aggregate

    return map_aggregate(value, lambda part: part.node if isinstance(part, Proxy) else part)


__all__ = ["Interpreter", "Transformer"]
