# --- a module as a graph
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear, self.scale = torch.nn.Linear(4, 5), torch.nn.Parameter(torch.rand(3, 4))
        self.layers = torch.nn.Sequential(torch.nn.ReLU(), torch.nn.Linear(5, 2))
        self.register_buffer("shift", torch.ones(2))

    def forward(self, x, y=None, *, flag=True):
        best = torch.topk(torch.sum(self.linear(x + self.scale).relu(), dim=-1), 3)[0]
        w = self.layers(self.linear(x))
        n, _ = x.size(0), x.shape[1]
        w = w.view(n, -1) + self.shift
        a, b = w.chunk(2, dim=1)
        return {"best": best, "rest": [-w, w @ w.t(), w[0, 1:], w > 1, torch.cat([a, b], 1), 1 / w, n]}

torch.manual_seed(0)
net = Net()
traced = torch.fx.symbolic_trace(net)
print(traced.graph)
print(traced.code)
print(traced)
x = torch.randn(3, 4)
print(torch.equal(net(x)["best"], traced(x)["best"]), torch.equal(net(x)["rest"][1], traced(x)["rest"][1]))
print(sorted(traced.state_dict()), type(traced).__name__, isinstance(traced, torch.fx.GraphModule))
for node in list(traced.graph.nodes)[:5]:
    print(node, node.op, node.target, node.args, node.kwargs, list(node.users), node.all_input_nodes, node.next, node.prev)
# --- what cannot be traced
class Branch(torch.nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x

def loop(x):
    for row in x:
        pass

for program in (Branch(), loop, lambda x: x * len(x), lambda x: int(x)):
    try:
        torch.fx.symbolic_trace(program)
    except Exception as error:
        print(type(error).__name__, error)
# --- functions, defaults and stars
print(torch.fx.symbolic_trace(lambda x, y=2: torch.relu(x) + y).code)
print(torch.fx.symbolic_trace(lambda *args, **kwargs: args[0] + kwargs["b"]).code)
print(torch.fx.symbolic_trace(lambda x, y: (x.T, [y.add(x, alpha=2), {"k": abs(x) ** 2}], x[..., None], x // 2 % 3)).code)
# --- graphs by hand
graph = torch.fx.Graph()
x = graph.placeholder("x")
r = graph.call_function(torch.relu, (x,))
out = graph.output(r)
print(graph)
try:
    graph.erase_node(r)
except RuntimeError as error:
    print(error)
with graph.inserting_after(r):
    n = graph.call_function(torch.neg, (r,))
r.replace_all_uses_with(n)
n.args = (r,)
graph.lint()
print(graph)
module = torch.fx.GraphModule(torch.nn.Module(), graph)
print(module(torch.tensor([-1.0, 2.0])), module.code)
with graph.inserting_before(out):
    extra = graph.call_method("exp", (n,))
print(len(graph.nodes), graph.eliminate_dead_code(), len(graph.nodes))
n.target = torch.abs
module.recompile()
print(module(torch.tensor([-1.0, 2.0])), [node.name for node in reversed(graph.nodes)])
# --- running and changing
class Steps(torch.fx.Interpreter):
    def run_node(self, node):
        made = super().run_node(node)
        print("ran", node.op, node.name)
        return made

class Sigmoids(torch.fx.Transformer):
    def call_function(self, target, args, kwargs):
        return torch.sigmoid(*args) if target is torch.relu else super().call_function(target, args, kwargs)

traced = torch.fx.symbolic_trace(lambda x: torch.relu(x).neg() + torch.relu(x * 2))
print(Steps(traced).run(torch.ones(1)))
print(Sigmoids(traced).transform().code)
print(len(torch.fx.replace_pattern(traced, lambda x: torch.relu(x), lambda x: torch.tanh(x) + 1)), traced.code)
# --- copies and files
import copy
import pickle

class Small(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = torch.nn.Linear(2, 2)

    def forward(self, x):
        return self.inner(x).tanh() * 2

traced = torch.fx.symbolic_trace(Small())
twin = copy.deepcopy(traced)
print(twin.code == traced.code, torch.equal(twin(torch.ones(2)), traced(torch.ones(2))), twin.inner is traced.inner)
again = pickle.loads(pickle.dumps(traced))
print(again.code == traced.code, torch.equal(again(torch.ones(2)), traced(torch.ones(2))))
print(traced.add_submodule("more.layer", torch.nn.ReLU()), [name for name, _ in traced.named_modules()])
traced.delete_all_unused_submodules()
print([name for name, _ in traced.named_modules()])
