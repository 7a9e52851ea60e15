# --- block masks
import importlib

flex = importlib.import_module(f"{torch.__name__}.nn.attention.flex_attention")
create_block_mask, create_mask, BlockMask = flex.create_block_mask, flex.create_mask, flex.BlockMask

block = create_block_mask(lambda b, h, i, j: i >= j, None, None, 300, 300, device="cpu")
print(block)
print(block.shape, round(block.sparsity(), 3), block.numel(), block.BLOCK_SIZE, block.seq_lengths)
print(block.kv_num_blocks, block.full_kv_num_blocks, block.q_num_blocks, block.full_q_num_blocks)
print(block.kv_indices, block.full_kv_indices, block.to_dense())
print(create_mask(lambda b, h, i, j: i >= j, 1, 2, 3, 3, device="cpu"))
big = create_block_mask(lambda b, h, i, j: (i - j).abs() < 64, 2, 3, 1024, 512, BLOCK_SIZE=(32, 64), device="cpu")
print(big.shape, round(big.sparsity(), 3), big.to_dense().sum())
print(big)
counts, places = [torch.tensor(t, dtype=torch.int32) for t in ([[[1, 2]]], [[[[0, 1], [0, 1]]]])]
print(BlockMask.from_kv_blocks(counts, places, BLOCK_SIZE=4).to_dense())
# --- what does not fit
import importlib

flex = importlib.import_module(f"{torch.__name__}.nn.attention.flex_attention")
create_block_mask, flex_attention = flex.create_block_mask, flex.flex_attention

x, y = torch.ones(1, 4, 3, 2), torch.ones(1, 3, 3, 2)
for made in (lambda: flex_attention(x[0], x[0], x[0]), lambda: flex_attention(x, y, y),
             lambda: flex_attention(x, y, y, enable_gqa=True)):
    try:
        made()
    except (NotImplementedError, ValueError) as error:
        print(type(error).__name__, error)
