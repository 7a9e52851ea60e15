# --- sparse tensors and their parts
i, v = torch.tensor([[0, 1, 1], [2, 0, 2]]), torch.tensor([3.0, 4.0, 5.0])
s = torch.sparse_coo_tensor(i, v, (2, 3))
print(s, s.to_dense(), s.shape, s.is_sparse, s.layout, s.is_coalesced(), s.dim(), s.sparse_dim(), s.dense_dim())
print(s._nnz(), s._indices(), s._values(), s.coalesce().indices(), s.coalesce().values(), s.dtype, s.device, s.numel())
u = torch.sparse_coo_tensor([[0, 0, 1], [1, 1, 0]], [1.0, 2.0, 3.0], (2, 2))
print(u, u.coalesce(), u.to_dense(), torch.is_tensor(u), v.is_sparse, v.layout)
x = torch.tensor([[0, 1.0, 0], [2, 0, 0]])
print(x.to_sparse(), x.to_sparse().is_coalesced(), x.to_sparse(1), x.sparse_mask(s), s.t(), s.unsqueeze(0).shape)
print(torch.sparse_coo_tensor((2, 3)), torch.sparse_coo_tensor(i, v).shape, torch.zeros_like(s)._nnz())
print(torch.sparse_coo_tensor(i, torch.ones(3, 2), (2, 3, 2)), torch.empty(2, 3, layout=torch.sparse_coo).shape)
print(torch.sparse_coo_tensor(i, v, requires_grad=True), s[0], s[0, 2], torch.stack([s, s]).shape, torch.cat([s, s]))
# --- sparse products
i, v = torch.tensor([[0, 1, 1], [2, 0, 2]]), torch.tensor([3.0, 4.0, 5.0])
s, d = torch.sparse_coo_tensor(i, v, (2, 3)), torch.arange(12.0).view(3, 4)
for made in (s @ d, torch.sparse.mm(s, d), torch.mm(s, d), torch.matmul(s, d), s.mm(d), s @ d[:, 0], torch.spmm(s, d),
             torch.sparse.addmm(torch.ones(2, 4), s, d), torch.mv(s, d[:, 0]), d.t() @ s.t(), torch.sparse.mm(s, s.t())):
    print(made)
w, b = v.clone().requires_grad_(), d.clone().requires_grad_()
A = torch.sparse_coo_tensor(i, w, (2, 3))
(torch.sparse.mm(A, b) ** 2).sum().backward()
print(w.grad, b.grad, A.requires_grad)
# --- sparse numbers
i, v = torch.tensor([[0, 1, 1], [2, 0, 2]]), torch.tensor([3.0, 4.0, 5.0])
s = torch.sparse_coo_tensor(i, v, (2, 3))
for made in (s + s, s * 2, s / 2, -s, s * s, torch.ones(2, 3) + s, s * torch.ones(2, 3), s.sum(), torch.sparse.sum(s),
             torch.sparse.sum(s, dim=0), torch.sparse.sum(s, [1]), s.double(), s.to(torch.int64), s.clone(), s.detach(),
             s.abs(), s.sqrt(), torch.relu(s), s.pow(2), s - s, s.norm(), torch.sparse.softmax(s, 1),
             torch.sparse.log_softmax(s, dim=1), s.index_select(0, torch.tensor([1])), s.coalesce() * 3):
    print(made)
# --- what sparse tensors refuse
i, v = torch.tensor([[0, 1, 1], [2, 0, 2]]), torch.tensor([3.0, 4.0, 5.0])
s = torch.sparse_coo_tensor(i, v, (2, 3))
for made in (lambda: s.indices(), lambda: s.values(), lambda: s + torch.ones(2, 3), lambda: s.numpy(), lambda: s.reshape(6),
             lambda: torch.sparse_coo_tensor(i, torch.ones(4)), lambda: torch.sparse_coo_tensor(i, v, (3,)),
             lambda: torch.exp(s), lambda: s.view(6), lambda: s.max()):
    try:
        made()
    except (RuntimeError, TypeError, NotImplementedError) as error:
        print(type(error).__name__, str(error).split(". ")[0])
# --- sparse copies and files
import copy
import io

s = torch.sparse_coo_tensor([[0, 1], [2, 0]], [3.0, 4.0], (2, 3))
file = io.BytesIO()
torch.save({"s": s}, file)
file.seek(0)
print(torch.load(file)["s"], copy.deepcopy(s), type(s).__name__ in ("Tensor", "SparseTensor"))
# --- a layer of a graph network
torch.manual_seed(0)
edges = torch.tensor([[0, 1, 1, 2, 3, 3], [1, 0, 2, 1, 0, 2]])
degree = torch.zeros(4).index_add(0, edges[0], torch.ones(6))
adjacency = torch.sparse_coo_tensor(edges, 1 / degree[edges[0]], (4, 4)).coalesce()
layer, features = torch.nn.Linear(3, 2), torch.randn(4, 3)
optimizer = torch.optim.SGD(layer.parameters(), 0.1)
for _ in range(3):
    optimizer.zero_grad()
    loss = torch.nn.functional.cross_entropy(torch.spmm(adjacency, layer(features)), torch.tensor([0, 1, 0, 1]))
    loss.backward()
    optimizer.step()
    print(round(loss.item(), 4))
