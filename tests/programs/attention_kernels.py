# --- a kernel is chosen
attention = torch.nn.attention
SDPBackend, sdpa_kernel = attention.SDPBackend, attention.sdpa_kernel
q = torch.arange(8.).reshape(1, 1, 2, 4)
with sdpa_kernel(SDPBackend.MATH):
    print(torch.nn.functional.scaled_dot_product_attention(q, q, q))
with sdpa_kernel([SDPBackend.FLASH_ATTENTION, SDPBackend.MATH], set_priority=True):
    print(torch.nn.functional.scaled_dot_product_attention(q, q, q, is_causal=True))
print(sdpa_kernel(SDPBackend.MATH)(lambda: 3)(), SDPBackend.MATH, SDPBackend.EFFICIENT_ATTENTION.name)
with sdpa_kernel("math"):
    pass

# --- causal masks of two lengths
import importlib
bias = importlib.import_module(torch.nn.attention.__name__ + ".bias")
left, right = bias.causal_upper_left(2, 4), bias.causal_lower_right(2, 4)
print(isinstance(left, torch.Tensor), left.seq_len_q, right.seq_len_kv, right.variant == bias.CausalVariant.LOWER_RIGHT)
print(left, right)
torch.manual_seed(0)
q, k = torch.randn(1, 1, 2, 3), torch.randn(1, 1, 4, 3)
for mask in (left, right):
    print(torch.nn.functional.scaled_dot_product_attention(q, k, k, attn_mask=mask))
