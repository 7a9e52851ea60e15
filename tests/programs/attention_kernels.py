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

# --- scaled_dot_product_attention: what is refused
def refused(*shapes, mask=None, **settings):
    try:
        made = torch.nn.functional.scaled_dot_product_attention(*[torch.zeros(s) for s in shapes], mask, **settings)
        print(tuple(made.shape))
    except Exception as error:
        print(type(error).__name__, error)
refused((2, 3, 4), (2, 3, 5), (2, 3, 5))
refused((2, 3, 4), (2, 3, 4), (2, 5, 4))
refused((2, 3, 4), (3, 3, 4), (3, 3, 4))
refused((1, 2, 3, 4), (1, 3, 3, 4), (1, 3, 3, 4))
refused((2, 3, 4), (2, 3, 4), (2, 3, 4), mask=torch.zeros(2, 2))
refused((1, 2, 3, 4), (1, 2, 3, 4), (1, 2, 3, 4), mask=torch.zeros(2, 2).bool())
refused((1, 4, 3, 4), (1, 3, 3, 4), (1, 3, 3, 4), enable_gqa=True)
refused((1, 4, 3, 4), (1, 2, 3, 4), (1, 2, 3, 4), enable_gqa=True)
refused((2, 3, 4), (2, 3, 4), (2, 3, 4), dropout_p=2.0)
refused((2, 3, 4), (2, 3, 4), (2, 3, 4), mask=torch.zeros(3, 3), is_causal=True)
refused((2, 3, 4), (2, 3, 4), (2, 3, 4), mask=torch.zeros(3, 3).long())
refused((4,), (4,), (4,))
x = torch.zeros(2, 3, 4)
torch.nn.functional.scaled_dot_product_attention(x.long(), x.long(), x.long())
