"""What tutorials and small research programs met when they were run on the library."""

# --- nodes are numbered by the signature that was called
x = torch.rand(2, 1, 3, requires_grad=True)
for y in (x.sum(), x.sum(1), x.sum((0, 1)), x.sum(dim=0, keepdim=True), x.mean(), x.mean(-1), x.mean((1, 2)), x.prod(), x.prod(2),
          x.squeeze(), x.squeeze(1), x.squeeze(0), x.squeeze((0, 1)),
          torch.cosine_similarity(x, x), x**2, x**x, x**0.5):
    print(y.grad_fn.name(), "grad_fn" in repr(y), repr(y).rpartition("<")[2])
print(x.mean(1).sum(1).grad_fn.next_functions)

# --- without recording, float and int of a tensor that requires a gradient warn of nothing
import warnings
x = torch.ones((), requires_grad=True)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    with torch.no_grad():
        print(float(x), int(x), complex(x), len(caught))
parameter = torch.nn.Parameter(torch.ones(2))
def closure():
    loss = (parameter ** 2).sum()
    parameter.grad = 2 * parameter.detach()
    return loss
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    torch.optim.LBFGS([parameter]).step(closure)
print(len(caught))

# --- broadcast_tensors gives back what has the common shape
a, b = torch.ones(2, 3, requires_grad=True), torch.ones(3)
first, second = torch.broadcast_tensors(a, b)
print(first is a, second is b, second.shape)
normal = torch.distributions.Normal(a, torch.ones(2, 3))
normal.log_prob(torch.zeros(2, 3)).sum().backward()
print(normal.loc is a, normal.loc.grad)

# --- what cannot become a number is named: the first in the list
for data in ([1, "a", None], [1, None, "a"], [1.5, {}, "a"], [[1, 2], [None, "a"]]):
    try:
        torch.tensor(data)
    except Exception as error:
        print(type(error).__name__, error)

# --- lists and NumPy arrays given to layers and losses
import numpy as np
nn = torch.nn
layers = nn.Linear(4, 2), nn.Embedding(3, 2), nn.LayerNorm(4), nn.Dropout(), nn.ReLU(), nn.LeakyReLU(), nn.ConvTranspose2d(1, 1, 1)
for layer in (*layers, lambda x: nn.CrossEntropyLoss()(x, torch.tensor([1])), lambda x: nn.CrossEntropyLoss()(torch.ones(1, 2), x),
              lambda x: nn.NLLLoss()(x, torch.tensor([1])), lambda x: nn.functional.nll_loss(torch.ones(1, 2), x), torch.exp):
    for given in ([1.0, 2.0], np.ones((1, 4), np.float32), None):
        try:
            print(layer(given))
        except TypeError as error:
            print(error)
try:
    torch.relu(torch.ones(1), 2)
except TypeError as error:
    print(error)

# --- clamp of a single number with both limits
for x in (torch.tensor(0.5), torch.tensor(5), torch.tensor([0.5])):
    print(x.clamp(-1, 0.25), x.clamp(min=1), x.clamp(max=0), torch.clip(x, torch.tensor(1), torch.tensor(2)))
    print(x.clone().float().clamp_(0, 0.125))

# --- ctc_loss has no second gradient
scores = torch.linspace(-1, 1, 18).view(6, 3).requires_grad_()
loss = torch.nn.functional.ctc_loss(scores.unsqueeze(1).log_softmax(2), torch.tensor([[1, 2]]), [6], [2])
(slope,) = torch.autograd.grad(loss, scores, create_graph=True)
print(slope.detach())
slope.pow(2).sum().backward()

# --- a hook after accumulation returns nothing
for returned in (None, torch.zeros(2), (1, 2), 3):
    parameter = torch.nn.Parameter(torch.ones(2))
    parameter.register_post_accumulate_grad_hook(lambda p: returned)
    try:
        (parameter * 2).sum().backward()
        print(parameter.grad)
    except (RuntimeError, TypeError) as error:
        print(type(error).__name__, error)
