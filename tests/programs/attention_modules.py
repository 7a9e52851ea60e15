# --- MultiheadAttention: representation, names, initial weights
nn = torch.nn
print(nn.MultiheadAttention(4, 2))
print([(k, tuple(v.shape)) for k, v in nn.MultiheadAttention(4, 2, add_bias_kv=True).state_dict().items()])
print([(k, tuple(v.shape)) for k, v in nn.MultiheadAttention(4, 2, kdim=3, vdim=5, bias=False).state_dict().items()])
print(list(nn.MultiheadAttention(4, 2)._parameters), list(nn.MultiheadAttention(4, 2, kdim=3)._parameters))
torch.manual_seed(0)
for name, value in nn.MultiheadAttention(4, 2, add_bias_kv=True, kdim=3).state_dict().items():
    print(name, value.flatten()[:3])

# --- MultiheadAttention: results
torch.manual_seed(1)
m = torch.nn.MultiheadAttention(4, 2, batch_first=True)
x = torch.randn(2, 3, 4)
print([r.detach() for r in m(x, x, x)], m(x, x, x, need_weights=False)[1])
print([tuple(r.shape) for r in m(x, x, x, average_attn_weights=False)], [tuple(r.shape) for r in m(x[0], x[0], x[0])])
causal = torch.ones(3, 3).triu(1).bool()
print(m(x, x, x, is_causal=True, attn_mask=causal)[1].detach())
print(m(x, x, x, is_causal=True, attn_mask=causal & False, need_weights=False)[0].detach())
padding = torch.tensor([[False, False, True], [False, True, True]])
print(m(x, x, x, key_padding_mask=padding)[1].detach(), m(x, x, x, padding, False, causal)[0].detach())
print(m(x, x, x, attn_mask=torch.zeros(4, 3, 3), key_padding_mask=torch.zeros(2, 3))[0].detach())
print(m.merge_masks(causal, padding, x)[0][1, 0], m.merge_masks(None, padding, x)[1], m.merge_masks(None, None, x))

# --- MultiheadAttention: queries that see nothing
torch.manual_seed(1)
m = torch.nn.MultiheadAttention(4, 2, batch_first=True)
x, nothing = torch.randn(2, 3, 4), torch.ones(2, 3).bool()
print(m(x, x, x, nothing)[0].isnan().all(), m(x, x, x, nothing, need_weights=False)[0].detach().abs().sum())
m.eval()
with torch.no_grad():
    print(m(x, x, x, nothing)[0].isnan().all(), m(x, x, x, nothing, need_weights=False)[0].isnan().all())
    print(m(x, x, x, torch.full((2, 3), -torch.inf), need_weights=False)[0].abs().sum())

# --- MultiheadAttention: what is refused
def refused(run):
    try:
        print(run())
    except Exception as error:
        print(type(error).__name__, error)
nn = torch.nn
refused(lambda: nn.MultiheadAttention(5, 2))
refused(lambda: nn.MultiheadAttention(0, 2))
refused(lambda: nn.MultiheadAttention(4, -2))
m = nn.MultiheadAttention(4, 2, batch_first=True)
x = torch.zeros(2, 3, 4)
refused(lambda: m(x, x, x, key_padding_mask=torch.zeros(2, 4).bool()))
refused(lambda: m(x, x, x, key_padding_mask=torch.zeros(3).bool()))
refused(lambda: m(x, x, x, key_padding_mask=torch.zeros(2, 3).int()))
refused(lambda: m(x, x, x, attn_mask=torch.zeros(2, 3).bool()))
refused(lambda: m(x, x, x, attn_mask=torch.zeros(2, 3, 3).bool()))
refused(lambda: m(x, x, x, attn_mask=torch.zeros(3, 3).int()))
refused(lambda: m(x, x, x, attn_mask=torch.zeros(1, 1, 3, 3)))
refused(lambda: m(x, x, x, is_causal=True))
refused(lambda: m(x[None], x[None], x[None]))
refused(lambda: m(x, x[0], x[0]))
refused(lambda: m(x[0], x, x))
refused(lambda: m(x[..., :3], x[..., :3], x[..., :3]))
refused(lambda: m(x, x[..., :3], x[..., :3]))
refused(lambda: m(x, x, x[:, :2]))
refused(lambda: m(x[0], x[0], x[0], attn_mask=torch.zeros(3, 3, 3)))
refused(lambda: m(x[0], x[0], x[0], key_padding_mask=torch.zeros(2, 3)))

# --- multi_head_attention_forward: what is refused
def refused(run):
    try:
        print(tuple(run()[0].shape))
    except Exception as error:
        print(type(error).__name__, error)
x, o, kv = torch.ones(3, 2, 4), torch.ones(4, 4), torch.ones(1, 1, 4)
def call(q=x, k=x, v=x, E=4, h=2, W=torch.ones(12, 4), b=torch.ones(12), bk=None, bv=None, z=False, **named):
    return torch.nn.functional.multi_head_attention_forward(q, k, v, E, h, W, b, bk, bv, z, 0.0, o, None, **named)
