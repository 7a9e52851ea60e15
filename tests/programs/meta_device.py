# --- tensors without numbers
with torch.device("meta"):
    layer = torch.nn.Linear(3, 4)
print(layer.weight, layer.weight.device, layer.weight.is_meta, layer.weight.is_cpu)
t = torch.empty(2, 3, device="meta")
for made in (t, t + 1, t @ t.T, t.sum(), t.to(torch.float64), t[0], t.t(), t + torch.tensor(1.0), t > 0, torch.cat([t, t]),
             torch.zeros(2, device="meta").zero_().normal_(), torch.ones(2).to("meta"), torch.tensor([1, 2], device="meta"),
             torch.arange(3, device="meta"), torch.randn(3, device="meta"), t.copy_(torch.ones(2, 3)), t.view(6),
             torch.zeros_like(t), t.new_zeros(2), torch.softmax(t, -1), t.clone(), t.mean(0, keepdim=True)):
    print(made, made.stride())
x = torch.empty(4, 3, device="meta", requires_grad=True)
torch.nn.functional.linear(x, torch.empty(5, 3, device="meta")).sum().backward()
print(x.grad, torch.nn.Conv2d(3, 8, 3, device="meta")(torch.empty(2, 3, 9, 9, device="meta")).shape)
# --- what has no numbers cannot be read
layer, t = torch.nn.Linear(3, 4, device="meta"), torch.empty(2, 3, device="meta")
for made in (lambda: t.cpu(), lambda: t.sum().item(), lambda: t.tolist(), lambda: t.numpy(), lambda: t + torch.ones(3),
             lambda: bool(t.sum()), lambda: layer.to("cpu"), lambda: torch.ones(2, 3).copy_(t)):
    try:
        made()
    except (NotImplementedError, RuntimeError, TypeError) as error:
        print(type(error).__name__, error)
# --- a large model gets its memory later
with torch.device("meta"):
    block, recurrent = torch.nn.TransformerEncoderLayer(2048, 16, 8192), torch.nn.LSTM(1000, 4000)
print(sum(p.numel() for p in block.parameters()), all(p.is_meta for p in recurrent.parameters()))
small = torch.nn.Linear(3, 4, device="meta")
print(small.load_state_dict({"weight": torch.ones(4, 3), "bias": torch.zeros(4)}, assign=True))
print(small.weight.device, small(torch.ones(3)).tolist())
print(torch.nn.Linear(3, 4, device="meta").to_empty(device="cpu").weight.device)
torch.manual_seed(0)
torch.nn.Linear(5, 5, device="meta")
print(torch.rand(1))
