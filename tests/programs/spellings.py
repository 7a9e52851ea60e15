"""Other spellings of arguments: NumPy's names, and the orders of old programs."""

# --- NumPy's names
x = torch.arange(6.0).view(2, 3)
print(x.mean(axis=0), x.std(axis=1), x.var(axis=0, keepdims=True), torch.max(x, axis=1), x.min(axis=0, keepdims=True))
print(x.argmax(axis=0), x.sum(axis=(0, 1), keepdims=True), x.prod(axis=0), torch.median(x, axis=1), x.softmax(axis=0))
print(torch.cat([x, x], axis=1).shape, torch.stack([x, x], axis=-1).shape, x.unsqueeze(axis=0).shape, x.flip(dims=(0,)))
print(x.cumsum(axis=1), x.sort(axis=1).values, x.topk(1, dim=0).values, torch.any(x > 3, axis=0), torch.all(x > 3, axis=1))
print(torch.norm(x, dim=1), torch.logsumexp(x, axis=0))
print(torch.index_select(x, axis=0, index=torch.tensor([1])), x.squeeze(axis=0).shape, torch.quantile(x, 0.5, axis=0))
print(torch.add(x1=x, x2=x), torch.amax(x, axis=0), torch.aminmax(x, axis=0), torch.roll(x, 1, 0), torch.unbind(x, axis=0))

# --- the factor second
import warnings

grad, square = torch.tensor([1.0, 2.0]), torch.tensor([4.0, 8.0])
p = torch.zeros(2)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    p.add_(-0.5, grad)
    p.mul_(0.5).add_(1 - 0.5, grad)
    p.sub_(2, grad)
    p.addcmul_(0.25, grad, square)
    p.addcdiv_(-1, grad, square.sqrt())
    print(p, p.add(2, 3), torch.add(p, 2, grad), torch.sub(p, 2, grad), p.addcmul(2, grad, grad), torch.addcdiv(p, 2, grad, grad))
for wrong in (lambda: p.add_(1, 2, 3), lambda: p.mul_(2, grad)):
    try:
        wrong()
    except TypeError:
        print("TypeError")

# --- arguments that are missing, or no tensors
x = torch.ones(2, 3)
for call in (lambda: x.transpose(), lambda: torch.softmax(), lambda: x.softmax(foo=1), lambda: torch.gather(x, 0), lambda: torch.unsqueeze(),
             lambda: torch.cumsum(x), lambda: x.roll(), lambda: x.index_select(0), lambda: torch.argmax([1, 2])):
    try:
        call()
    except TypeError as error:
        print(error)
