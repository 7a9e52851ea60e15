"""One line each: making, indexing, arithmetic, dtypes, shapes, and the texts of mistakes. Each line runs on its own."""

# --- torch.tensor([[1, 2, 3], [4, 5]])
print(torch.tensor([[1, 2, 3], [4, 5]]))  # fmt: skip

# --- torch.arange(3)[::-1]
print(torch.arange(3)[::-1])  # fmt: skip

# --- torch.arange(3)[3]
print(torch.arange(3)[3])  # fmt: skip

# --- torch.arange(12).reshape(3,4).T.view(12)
print(torch.arange(12).reshape(3,4).T.view(12))  # fmt: skip

# --- torch.arange(6).view(4, 2)
print(torch.arange(6).view(4, 2))  # fmt: skip

# --- torch.tensor([1, 2]).__iadd__(0.5)
print(torch.tensor([1, 2]).__iadd__(0.5))  # fmt: skip

# --- torch.arange(3, dtype=torch.uint8).mean()
print(torch.arange(3, dtype=torch.uint8).mean())  # fmt: skip

# --- bool(torch.tensor([1, 2]) > 1)
print(bool(torch.tensor([1, 2]) > 1))  # fmt: skip

# --- torch.cat([torch.ones(2,3), torch.ones(2,4)])
print(torch.cat([torch.ones(2,3), torch.ones(2,4)]))  # fmt: skip

# --- torch.ones(2,3) @ torch.ones(2,3)
print(torch.ones(2,3) @ torch.ones(2,3))  # fmt: skip

# --- torch.dot(torch.ones(2,2), torch.ones(2,2))
print(torch.dot(torch.ones(2,2), torch.ones(2,2)))  # fmt: skip

# --- torch.tensor([1,2,3]).item()
print(torch.tensor([1,2,3]).item())  # fmt: skip

# --- torch.tensor([10, 250], dtype=torch.uint8) + 10
print(torch.tensor([10, 250], dtype=torch.uint8) + 10)  # fmt: skip

# --- torch.tensor([10, 250], dtype=torch.uint8) + 300
print(torch.tensor([10, 250], dtype=torch.uint8) + 300)  # fmt: skip

# --- torch.tensor([10, 250], dtype=torch.uint8) + -20
print(torch.tensor([10, 250], dtype=torch.uint8) + -20)  # fmt: skip

# --- torch.tensor([300]).to(torch.uint8)
print(torch.tensor([300]).to(torch.uint8))  # fmt: skip

# --- torch.arange(24,dtype=torch.uint8).reshape(1,2,4,3).permute(0,3,1,2...
print(torch.arange(24,dtype=torch.uint8).reshape(1,2,4,3).permute(0,3,1,2).to(torch.float32).stride())  # fmt: skip

# --- (torch.arange(24.).reshape(1,2,4,3).permute(0,3,1,2)/255).stride()
print((torch.arange(24.).reshape(1,2,4,3).permute(0,3,1,2)/255).stride())  # fmt: skip

# --- torch.ones(2,3)+torch.ones(2)
print(torch.ones(2,3)+torch.ones(2))  # fmt: skip

# --- torch.ones(2,3).sum(0), torch.ones(2,3).sum(1,keepdim=True), torch....
for value in (torch.ones(2,3).sum(0), torch.ones(2,3).sum(1,keepdim=True), torch.ones(2,3).sum(axis=1), torch.ones(2,3).mean((0,1)),):  # fmt: skip
    print(value)

# --- torch.arange(10)[2:8:3], torch.arange(10)[-3:], torch.arange(12).re...
print(torch.arange(10)[2:8:3], torch.arange(10)[-3:], torch.arange(12).reshape(3,4)[:,None,1].shape)  # fmt: skip

# --- torch.arange(12).reshape(3,4)[[0,2],[1,3]], torch.arange(12).reshap...
for value in (torch.arange(12).reshape(3,4)[[0,2],[1,3]], torch.arange(12).reshape(3,4)[1:,[0,2]], torch.arange(12).reshape(3,4)[..., torch.tensor([1,1])],):  # fmt: skip
    print(value)

# --- torch.arange(24).reshape(2,3,4)[0,:,[0,1]].shape, torch.arange(24)....
for value in (torch.arange(24).reshape(2,3,4)[0,:,[0,1]].shape, torch.arange(24).reshape(2,3,4)[:,[0,1],:].shape, torch.arange(24).reshape(2,3,4)[[0,1],:,[0,1]].shape,):  # fmt: skip
    print(value)

