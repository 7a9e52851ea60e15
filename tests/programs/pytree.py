# --- trees are taken apart and built again
import collections
pytree = torch.utils._pytree

Point = collections.namedtuple("Point", "x y")
for tree in ({"b": [1, (2, 3)], "a": None}, 3, (1, 2), [], Point(1, [2]), collections.OrderedDict(a=1),
             collections.defaultdict(list, {"x": 1}), collections.deque([1, 2], maxlen=3)):
    leaves, spec = pytree.tree_flatten(tree)
    print(leaves, spec, spec.num_leaves, spec.num_nodes, spec.num_children, spec.is_leaf())
    print(pytree.tree_unflatten([leaf if leaf is None else [leaf] for leaf in leaves], spec))
print(pytree.tree_structure([1, 2]) == pytree.tree_structure([3, 4]), pytree.tree_structure([1]) == pytree.tree_structure((1,)))
# --- functions of trees
pytree = torch.utils._pytree

tree = {"a": [1, 2.5], "b": ("x", torch.ones(2))}
print(pytree.tree_map(lambda leaf: type(leaf).__name__, tree))
print(pytree.tree_map(lambda a, b: a + b, [1, (2, 3)], [10, (20, 30)]))
print(pytree.tree_map_only(int, lambda leaf: leaf + 1, tree), pytree.tree_map_only(torch.Tensor, torch.sum, tree))
print(pytree.tree_all(lambda leaf: leaf > 0, [1, (2, 0)]), pytree.tree_any(lambda leaf: leaf > 1, [1, (2, 0)]))
print(list(pytree.tree_iter([1, [2, (3,)]])), pytree.arg_tree_leaves(1, [2], key=3))
print(pytree.tree_leaves([(1, 2), [3]], is_leaf=lambda part: isinstance(part, tuple)))
for path, leaf in pytree.tree_leaves_with_path({"a": [1, (2, 3)]}):
    print(pytree.keystr(path), path[0], leaf, pytree.key_get({"a": [1, (2, 3)]}, path))
print(pytree.tree_map_with_path(lambda path, leaf: pytree.keystr(path), [1, {"k": 2}]))
# --- classes of one's own
pytree = torch.utils._pytree

class Pair:
    def __init__(self, first, second):
        self.first, self.second = first, second

    def __repr__(self):
        return f"Pair({self.first}, {self.second})"

print(pytree.tree_leaves(Pair(1, 2)))
pytree.register_pytree_node(Pair, lambda p: ([p.first, p.second], "context"), lambda children, context: Pair(*children))
print(pytree.tree_flatten([Pair(1, 2)]), pytree.tree_map(lambda leaf: leaf * 2, Pair(3, [4])))
try:
    pytree.register_pytree_node(Pair, None, None)
except ValueError as error:
    print(str(error).endswith("is already registered as pytree node."))
# --- shapes that disagree
pytree = torch.utils._pytree

spec = pytree.tree_structure({"a": 1, "b": [2]})
for made in (lambda: pytree.tree_unflatten([1], spec), lambda: pytree.tree_map(max, [1, 2], [1]),
             lambda: pytree.tree_map(max, [1], (1,)), lambda: pytree.tree_unflatten([1], 3)):
    try:
        made()
    except (ValueError, TypeError) as error:
        print(type(error).__name__, error)