refused(lambda: call(h=3))
refused(lambda: call(E=8))
refused(lambda: call(v=x[:2]))
refused(lambda: call(use_separate_proj_weight=True))
refused(lambda: call(use_separate_proj_weight=True, q_proj_weight=o, k_proj_weight=o, v_proj_weight=o, v=x[:2]))
refused(lambda: call(W=None))
refused(lambda: call(bk=kv))
refused(lambda: call(bk=kv, bv=kv, static_k=torch.ones(4, 3, 2)))
refused(lambda: call(bk=kv, bv=kv, static_v=torch.ones(4, 3, 2)))
refused(lambda: call(static_k=torch.ones(3, 3, 2)))
refused(lambda: call(static_k=torch.ones(4, 3, 3)))
refused(lambda: call(static_v=torch.ones(3, 3, 2)))
refused(lambda: call(static_v=torch.ones(4, 3, 2), static_k=torch.ones(4, 3, 2)))
refused(lambda: call(static_v=torch.ones(4, 5, 2), static_k=torch.ones(4, 5, 2), key_padding_mask=torch.zeros(2, 5)))
refused(lambda: call(z=True, bk=kv, bv=kv, attn_mask=torch.zeros(3, 3), key_padding_mask=torch.zeros(2, 3)))
refused(lambda: call(key_padding_mask=torch.zeros(3, 3)))

# --- Transformer: representations
nn = torch.nn
print(nn.TransformerEncoderLayer(4, 2, 8))
print(nn.TransformerDecoderLayer(4, 2, 8, activation=nn.SiLU()))
print(nn.Transformer(4, 2, 2, 1, 8, activation=torch.tanh))
print(nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8), 2, norm=nn.LayerNorm(4)))
print(list(nn.Transformer(4, 2, 1, 1, 8).state_dict()))
print(list(nn.Transformer(4, 2, 1, 1, 8, bias=False).state_dict()))
print(nn.Transformer.generate_square_subsequent_mask(3), nn.Transformer.generate_square_subsequent_mask(2, dtype=torch.float64))

# --- Transformer: initial weights
nn = torch.nn
torch.manual_seed(0)
for model in (nn.TransformerDecoderLayer(4, 2, 8), nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8), 2),
              nn.Transformer(4, 2, 1, 1, 8)):
    for name, value in model.state_dict().items():
        print(name, value.flatten()[:2])

# --- Transformer: when nested tensors cannot be used
import warnings
nn = torch.nn
def reasons(layer, **settings):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        encoder = nn.TransformerEncoder(layer, 1, **settings)
    print([(w.category.__name__, str(w.message)) for w in seen], encoder.enable_nested_tensor, encoder.use_nested_tensor)
layer = nn.TransformerEncoderLayer
reasons(layer(4, 2, 8))
reasons(layer(4, 2, 8), enable_nested_tensor=False)
reasons(layer(4, 2, 8, batch_first=True))
reasons(layer(4, 2, 8, batch_first=True, norm_first=True))
reasons(layer(4, 1, 8, batch_first=True))
reasons(layer(4, 2, 8, batch_first=True, bias=False))
reasons(layer(4, 2, 8, batch_first=True, activation=nn.GELU()))
reasons(layer(4, 2, 8, batch_first=True, activation=nn.SiLU()))
other = layer(4, 2, 8, batch_first=True)
other.norm1.eps = 1e-3
reasons(other)
other.self_attn = nn.MultiheadAttention(4, 2, kdim=3, batch_first=True)
reasons(other)
reasons(nn.Linear(2, 2))

# --- Transformer: masks of two kinds
from warnings import catch_warnings, simplefilter
nn = torch.nn
x = torch.zeros(3, 2, 4)
for model in (nn.TransformerEncoderLayer(4, 2, 8), nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8), 1)):
    with catch_warnings(record=True) as seen:
        simplefilter("always")
        model(x, torch.zeros(3, 3), torch.zeros(2, 3).bool())
    print([(w.category.__name__, str(w.message)) for w in seen])

# --- Transformer: what is refused
def refused(run):
    try:
        print(tuple(run().shape))
    except Exception as error:
        print(type(error).__name__, error)
nn = torch.nn
x, y = torch.zeros(3, 2, 4), torch.zeros(5, 2, 4)
model = nn.Transformer(4, 2, 1, 1, 8)
refused(lambda: model(x, y))
refused(lambda: model(x[:, 0], y[:, 0]))
refused(lambda: model(x, y[:, :1]))
refused(lambda: model(x, y[..., :3]))
refused(lambda: model(x[:, 0], y))
refused(lambda: nn.Transformer(4, 2, 1, 1, 8, batch_first=True)(x, y))
encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8), 1)
refused(lambda: encoder(x[None]))
refused(lambda: encoder(x, torch.zeros(3, 3).long()))
refused(lambda: encoder(x, src_key_padding_mask=torch.zeros(2, 3).long()))
refused(lambda: encoder(x, is_causal=True))
refused(lambda: nn.TransformerEncoderLayer(4, 2, 8)(x, torch.zeros(3, 3).int()))
refused(lambda: nn.TransformerDecoderLayer(4, 2, 8)(y, x, tgt_is_causal=True))
refused(lambda: nn.TransformerEncoderLayer(4, 2, 8, activation="x"))