# --- torch.arange(12).reshape(3,4)[torch.arange(12).reshape(3,4)%2==0]
print(torch.arange(12).reshape(3,4)[torch.arange(12).reshape(3,4)%2==0])  # fmt: skip

# --- torch.tensor(1.5)*torch.tensor([1,2]), torch.tensor([1,2])*1.5, tor...
for value in (torch.tensor(1.5)*torch.tensor([1,2]), torch.tensor([1,2])*1.5, torch.tensor([1.,2.],dtype=torch.float64)*torch.tensor(2.), torch.tensor([1,2])/2, 7//torch.tensor([2,3]), -7//torch.tensor([2,3]), torch.tensor([-7,7])%3,):  # fmt: skip
    print(value)

# --- 2-torch.tensor([1,2]), 2/torch.tensor([1.,4.]), 2**torch.tensor([1,...
for value in (2-torch.tensor([1,2]), 2/torch.tensor([1.,4.]), 2**torch.tensor([1,2,3]), torch.tensor([1.,2.])**-1, torch.tensor([1,2])**2,):  # fmt: skip
    print(value)

# --- torch.tensor(True)+True, torch.tensor([True])+1, torch.tensor([1],d...
for value in (torch.tensor(True)+True, torch.tensor([True])+1, torch.tensor([1],dtype=torch.int8)+torch.tensor([1],dtype=torch.uint8),):  # fmt: skip
    print(value)

# --- torch.tensor([1,2]) == None, torch.tensor([1,2]) != "a"
print(torch.tensor([1,2]) == None, torch.tensor([1,2]) != "a")  # fmt: skip

# --- torch.zeros(2,3).T.unsqueeze(1).stride(), torch.zeros(2,3)[None].st...
for value in (torch.zeros(2,3).T.unsqueeze(1).stride(), torch.zeros(2,3)[None].stride(), torch.zeros(2,3).expand(4,2,3).stride(), torch.zeros(2,1,3).squeeze().stride(), torch.zeros(3,1)[:,0:1].stride(),):  # fmt: skip
    print(value)

# --- torch.arange(6).reshape(2,3)[1].storage_offset(), torch.arange(6).r...
for value in (torch.arange(6).reshape(2,3)[1].storage_offset(), torch.arange(6).reshape(2,3)[:,1:].storage_offset(), torch.arange(6)[2:].is_contiguous(),):  # fmt: skip
    print(value)

# --- torch.linspace(0,1,7), torch.arange(0,1,0.1), torch.arange(5,0,-2),...
for value in (torch.linspace(0,1,7), torch.arange(0,1,0.1), torch.arange(5,0,-2), torch.eye(2,3), torch.full((2,2),7), torch.full((2,),1.5), torch.zeros(2,dtype=torch.bool),):  # fmt: skip
    print(value)

# --- torch.tensor([[1.,2.],[3.,4.]]).max(dim=1)
print(torch.tensor([[1.,2.],[3.,4.]]).max(dim=1))  # fmt: skip

# --- torch.tensor([3,1,2]).sort(), torch.tensor([3,1,2]).argsort(descend...
for value in (torch.tensor([3,1,2]).sort(), torch.tensor([3,1,2]).argsort(descending=True), torch.tensor([3,1,2]).topk(2),):  # fmt: skip
    print(value)

# --- torch.stack([torch.tensor([1,2]),torch.tensor([3,4])],dim=1), torch...
for value in (torch.stack([torch.tensor([1,2]),torch.tensor([3,4])],dim=1), torch.cat([torch.tensor([1,2]),torch.tensor([3.])]),):  # fmt: skip
    print(value)

# --- torch.where(torch.tensor([True,False]),torch.tensor([1.,2.]),0), to...
for value in (torch.where(torch.tensor([True,False]),torch.tensor([1.,2.]),0), torch.where(torch.tensor([True,False])),):  # fmt: skip
    print(value)

# --- torch.iinfo(torch.uint8), torch.finfo(torch.float32), torch.finfo(t...
for value in (torch.iinfo(torch.uint8), torch.finfo(torch.float32), torch.finfo(torch.bfloat16), torch.iinfo(torch.int64).max,):  # fmt: skip
    print(value)

# --- torch.promote_types(torch.int32,torch.uint8), torch.result_type(tor...
for value in (torch.promote_types(torch.int32,torch.uint8), torch.result_type(torch.tensor([1]),1.0), torch.result_type(torch.tensor([1.]),torch.tensor(1.,dtype=torch.float64)),):  # fmt: skip
    print(value)

# --- torch.tensor([1.5,2.5,-0.5]).round(), torch.tensor([1.7,-1.7]).int(...
for value in (torch.tensor([1.5,2.5,-0.5]).round(), torch.tensor([1.7,-1.7]).int(), torch.tensor([1.7,-1.7]).long(), torch.tensor([0.,1.,2.]).bool(), torch.tensor([1.5]).to(torch.bfloat16),):  # fmt: skip
    print(value)

# --- len(torch.zeros(3,2)), torch.zeros(3,2).numel(), torch.zeros(3,2).s...
for value in (len(torch.zeros(3,2)), torch.zeros(3,2).numel(), torch.zeros(3,2).size(-1), torch.zeros(3,2).shape, torch.zeros(3,2).nbytes, torch.zeros(2).element_size(),):  # fmt: skip
    print(value)

# --- torch.zeros(3,2).size(2)
print(torch.zeros(3,2).size(2))  # fmt: skip

# --- torch.zeros(3).permute(1,0)
print(torch.zeros(3).permute(1,0))  # fmt: skip

# --- torch.zeros(2,3).transpose(0,2)
print(torch.zeros(2,3).transpose(0,2))  # fmt: skip

# --- torch.zeros(2,3).squeeze(5)
print(torch.zeros(2,3).squeeze(5))  # fmt: skip

# --- torch.ones(2,3).sum(dim=2)
print(torch.ones(2,3).sum(dim=2))  # fmt: skip

# --- torch.tensor([1.,2.]) @ torch.tensor([1.,2.,3.])
print(torch.tensor([1.,2.]) @ torch.tensor([1.,2.,3.]))  # fmt: skip

# --- torch.zeros(2,3).expand(3,3)
print(torch.zeros(2,3).expand(3,3))  # fmt: skip

# --- torch.zeros(2).requires_grad_().numpy()
print(torch.zeros(2).requires_grad_().numpy())  # fmt: skip

# --- torch.tensor([1,2]).requires_grad_()
print(torch.tensor([1,2]).requires_grad_())  # fmt: skip

# --- torch.tensor([1,2],requires_grad=True)
print(torch.tensor([1,2],requires_grad=True))  # fmt: skip

# --- torch.arange(6).float().requires_grad_().add_(1)
print(torch.arange(6).float().requires_grad_().add_(1))  # fmt: skip

# --- torch.zeros(2,3)[0,0,0]
print(torch.zeros(2,3)[0,0,0])  # fmt: skip

# --- torch.zeros(2,3)["a"]
print(torch.zeros(2,3)["a"])  # fmt: skip

# --- torch.tensor(3)[0]
print(torch.tensor(3)[0])  # fmt: skip

# --- torch.zeros(2,3)[torch.tensor([True,False,True])]
print(torch.zeros(2,3)[torch.tensor([True,False,True])])  # fmt: skip

# --- torch.zeros(3)[torch.tensor([0.5])]
print(torch.zeros(3)[torch.tensor([0.5])])  # fmt: skip

# --- torch.zeros(3)[[0,5]]
print(torch.zeros(3)[[0,5]])  # fmt: skip

# --- torch.zeros(2,3) + "a"
print(torch.zeros(2,3) + "a")  # fmt: skip

# --- torch.zeros(2,3).reshape(4,-1)
print(torch.zeros(2,3).reshape(4,-1))  # fmt: skip

# --- torch.zeros(2,3).view(-1,-1)
print(torch.zeros(2,3).view(-1,-1))  # fmt: skip

# --- torch.zeros(0,3).sum(), torch.zeros(0,3).sum(0), torch.zeros(0,3), ...
print(torch.zeros(0,3).sum(), torch.zeros(0,3).sum(0), torch.zeros(0,3), torch.zeros(0).mean())  # fmt: skip

# --- torch.zeros(0).max()
print(torch.zeros(0).max())  # fmt: skip

# --- torch.tensor([1,2,3],dtype=torch.float16).sum(), torch.tensor([1,2,...
for value in (torch.tensor([1,2,3],dtype=torch.float16).sum(), torch.tensor([1,2,3],dtype=torch.bfloat16)*2, torch.ones(2,2,dtype=torch.bfloat16)@torch.ones(2,2,dtype=torch.bfloat16),):  # fmt: skip
    print(value)

# --- torch.tensor([1,2]).float(), torch.tensor(2.).item(), torch.tensor(...
for value in (torch.tensor([1,2]).float(), torch.tensor(2.).item(), torch.tensor([[1]]).item(), torch.tensor([1,2]).tolist(), torch.tensor(3.5).tolist(),):  # fmt: skip
    print(value)

# --- torch.equal(torch.tensor([1,2]),torch.tensor([1,2])), torch.allclos...
for value in (torch.equal(torch.tensor([1,2]),torch.tensor([1,2])), torch.allclose(torch.tensor([1.]),torch.tensor([1.+1e-9])),):  # fmt: skip
    print(value)

# --- torch.tensor([1.,float('nan'),float('inf')]).isnan(), torch.tensor(...
for value in (torch.tensor([1.,float('nan'),float('inf')]).isnan(), torch.tensor([1.,0.])/0, torch.tensor([1,2])//0,):  # fmt: skip
    print(value)

# --- torch.tensor([1.,0.])//0, torch.tensor([5.])%0
print(torch.tensor([1.,0.])//0, torch.tensor([5.])%0)  # fmt: skip

# --- torch.tensor(5)%0
print(torch.tensor(5)%0)  # fmt: skip

# --- torch.ones(2,3,dtype=torch.int64)@torch.ones(3,2,dtype=torch.int64)
print(torch.ones(2,3,dtype=torch.int64)@torch.ones(3,2,dtype=torch.int64))  # fmt: skip

# --- torch.ones(2,3)@torch.ones(3,2,dtype=torch.int64)
print(torch.ones(2,3)@torch.ones(3,2,dtype=torch.int64))  # fmt: skip

# --- torch.tensor([1,2,3]).clamp(2), torch.tensor([1,2,3]).clamp(max=2),...
for value in (torch.tensor([1,2,3]).clamp(2), torch.tensor([1,2,3]).clamp(max=2), torch.tensor([1.,2.]).clamp_(1.5,3),):  # fmt: skip
    print(value)

# --- torch.zeros(2,2).fill_(3), torch.ones(2).zero_(), torch.zeros(3).co...
for value in (torch.zeros(2,2).fill_(3), torch.ones(2).zero_(), torch.zeros(3).copy_(torch.tensor([1,2,3])), torch.ones(3).mul_(2).div_(4).sub_(1).add_(5, alpha=2),):  # fmt: skip
    print(value)

# --- torch.tensor([1,2]).div_(2)
print(torch.tensor([1,2]).div_(2))  # fmt: skip

# --- torch.tensor([7,-7]).div(2,rounding_mode='floor'), torch.tensor([7....
for value in (torch.tensor([7,-7]).div(2,rounding_mode='floor'), torch.tensor([7.,-7.]).div(2,rounding_mode='trunc'), torch.tensor([7,-7]).div_(2,rounding_mode='floor'),):  # fmt: skip
    print(value)

# --- torch.zeros(3).copy_(torch.zeros(4))
print(torch.zeros(3).copy_(torch.zeros(4)))  # fmt: skip

# --- torch.ones(3).add_(torch.ones(2,3))
print(torch.ones(3).add_(torch.ones(2,3)))  # fmt: skip

# --- torch.tensor([True,False])&torch.tensor([True,True]), ~torch.tensor...
for value in (torch.tensor([True,False])&torch.tensor([True,True]), ~torch.tensor([True,False]), torch.tensor([5])^3, torch.tensor([1])<<3,):  # fmt: skip
    print(value)

# --- torch.tensor([1.])&torch.tensor([1.])
print(torch.tensor([1.])&torch.tensor([1.]))  # fmt: skip

# --- -torch.tensor([True])
print(-torch.tensor([True]))  # fmt: skip

# --- torch.tensor([True])-torch.tensor([True])
print(torch.tensor([True])-torch.tensor([True]))  # fmt: skip

# --- torch.arange(4).reshape(2,2).tril(), torch.arange(4).diag(), torch....
for value in (torch.arange(4).reshape(2,2).tril(), torch.arange(4).diag(), torch.arange(4).reshape(2,2).diagonal(), torch.arange(4).reshape(2,2).trace(), torch.arange(3).flip(0), torch.arange(3).roll(1),):  # fmt: skip
    print(value)

# --- torch.arange(6).reshape(2,3).repeat(2,1), torch.arange(3).repeat_in...
for value in (torch.arange(6).reshape(2,3).repeat(2,1), torch.arange(3).repeat_interleave(2), torch.arange(2).tile(2,2),):  # fmt: skip
    print(value)

# --- torch.arange(6).split(4), torch.arange(6).chunk(4), torch.arange(6)...
print(torch.arange(6).split(4), torch.arange(6).chunk(4), torch.arange(6).reshape(2,3).unbind(1))  # fmt: skip

# --- torch.meshgrid(torch.arange(2),torch.arange(3),indexing='ij')
print(torch.meshgrid(torch.arange(2),torch.arange(3),indexing='ij'))  # fmt: skip

# --- torch.tensor([[1.,2.],[3.,4.]]).std(), torch.tensor([[1.,2.],[3.,4....
for value in (torch.tensor([[1.,2.],[3.,4.]]).std(), torch.tensor([[1.,2.],[3.,4.]]).var(dim=0), torch.tensor([[1.,2.],[3.,4.]]).std(dim=1,keepdim=True), torch.tensor([1.]).std(),):  # fmt: skip
    print(value)

# --- torch.tensor([1,2,3]).cumsum(0), torch.tensor([1,2,3]).cumprod(0), ...
for value in (torch.tensor([1,2,3]).cumsum(0), torch.tensor([1,2,3]).cumprod(0), torch.tensor([1,2,3]).prod(), torch.tensor([[True,False]]).any(1), torch.tensor([[True,False]]).all(),):  # fmt: skip
    print(value)

# --- torch.tensor([1,2]).type(), torch.tensor([1.]).type(torch.int32), t...
for value in (torch.tensor([1,2]).type(), torch.tensor([1.]).type(torch.int32), torch.device('cuda:1'), torch.device('cpu'), torch.float32, str(torch.tensor(3.5)), f"{torch.tensor(3.14159):.2f}", repr(torch.Size([1,2])),):  # fmt: skip
    print(value)

# --- torch.device('foo')
print(torch.device('foo'))  # fmt: skip

# --- torch.zeros(-1)
print(torch.zeros(-1))  # fmt: skip

# --- torch.zeros(2, 'a')
print(torch.zeros(2, 'a'))  # fmt: skip

# --- torch.add(1, 2)
print(torch.add(1, 2))  # fmt: skip

# --- torch.Tensor([1,2]), torch.Tensor(2,0), torch.tensor(5), torch.tens...
for value in (torch.Tensor([1,2]), torch.Tensor(2,0), torch.tensor(5), torch.tensor([]), torch.tensor([[]]), torch.tensor(1j),):  # fmt: skip
    print(value)

# --- torch.tensor('a')
print(torch.tensor('a'))  # fmt: skip

# --- torch.tensor([1,'a'])
print(torch.tensor([1,'a']))  # fmt: skip

# --- torch.tensor([1, [2]])
print(torch.tensor([1, [2]]))  # fmt: skip

# --- torch.from_numpy([1])
print(torch.from_numpy([1]))  # fmt: skip

# --- torch.broadcast_shapes((2,1),(3,)), torch.broadcast_shapes((2,),(3,))
print(torch.broadcast_shapes((2,1),(3,)), torch.broadcast_shapes((2,),(3,)))  # fmt: skip

# --- torch.maximum(torch.tensor([1,2]),torch.tensor([2,1])), torch.tenso...
for value in (torch.maximum(torch.tensor([1,2]),torch.tensor([2,1])), torch.tensor([1,5]).max(), torch.tensor([1,5]).argmax(), torch.tensor([[1,5],[7,2]]).argmax(dim=0),):  # fmt: skip
    print(value)

# --- torch.ones(2,3).masked_fill(torch.tensor([True,False,True]),9), tor...
for value in (torch.ones(2,3).masked_fill(torch.tensor([True,False,True]),9), torch.arange(6).reshape(2,3).gather(1,torch.tensor([[0,1],[2,0]])), torch.zeros(2,3).scatter(1,torch.tensor([[0],[2]]),5.),):  # fmt: skip
    print(value)

# --- torch.zeros(3).index_add(0,torch.tensor([0,0,2]),torch.ones(3)), to...
for value in (torch.zeros(3).index_add(0,torch.tensor([0,0,2]),torch.ones(3)), torch.arange(6).reshape(2,3).index_select(1,torch.tensor([2,0])), torch.arange(6).take(torch.tensor([1,5])), torch.nonzero(torch.tensor([0,1,2])),):  # fmt: skip
    print(value)

# --- torch.mv(torch.ones(2,3),torch.ones(3)), torch.bmm(torch.ones(2,1,3...
for value in (torch.mv(torch.ones(2,3),torch.ones(3)), torch.bmm(torch.ones(2,1,3),torch.ones(2,3,1)), torch.ones(2,1,3,4).matmul(torch.ones(5,4,2)).shape, torch.outer(torch.arange(2),torch.arange(3)),):  # fmt: skip
    print(value)

# --- torch.mv(torch.ones(2,3),torch.ones(2))
print(torch.mv(torch.ones(2,3),torch.ones(2)))  # fmt: skip

# --- torch.bmm(torch.ones(2,1,3),torch.ones(2,2,1))
print(torch.bmm(torch.ones(2,1,3),torch.ones(2,2,1)))  # fmt: skip

# --- torch.exp(torch.tensor([0,1])), torch.tensor([4.]).sqrt(), torch.te...
for value in (torch.exp(torch.tensor([0,1])), torch.tensor([4.]).sqrt(), torch.tensor([-1.]).sqrt(), torch.tensor([0.]).log(), torch.sigmoid(torch.tensor([0.])), torch.tensor([1+2j]).abs(), torch.tensor([1+2j]).real,):  # fmt: skip
    print(value)

# --- torch.tensor(2.).pow(3), torch.pow(2,torch.tensor([1,2])) , torch.t...
print(torch.tensor(2.).pow(3), torch.pow(2,torch.tensor([1,2])) , torch.tensor([2])**-1)  # fmt: skip

# --- torch.tensor([3.,1.]).min(0).values, torch.tensor([1,2,2,3]).unique...
print(torch.tensor([3.,1.]).min(0).values, torch.tensor([1,2,2,3]).unique(return_counts=True))  # fmt: skip

# --- torch.arange(5.).unfold(0,2,1), torch.arange(6).as_strided((2,2),(1...
for value in (torch.arange(5.).unfold(0,2,1), torch.arange(6).as_strided((2,2),(1,2)), torch.arange(6).reshape(2,3).unflatten(1,(3,1)).shape, torch.zeros(2,3,4).flatten(1).shape, torch.zeros(2,3,4).movedim(0,2).shape,):  # fmt: skip
    print(value)

# --- torch.arange(3).view(torch.int32), torch.tensor([1.]).view(torch.in...
print(torch.arange(3).view(torch.int32), torch.tensor([1.]).view(torch.int32))  # fmt: skip

# --- torch.zeros(2,3).new_ones(2), torch.ones_like(torch.zeros(2,dtype=t...
for value in (torch.zeros(2,3).new_ones(2), torch.ones_like(torch.zeros(2,dtype=torch.int32)), torch.full_like(torch.zeros(2),3),):  # fmt: skip
    print(value)

# --- torch.full((2,),300,dtype=torch.uint8)
print(torch.full((2,),300,dtype=torch.uint8))  # fmt: skip

# --- torch.tensor([300],dtype=torch.uint8)
print(torch.tensor([300],dtype=torch.uint8))  # fmt: skip

# --- torch.tensor([2**70])
print(torch.tensor([2**70]))  # fmt: skip

# --- 3 in torch.arange(5), [int(i) for i in torch.arange(3)], list(torch...
for value in (3 in torch.arange(5), [int(i) for i in torch.arange(3)], list(torch.arange(2)), torch.arange(3).tolist(),):  # fmt: skip
    print(value)

# --- hash(torch.tensor(1))!=0, torch.is_tensor(torch.tensor(1)), torch.n...
for value in (hash(torch.tensor(1))!=0, torch.is_tensor(torch.tensor(1)), torch.numel(torch.zeros(2,2)), torch.tensor([1.]).is_floating_point(),):  # fmt: skip
    print(value)

# --- tensors like an expanded or permuted one
x = torch.ones(3).expand(4, 3)
print(torch.empty_like(x).stride(), torch.zeros_like(x).stride(), torch.ones_like(x.t()).stride(), x.clone().stride())
y = torch.zeros(2, 3, 4, 5).permute(0, 3, 1, 2)
print(torch.zeros_like(y).stride(), torch.empty_like(y, memory_format=torch.contiguous_format).stride())

# --- copies of tensors with gaps keep the order of the dimensions
x = torch.zeros(4, 6).t()[::2]
print(x.stride(), x.clone().stride(), torch.empty_like(x).stride(), x.double().stride(), (x + 1).stride())

# --- channels last
x = torch.arange(24).reshape(1, 2, 3, 4).to(memory_format=torch.channels_last)
print(x.stride(), x.is_contiguous(), x.is_contiguous(memory_format=torch.channels_last), x[0, 1, 2])
print((x + 1).stride(), x.contiguous().stride(), x.clone().stride())
torch.zeros(3).to(memory_format=torch.channels_last)

# --- index_add, scatter and masked_fill refuse what does not fit
I = torch.tensor
zeros = torch.zeros(3, 2)
for attempt in (
    lambda: zeros.index_add(0, I([0, 1]), torch.ones(2)), lambda: zeros.index_add(0, I([0, 1]), torch.ones(3, 2)), lambda: zeros.index_add(0, I([[0]]), torch.ones(1, 2)),
    lambda: zeros.index_add(0, I([0]), torch.ones(1, 1)), lambda: zeros.index_add(0, I([0, 7]), torch.ones(2, 2)), lambda: torch.zeros(3).index_add(0, I([0, 1]), I(1.0)),
    lambda: torch.zeros(3).index_add(0, I(1), torch.ones(1)), lambda: torch.zeros(()).index_add(0, I([0]), torch.ones(())), lambda: zeros.scatter_add(0, I([[0, 1]]), torch.ones(2)),
    lambda: zeros.scatter_add(0, I([0, 1]), torch.ones(2, 2)), lambda: zeros.scatter_add(0, I([[0, 1, 0]]), torch.ones(2, 3)), lambda: zeros.scatter_add(0, I([[0, 1]] * 3), torch.ones(2, 2)),
    lambda: zeros.scatter(0, I([[0, 1, 0]]), 2.0), lambda: zeros.scatter(0, I([[0, 1]] * 3), torch.ones(2, 2)), lambda: zeros.scatter_reduce(0, I([[0, 1]] * 2), torch.ones(1, 2), "sum"),
    lambda: torch.zeros(()).scatter_add(0, I([0, 0]), torch.ones(2)), lambda: torch.zeros(()).scatter(0, I([0]), torch.ones(1)), lambda: torch.zeros(3).scatter(0, I(1), torch.ones(())),
    lambda: torch.ones(2).masked_fill(I(True), 1j), lambda: torch.ones(2).long().masked_fill(I(True), 1.5), lambda: torch.ones(2).half().masked_fill(I(True), -1e9), lambda: torch.ones(2).bfloat16().masked_fill(I(True), -1e9),
    lambda: torch.ones(2, dtype=torch.uint8).masked_fill(I(True), 300), lambda: torch.ones(2).masked_fill(I(True), float("-inf")), lambda: torch.ones(2).long().masked_fill(I(True), I(1e30)),
    lambda: torch.full((1,), 1e40), lambda: torch.full((1,), 1e40, dtype=torch.float16), lambda: torch.full((1,), 2 + 0j, dtype=torch.int64), lambda: torch.empty(1, dtype=torch.bool).fill_(0.5),
    lambda: torch.isclose(zeros, zeros, rtol=-1.0), lambda: zeros.narrow(0, I(True), 1), lambda: zeros.narrow(0, I(1), 1), lambda: torch.bernoulli(torch.rand(6), out=torch.rand(1).expand(6)),
):
    try:
        print(attempt())
    except (RuntimeError, IndexError, TypeError) as error:
        print(type(error).__name__, error)

# --- truth over no dimension, ldexp keeps half types
x = torch.tensor([[1.0, 0.0]])
print(x.any(dim=()), x.all(dim=[]), torch.any(x, dim=[], keepdim=True), x.any(dim=(0, 1)), x.sum(dim=[]))
for a in (torch.ones(2).bfloat16(), torch.ones(2).half(), torch.ones(2).int(), torch.ones(2, dtype=torch.float64)):
    for b in (torch.tensor([1, 20]), torch.tensor([1.5, 2.0]), torch.tensor(2.0)):
        print(torch.ldexp(a, b))

# --- grid_sample: gradients at the border, outside and at nan
image = torch.arange(12.0).reshape(1, 1, 3, 4).requires_grad_()
places = torch.tensor([[[[-1.0, -1.0], [0.3, 0.2], [1.6, 0.0]], [[float("nan"), 0.0], [0.9, -0.9], [-3.0, 5.0]]]], requires_grad=True)
for mode in ("bilinear", "nearest", "bicubic"):
    made = torch.nn.functional.grid_sample(image, places, mode=mode, align_corners=False)
    grads = torch.autograd.grad(made.nan_to_num().pow(2).sum(), (image, places))
    print(made, grads[0], grads[1].round(decimals=2))
volume = torch.arange(16.0).reshape(1, 1, 2, 2, 4).requires_grad_()
made = torch.nn.functional.grid_sample(volume, torch.tensor([0.1, -0.4, 0.8]).reshape(1, 1, 1, 1, 3), padding_mode="border", align_corners=True)
print(made, *torch.autograd.grad(made.sum(), volume))

# --- logsumexp is one step of the graph
x = torch.tensor([[1.0, 2.0], [float("-inf"), 0.5]], requires_grad=True)
y = x.logsumexp(1)
y.sum().backward()
print(y, x.logsumexp((0, 1)), x.logsumexp(0, keepdim=True), x.grad, torch.logsumexp(torch.zeros(3, 0), 1), torch.logsumexp(torch.ones(2).long(), 0))
z = torch.tensor([1 + 2j, 3 - 1j], requires_grad=True)
z.logsumexp(0).abs().backward()
print(z.grad)

# --- a number that meets half precision is not rounded first; a number over a tensor is a product
x = torch.arange(1, 8)
for dtype in (torch.float16, torch.bfloat16):
    half = x.to(dtype) / 7
    print((half * 0.3001).double(), (half / 3.7).double(), (1.7 / half).double(), (half * torch.tensor(0.3001)).double())
    half *= 0.3001
    print(half.double())
y = torch.linspace(0.1, 5, 7, requires_grad=True)
print((1.7 / y).double(), (1.7 / y).grad_fn.name(), 2 / torch.tensor([3, 0, -7]), (2.5 / x.to(torch.int8)).dtype)
x /= 2

# --- a letter that stands twice is summed where the equation names no result
matrix = torch.arange(9.0).reshape(3, 3)
batch = torch.arange(8.0).reshape(2, 2, 2)
print(torch.einsum("ii", matrix), torch.einsum("...ii", batch), torch.einsum("iij", batch), torch.einsum("ii,ij", matrix, matrix))
print(torch.einsum(matrix, [0, 0]), torch.einsum("ii->i", matrix))

# --- complex numbers keep infinite parts and signs of zeros
inf = float("inf")
made = torch.complex(torch.tensor([1.0, 0.0, -0.0]), torch.tensor([inf, -0.0, 2.0]))
print(made, made.real, made.imag)
rows, column = torch.ones(2, 3, requires_grad=True), torch.ones(2, 1, requires_grad=True)
z = torch.complex(rows, column)
(z * z).abs().sum().backward()
print(z, rows.grad, column.grad)

# --- norms of nothing, slopes as a tuple, a switch printed
print(torch.linalg.norm(torch.ones(0, 5), 2), torch.linalg.norm(torch.ones(3, 0, 2), 2, dim=(1, 2)))
print(torch.gradient(torch.arange(4.0)), torch.set_grad_enabled(True))

# --- empty tensors in a memory format, sizes that are no numbers
for wanted in (torch.channels_last, torch.contiguous_format):
    print(torch.empty(2, 3, 4, 5, memory_format=wanted).stride())
print(torch.empty(2, 3, 4, 5, 6, memory_format=torch.channels_last_3d).stride())
try:
    torch.empty(2, 3, memory_format=torch.channels_last)
except RuntimeError as error:
    print(error)
for make in (lambda: torch.zeros("a"), lambda: torch.ones(["a"]), lambda: torch.empty(2, "a"), lambda: torch.zeros(2, 3, memory_format=torch.channels_last), lambda: torch.empty(2, memory_format=torch.preserve_format)):
    try:
        make()
    except (TypeError, RuntimeError) as error:
        print(type(error).__name__, str(error).split(" - got")[0])

# --- the names that errors give to dtypes
kinds = (torch.int16, torch.uint8, torch.int8, torch.uint16, torch.uint64, torch.complex64, torch.float16)
for kind in kinds:
    x = torch.ones(2, 2, dtype=kind)
    for attempt in (lambda: x @ torch.ones(2, 2), lambda: torch.ones(2, 2).lerp(x, 0.5), lambda: torch.ones(2).set_(x)):
        try:
            attempt()
        except RuntimeError as error:
            print(error)
for kind in (torch.uint16, torch.int16, torch.uint8):
    try:
        torch.zeros(2, dtype=kind).random_(0, 2**45)
    except RuntimeError as error:
        print(error)
