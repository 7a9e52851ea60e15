# --- pack padded sequences, sorted and not
rnn = torch.nn.utils.rnn
x = torch.arange(12.).reshape(2, 3, 2)
print(rnn.pack_padded_sequence(x, [3, 2], batch_first=True))
print(rnn.pack_padded_sequence(x, torch.tensor([2, 3], dtype=torch.int32), batch_first=True, enforce_sorted=False))
print(rnn.pack_padded_sequence(x, [2, 1, 1][:2], batch_first=True))
print(rnn.pack_padded_sequence(x.transpose(0, 1)[..., 0], [3, 1]))

# --- lengths that are not sorted
torch.nn.utils.rnn.pack_padded_sequence(torch.zeros(2, 3, 2), [2, 3], batch_first=True)

# --- a length of zero
torch.nn.utils.rnn.pack_padded_sequence(torch.zeros(2, 3, 2), [3, 0], batch_first=True)

# --- a length too many
torch.nn.utils.rnn.pack_padded_sequence(torch.zeros(2, 3, 2), [3, 2, 1], batch_first=True)

# --- nothing to pack
torch.nn.utils.rnn.pack_padded_sequence(torch.zeros(0, 3, 2), [], batch_first=True)

# --- pad packed sequences
rnn = torch.nn.utils.rnn
packed = rnn.pack_padded_sequence(torch.arange(12.).reshape(2, 3, 2), [2, 3], batch_first=True, enforce_sorted=False)
print(rnn.pad_packed_sequence(packed))
print(rnn.pad_packed_sequence(packed, batch_first=True, padding_value=-1., total_length=5))

# --- too short a total length
rnn = torch.nn.utils.rnn
rnn.pad_packed_sequence(rnn.pack_sequence([torch.ones(3), torch.ones(2)]), total_length=2)

# --- pad sequences
pad = torch.nn.utils.rnn.pad_sequence
print(pad([torch.ones(2), torch.ones(3)]))
print(pad([torch.ones(2), torch.ones(3)], True, 9, "left"))
print(pad((torch.ones(2, 2), torch.ones(3, 2).long())), pad(torch.ones(k) for k in (1, 2)))

# --- pad: an unknown side
torch.nn.utils.rnn.pad_sequence([torch.ones(2), torch.ones(3)], padding_side="top")

# --- pad: no sequence
torch.nn.utils.rnn.pad_sequence([])

# --- pad: no list
torch.nn.utils.rnn.pad_sequence(3)

# --- pack and unpack
rnn = torch.nn.utils.rnn
words = [torch.tensor([4, 5]), torch.tensor([1, 2, 3])]
packed = rnn.pack_sequence(words, enforce_sorted=False)
print(packed, rnn.unpack_sequence(packed))
print(rnn.unpad_sequence(torch.arange(6).reshape(3, 2), torch.tensor([3, 1])))
print(rnn.invert_permutation(torch.tensor([2, 0, 1])), rnn.invert_permutation(None))

# --- unpad: a length is missing
torch.nn.utils.rnn.unpad_sequence(torch.zeros(3, 2), torch.tensor([3]))

# --- PackedSequence by hand
PackedSequence = torch.nn.utils.rnn.PackedSequence
p = PackedSequence(torch.ones(3), torch.tensor([2, 1]), torch.tensor([1, 0]))
print(p, p.is_cuda, p.to("cpu") is p, p.cpu() is p, p.float() is p)
print(p.double().data.dtype, p.to(torch.int64).data, p.half().data.dtype, isinstance(p, tuple), p._fields)
print(PackedSequence((torch.ones(3), torch.tensor([2, 1]))))
PackedSequence(torch.ones(3))

# --- gradients through packing
rnn = torch.nn.utils.rnn
x = torch.arange(12.).reshape(2, 3, 2).requires_grad_()
out, lengths = rnn.pad_packed_sequence(rnn.pack_padded_sequence(x, [2, 3], True, False), True)
(out * out).sum().backward()
print(x.grad, lengths)
a, b = torch.ones(2, requires_grad=True), torch.ones(3, requires_grad=True)
(rnn.pad_sequence([a, b]) * torch.arange(6.).reshape(3, 2)).sum().backward()
print(a.grad, b.grad)
