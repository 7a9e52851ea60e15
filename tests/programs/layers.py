"""Layers: how they print, what they hold, their initial weights, their errors and warnings."""

# --- how layers with windows, norms and tables print
import warnings

CALLS = """
Identity(3) Identity() Linear(3,4) Linear(3,4,bias=False) Bilinear(2,3,4) Bilinear(2,3,4,False) LazyLinear(3)
MaxPool1d(3) MaxPool2d((3,2),stride=2,padding=1,dilation=2,ceil_mode=True,return_indices=True)
MaxPool3d([1,2,3]) MaxUnpool1d(3) MaxUnpool2d(3,2,1) MaxUnpool2d((3,2)) MaxUnpool3d(2) AvgPool1d(3)
AvgPool1d(3,2,1,True,False) AvgPool2d(3) AvgPool2d((3,2),2,1,divisor_override=3) AvgPool3d(3)
FractionalMaxPool2d(3,output_size=2) FractionalMaxPool2d((3,2),output_ratio=.5)
FractionalMaxPool3d(3,output_size=2) FractionalMaxPool2d(3) FractionalMaxPool2d(3,2,.5)
FractionalMaxPool2d(3,output_ratio=2.) FractionalMaxPool3d(0,2) FractionalMaxPool3d((1,2,0),2)
FractionalMaxPool3d(3) FractionalMaxPool3d(3,output_ratio=(.5,.5,1.)) FractionalMaxPool2d(-1,2) LPPool1d(2,3)
LPPool2d(2.,(3,2),2) LPPool3d(1.5,2,ceil_mode=True) AdaptiveMaxPool1d(3) AdaptiveMaxPool2d((3,None))
AdaptiveMaxPool3d(3,True) AdaptiveAvgPool1d(3) AdaptiveAvgPool2d((None,2)) AdaptiveAvgPool3d(None)
ConstantPad1d(2,3.5) ConstantPad2d((1,2,3,4),0) ConstantPad3d(1,2) ZeroPad1d(2) ZeroPad2d((1,2,3,4))
ZeroPad3d(1) ReflectionPad1d(2) ReflectionPad2d((1,2,3,4)) ReflectionPad3d(1) ReplicationPad1d(2)
ReplicationPad2d((1,1,1,1)) ReplicationPad3d(2) CircularPad1d(2) CircularPad2d([1,2,3,4]) CircularPad3d(1)
LocalResponseNorm(3) LocalResponseNorm(2,1e-3,.5,2.) CrossMapLRN2d(3) CrossMapLRN2d(2,.1,.5,2) LayerNorm(3)
LayerNorm((3,4),1e-3,False) LayerNorm([3,4],bias=False) GroupNorm(2,4) GroupNorm(2,4,1e-3,False)
GroupNorm(3,4) GroupNorm(2,4,bias=False) RMSNorm(3) RMSNorm((2,3),1e-3,False) BatchNorm1d(3)
BatchNorm2d(3,1e-3,None,False,False) BatchNorm3d(3,bias=False) SyncBatchNorm(3) LazyBatchNorm1d()
LazyBatchNorm2d(1e-3,.2,False,False) LazyBatchNorm3d() InstanceNorm1d(3) InstanceNorm2d(3,affine=True)
InstanceNorm3d(3,1e-3,.2,True,True) LazyInstanceNorm1d() LazyInstanceNorm2d()
LazyInstanceNorm3d(affine=False) Dropout() Dropout(0.3,True) Dropout1d(.2) Dropout2d(.2) Dropout3d(.2)
AlphaDropout(.1) FeatureAlphaDropout(.1,True) Dropout(2) Dropout(-.1) Dropout("a") Embedding(5,3)
Embedding(5,3,padding_idx=-1) Embedding(5,3,0,2.)
Embedding(5,3,max_norm=1.,norm_type=1.,scale_grad_by_freq=True,sparse=True) Embedding(5,3,padding_idx=7)
Embedding(5,3,padding_idx=-7) Embedding(3,2,_weight=torch.ones(3,3)) EmbeddingBag(5,3)
EmbeddingBag(5,3,1.,3.,True,'sum',True,include_last_offset=True,padding_idx=1)
EmbeddingBag(5,3,padding_idx=9) EmbeddingBag(5,3,mode='max',padding_idx=-1)
EmbeddingBag(3,2,_weight=torch.ones(3,3)) EmbeddingBag(5,3,mode='foo')
"""
for call in CALLS.split():
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            layer = eval("torch.nn." + call)
            held = {**layer._parameters, **layer._buffers}
            shapes = {name: "lazy" if hasattr(t, "materialize") else t if t is None else tuple(t.shape)
                      for name, t in held.items()}  # fmt: skip
            print(layer, shapes or "")
        except Exception as error:
            print(call, type(error).__name__, error)
    for warning in seen:
        print(call, warning.category.__name__, warning.message)

# --- how activations print
import warnings

CALLS = """
Threshold(1,2) Threshold(.1,20,True) ReLU() ReLU(True) RReLU() RReLU(.1,.2,True) Hardtanh()
Hardtanh(-2,2,True) Hardtanh(min_value=-3,max_value=1) Hardtanh(2,1) ReLU6() ReLU6(True) Sigmoid()
Hardsigmoid() Hardsigmoid(True) Tanh() SiLU() SiLU(True) Mish() Mish(True) Hardswish() Hardswish(True) ELU()
ELU(2,True) CELU() CELU(.5,True) SELU() SELU(True) GLU() GLU(1) GELU() GELU('tanh') Hardshrink()
Hardshrink(.1) LeakyReLU() LeakyReLU(.2,True) LogSigmoid() Softplus() Softplus(2,3) Softshrink()
Softshrink(.1) PReLU() PReLU(3,.1) Softsign() Tanhshrink() Softmin() Softmin(1) Softmax() Softmax(-1)
Softmax2d() LogSoftmax() LogSoftmax(dim=1) RReLU(.5,.1)
"""
for call in CALLS.split():
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            layer = eval("torch.nn." + call)
            held = {**layer._parameters, **layer._buffers}
            shapes = {name: "lazy" if hasattr(t, "materialize") else t if t is None else tuple(t.shape)
                      for name, t in held.items()}  # fmt: skip
            print(layer, shapes or "")
        except Exception as error:
            print(call, type(error).__name__, error)
    for warning in seen:
        print(call, warning.category.__name__, warning.message)

# --- how losses print
import warnings

CALLS = """
L1Loss() L1Loss(reduction='sum') NLLLoss() NLLLoss(torch.ones(3),ignore_index=2) NLLLoss2d() PoissonNLLLoss()
PoissonNLLLoss(False,True,eps=1e-3) GaussianNLLLoss() GaussianNLLLoss(full=True) KLDivLoss()
KLDivLoss(log_target=True) MSELoss() BCELoss() BCELoss(torch.ones(2)) BCEWithLogitsLoss()
BCEWithLogitsLoss(pos_weight=torch.ones(2)) HingeEmbeddingLoss(2.) MultiLabelMarginLoss()
SmoothL1Loss(beta=.5) HuberLoss() HuberLoss('sum',2.) SoftMarginLoss() CrossEntropyLoss()
CrossEntropyLoss(torch.ones(3),label_smoothing=.1) MultiLabelSoftMarginLoss() CosineEmbeddingLoss(.1)
MarginRankingLoss(.2) MultiMarginLoss() MultiMarginLoss(2,.5,torch.ones(3)) MultiMarginLoss(3)
MultiMarginLoss(weight=torch.ones(3,3)) TripletMarginLoss() TripletMarginLoss(-1.)
TripletMarginLoss(2.,1,1e-3,True) TripletMarginWithDistanceLoss() TripletMarginWithDistanceLoss(margin=-1)
TripletMarginWithDistanceLoss(swap=True,margin=2) CTCLoss() CTCLoss(1,'sum',True)
CrossEntropyLoss(size_average=False) MSELoss(reduction='foo') MSELoss(reduce=False)
"""
for call in CALLS.split():
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            layer = eval("torch.nn." + call)
            held = {**layer._parameters, **layer._buffers}
            shapes = {name: "lazy" if hasattr(t, "materialize") else t if t is None else tuple(t.shape)
                      for name, t in held.items()}  # fmt: skip
            print(layer, shapes or "")
        except Exception as error:
            print(call, type(error).__name__, error)
    for warning in seen:
        print(call, warning.category.__name__, warning.message)

# --- how the other layers print
import warnings

CALLS = """
PairwiseDistance() PairwiseDistance(1,1e-3,True) CosineSimilarity() CosineSimilarity(0,1e-4) Fold((4,5),2)
Fold(4,(2,3),1,0,2) Unfold(2) Unfold((2,3),2,1,2) Flatten() Flatten(0,2) Unflatten(1,(2,3))
Unflatten('a',(('b',2),('c',3))) Unflatten(1,[2,3]) Unflatten(1,3) Unflatten(1,(2,'a')) Unflatten('a',(2,3))
Unflatten(1.,(2,3)) Unflatten('a',(('b',2),3)) PixelShuffle(2) PixelUnshuffle(3) Upsample(3) Upsample((3,4))
Upsample(scale_factor=2) Upsample(scale_factor=(2,3.),mode='bilinear',align_corners=True)
UpsamplingNearest2d(3) UpsamplingBilinear2d(scale_factor=2) UpsamplingNearest2d(scale_factor=1.5)
ChannelShuffle(2) Upsample(scale_factor=2,recompute_scale_factor=True) AdaptiveLogSoftmaxWithLoss(8,10,[3,6])
AdaptiveLogSoftmaxWithLoss(8,10,[3,6],2.,True) AdaptiveLogSoftmaxWithLoss(8,10,[3,10])
AdaptiveLogSoftmaxWithLoss(8,10,[]) AdaptiveLogSoftmaxWithLoss(8,10,[3,3])
AdaptiveLogSoftmaxWithLoss(8,10,[3,2]) AdaptiveLogSoftmaxWithLoss(8,10,[0,2])
AdaptiveLogSoftmaxWithLoss(8,10,[1.5,2])
"""
for call in CALLS.split():
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            layer = eval("torch.nn." + call)
            held = {**layer._parameters, **layer._buffers}
            shapes = {name: "lazy" if hasattr(t, "materialize") else t if t is None else tuple(t.shape)
                      for name, t in held.items()}  # fmt: skip
            print(layer, shapes or "")
        except Exception as error:
            print(call, type(error).__name__, error)
    for warning in seen:
        print(call, warning.category.__name__, warning.message)

# --- initial weights of a seed
import zlib

CALLS = """
Linear(7,5) Linear(7,5,bias=False) Linear(1,1) Linear(64,33,dtype=torch.float64) Bilinear(3,4,5) Bilinear(3,4,5,False)
Conv1d(4,6,3) Conv2d(3,8,5) Conv2d(4,8,3,groups=2,bias=False) Conv2d(2,2,(3,1),padding='same',padding_mode='reflect')
Conv3d(2,3,2) ConvTranspose1d(4,6,3) ConvTranspose2d(4,6,3,groups=2) ConvTranspose3d(2,3,2) PReLU(3)
BatchNorm2d(3) LayerNorm((2,3)) GroupNorm(2,4) RMSNorm(4) InstanceNorm2d(3,affine=True) Embedding(20,7)
Embedding(5,3,padding_idx=2) EmbeddingBag(9,4) EmbeddingBag(9,4,padding_idx=0) AdaptiveLogSoftmaxWithLoss(40,20,[3,9])
AdaptiveLogSoftmaxWithLoss(40,20,[3,9],2.,True)
"""
for call in CALLS.split():
    torch.manual_seed(7)
    layer = eval("torch.nn." + call)
    made = {name: zlib.crc32(p.detach().numpy().tobytes()) for name, p in layer.state_dict().items()}
    print(call, made, torch.rand(1).item())
    layer.reset_parameters()
    print([zlib.crc32(p.detach().numpy().tobytes()) for p in layer.parameters()])

# --- lazy layers
nn = torch.nn
CALLS = {
    "LazyLinear(3)": (2, 4), "LazyLinear(3, bias=False)": (5,), "LazyConv1d(4, 2)": (1, 3, 5),
    "LazyConv2d(4, 3, 2, 1, 1, 2, False)": (2, 6, 9, 9), "LazyConv3d(2, 2)": (3, 4, 4, 4),
    "LazyConvTranspose1d(4, 2, stride=2)": (1, 3, 5), "LazyConvTranspose2d(4, 3, 2, 1, 1, 2, False)": (2, 6, 5, 5),
    "LazyConvTranspose3d(2, 2)": (3, 4, 4, 4), "LazyBatchNorm1d()": (4, 3), "LazyBatchNorm2d(affine=False)": (4, 3, 2, 2),
    "LazyBatchNorm3d(track_running_stats=False)": (2, 3, 2, 2, 2), "LazyInstanceNorm1d()": (2, 3, 4),
    "LazyInstanceNorm2d(affine=False)": (2, 3, 2, 2), "LazyInstanceNorm3d(bias=False)": (2, 3, 2, 2, 2),
    "LazyConv2d(4, 3, groups=3)": (1, 4, 5, 5), "LazyConv2d(3, 3)": (4, 4), "LazyBatchNorm2d(0.1)": (4, 3),
}  # fmt: skip
for call, shape in CALLS.items():
    try:
        torch.manual_seed(0)
        layer = eval("nn." + call)
        print(layer, list(layer.state_dict()), layer.has_uninitialized_params())
        made = layer(torch.ones(shape))
        print(layer, made.shape, {name: tuple(p.shape) for name, p in layer.state_dict().items()})
        print([round(float(p.double().sum()), 5) for p in layer.parameters()])
        print(type(layer(torch.ones(shape))).__name__, type(layer) is getattr(nn, call.split("(")[0][4:]))
    except Exception as error:
        print(call, type(error).__name__, error)
source = nn.Linear(4, 3)
layer = nn.LazyLinear(3)
print(layer.load_state_dict(source.state_dict()), layer.weight.shape, layer)
print(nn.LazyLinear(2).double()(torch.ones(3, dtype=torch.float64)).dtype)

# --- convolutions: sizes and refusals
nn = torch.nn


def attempt(made):
    try:
        print(made())
    except Exception as error:
        print(type(error).__name__, error)


x = torch.ones(1, 2, 3, 3)
attempt(lambda: nn.ConvTranspose2d(2, 3, 3, padding_mode="reflect"))
for size in ([4], [9, 9], [8, 8], [1, 2, 8, 8], [2, 8, 8]):
    attempt(lambda size=size: nn.ConvTranspose2d(2, 3, 3, stride=2)(x, output_size=size).shape)
attempt(lambda: nn.ConvTranspose2d(2, 3, 3)(x[0], output_size=[4]).shape)
attempt(lambda: nn.ConvTranspose1d(2, 3, 3, stride=3)(x[0], output_size=[10]).shape)
attempt(lambda: nn.Conv2d(2, 3, 3, padding="same", stride=2))
attempt(lambda: nn.Conv2d(2, 3, 3, groups=2))
attempt(lambda: nn.Conv2d(3, 4, 3, groups=2))
attempt(lambda: nn.Conv2d(2, 4, 3, groups=0))
attempt(lambda: nn.Conv2d(2, 3, 3)(torch.ones(1, 3, 5, 5)))
attempt(lambda: nn.Conv2d(2, 3, 3)(torch.ones(1, 2, 2, 2)))
attempt(lambda: nn.Conv2d(2, 3, 3)(torch.ones(2, 2)))
attempt(lambda: nn.Conv2d(2, 3, 3, padding=4, padding_mode="reflect")(x))
for mode in ("zeros", "reflect", "replicate", "circular"):
    for padding in (1, (0, 2), "same", "valid"):
        layer = nn.Conv2d(2, 3, (3, 2), padding=padding, dilation=1, padding_mode=mode)
        print(layer, layer(torch.ones(2, 4, 5)).shape)

# --- normalisation: states, versions and conversions
nn = torch.nn


def attempt(made):
    try:
        print(made())
    except Exception as error:
        print(type(error).__name__, error)


for kind in (nn.BatchNorm2d, nn.InstanceNorm2d, nn.SyncBatchNorm):
    print(kind._version, kind(3, track_running_stats=True).state_dict()._metadata)
old = nn.BatchNorm1d(3).state_dict()
del old["num_batches_tracked"]
old._metadata = {"": {"version": 1}}
layer = nn.BatchNorm1d(3)
layer.num_batches_tracked += 5
print(layer.load_state_dict(old), layer.num_batches_tracked)
attempt(lambda: nn.BatchNorm1d(3).load_state_dict(dict(nn.BatchNorm1d(3).state_dict(), extra=torch.ones(1))))
state = nn.InstanceNorm1d(3, track_running_stats=True).state_dict()
attempt(lambda: nn.InstanceNorm1d(3).load_state_dict(state))
attempt(lambda: nn.InstanceNorm1d(3).load_state_dict(dict(state)))
layer = nn.BatchNorm1d(2, momentum=None)
for k in range(3):
    layer(torch.arange(8.0).view(4, 2) * k)
print(layer.running_mean, layer.num_batches_tracked, layer.num_batches_tracked.dtype)
layer.reset_running_stats()
print(layer.running_mean, layer.running_var, layer.num_batches_tracked)
for kind, shape in ((nn.BatchNorm1d, (3,)), (nn.BatchNorm1d, (3, 3, 3, 3)), (nn.BatchNorm2d, (3, 3, 3)),
                    (nn.BatchNorm3d, (3, 3)), (nn.SyncBatchNorm, (3,)), (nn.InstanceNorm1d, (3,)),
                    (nn.InstanceNorm2d, (3, 3)), (nn.InstanceNorm3d, (3,))):  # fmt: skip
    attempt(lambda kind=kind, shape=shape: kind(3)(torch.ones(shape)))
attempt(lambda: nn.InstanceNorm1d(4, affine=True)(torch.ones(2, 3, 4)))
attempt(lambda: nn.InstanceNorm2d(4, affine=True)(torch.ones(3, 4, 4)))
attempt(lambda: nn.BatchNorm1d(3)(torch.ones(1, 3)))
attempt(lambda: nn.BatchNorm1d(3, eps=0.0)(torch.ones(2, 3)))
attempt(lambda: nn.BatchNorm1d(3, eps=-1.0).eval()(torch.ones(2, 3)))
attempt(lambda: nn.LayerNorm(3)(torch.ones(4)))
attempt(lambda: nn.GroupNorm(2, 4)(torch.ones(2, 3)))
attempt(lambda: nn.CrossMapLRN2d(3)(torch.ones(2, 2, 2)))
for size in (1, 2, 3, 4, 5, 9):
    print(nn.CrossMapLRN2d(size, 0.1)(torch.arange(1.0, 25.0).view(1, 6, 2, 2))[0, :, 0, 0])
net = nn.Sequential(nn.BatchNorm2d(3), nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(4, momentum=None, affine=False)))
net[0].qconfig = 3
net[0].weight.requires_grad_(False)
made = nn.SyncBatchNorm.convert_sync_batchnorm(net.eval())
print(made is net, made, made[0].training, made[0].qconfig, made[0].weight.requires_grad, made[0].process_group)
print(nn.SyncBatchNorm.convert_sync_batchnorm(nn.BatchNorm1d(2)))

# --- tables
nn = torch.nn


def attempt(made):
    try:
        print(made())
    except Exception as error:
        print(type(error).__name__, error)


table = torch.arange(6.0).view(3, 2)
layer = nn.Embedding.from_pretrained(table)
print(layer, layer.weight.requires_grad, layer(torch.tensor([2, 0])), layer.weight.data_ptr() == table.data_ptr())
print(nn.Embedding.from_pretrained(table, freeze=False, padding_idx=0).weight)
attempt(lambda: nn.Embedding.from_pretrained(torch.ones(2)))
attempt(lambda: nn.Embedding.from_pretrained(table, padding_idx=3))
attempt(lambda: nn.Embedding(3, 2)(torch.tensor([3])))
attempt(lambda: nn.Embedding(3, 2)(torch.tensor([0.5])))
layer = nn.Embedding.from_pretrained(table.clone(), freeze=False, padding_idx=1, max_norm=1.0)
layer(torch.tensor([[0, 1], [2, 2]])).sum().backward()
print(layer.weight, layer.weight.grad)
layer = nn.Embedding.from_pretrained(table.clone(), freeze=False, scale_grad_by_freq=True)
layer(torch.tensor([0, 2, 2])).sum().backward()
print(layer.weight.grad)
for mode in ("sum", "mean", "max"):
    layer = nn.EmbeddingBag.from_pretrained(table.clone(), mode=mode, padding_idx=1, freeze=False)
    print(layer, layer(torch.tensor([[0, 1], [2, 2]])), layer(torch.tensor([0, 1, 2]), torch.tensor([0, 1])))
    print(layer(torch.tensor([0, 1, 2]), torch.tensor([0, 0, 3])))
layer = nn.EmbeddingBag.from_pretrained(table, mode="sum", include_last_offset=True)
print(layer(torch.tensor([0, 1, 2]), torch.tensor([0, 1, 3]), per_sample_weights=torch.tensor([1.0, 2.0, 3.0])))
attempt(lambda: nn.EmbeddingBag(3, 2, mode="some")(torch.tensor([[1, 2]])))
attempt(lambda: nn.EmbeddingBag(3, 2)(torch.tensor([1, 2])))
attempt(lambda: nn.EmbeddingBag(3, 2)(torch.tensor([[1, 2]]), per_sample_weights=torch.ones(1, 2)))

# --- refusals of the other layers
nn = torch.nn


def attempt(made):
    try:
        print(made())
    except Exception as error:
        print(type(error).__name__, error)


attempt(lambda: nn.CircularPad1d(2)(torch.ones(2)))
attempt(lambda: nn.CircularPad2d(1)(torch.ones(2)))
attempt(lambda: nn.CircularPad3d(1)(torch.ones(2, 2)))
attempt(lambda: nn.ReflectionPad1d(1)(torch.ones(2)))
attempt(lambda: nn.ReflectionPad1d(4)(torch.ones(1, 4)))
attempt(lambda: nn.ReplicationPad3d(1)(torch.ones(2)))
attempt(lambda: nn.ConstantPad1d(-3, 1.0)(torch.ones(1, 4)))
attempt(lambda: nn.Softmax2d()(torch.ones(2, 2)))
attempt(lambda: nn.Unflatten(1, (2, 3))(torch.ones(3, 4)))
attempt(lambda: nn.Unflatten(1, torch.Size([2, -1]))(torch.ones(3, 4)).shape)
attempt(lambda: nn.Upsample()(torch.ones(1, 1, 2)))
attempt(lambda: nn.Upsample(scale_factor=2, mode="bilinear")(torch.ones(1, 1, 2)))
attempt(lambda: nn.PixelShuffle(2)(torch.ones(3, 2, 2)))
attempt(lambda: nn.PixelUnshuffle(2)(torch.ones(3, 3, 2)))
attempt(lambda: nn.ChannelShuffle(2)(torch.ones(1, 3, 2)))
attempt(lambda: nn.Fold(4, 2)(torch.ones(1, 8, 8)))
attempt(lambda: nn.Unfold(5)(torch.ones(1, 1, 4, 4)))
attempt(lambda: nn.GLU()(torch.ones(3)))
attempt(lambda: nn.PReLU(3)(torch.ones(2, 2)))
attempt(lambda: nn.Linear(3, 2)(torch.ones(2, 4)))
attempt(lambda: nn.Linear(3, 2)(torch.ones(2, 3).double()))
attempt(lambda: nn.Bilinear(0, 2, 3))
attempt(lambda: nn.Bilinear(2, 3, 4)(torch.ones(1, 2), torch.ones(1, 2)))
attempt(lambda: nn.MaxPool2d(2)(torch.ones(2, 2)))
attempt(lambda: nn.MaxPool1d(2, padding=2)(torch.ones(1, 4)))
attempt(lambda: nn.MaxUnpool2d(2)(torch.ones(1, 1, 1), torch.ones(1, 1, 1).long() * 9))
attempt(lambda: nn.AdaptiveAvgPool2d((2, 2))(torch.ones(2, 2)))
attempt(lambda: nn.FractionalMaxPool2d(5, 2)(torch.ones(1, 3, 3)))
attempt(lambda: nn.Dropout1d()(torch.ones(2)))
attempt(lambda: nn.AvgPool2d(3)(torch.ones(1, 2, 2)))
head = nn.AdaptiveLogSoftmaxWithLoss(8, 10, [3, 6], div_value=2.0)
attempt(lambda: head(torch.ones(2, 8), torch.tensor([1, 10])))
attempt(lambda: head(torch.ones(2, 8), torch.tensor([1, -1])))
attempt(lambda: head(torch.ones(2, 8), torch.tensor(1)))
attempt(lambda: head(torch.ones(2, 8), torch.tensor([1, 2, 3])))
attempt(lambda: head(torch.ones(2, 8), torch.tensor([[1, 2, 3]])))
attempt(lambda: head(torch.ones(8), torch.tensor(9)).output.shape)
attempt(lambda: type(head(torch.ones(2, 8), torch.tensor([1, 9]))).__name__)

# --- refusals of losses
nn = torch.nn


def attempt(made):
    try:
        print(made())
    except Exception as error:
        print(type(error).__name__, error)


x, y = torch.ones(2, 3), torch.tensor([1, 2])
attempt(lambda: nn.MSELoss(reduction="average")(x, x))
attempt(lambda: nn.L1Loss()(x, torch.ones(4)))
attempt(lambda: nn.CrossEntropyLoss()(x, torch.tensor([1, 3])))
attempt(lambda: nn.CrossEntropyLoss()(x, torch.tensor([1])))
attempt(lambda: nn.CrossEntropyLoss()(x, torch.tensor([1.0, 2.0])))
attempt(lambda: nn.CrossEntropyLoss(label_smoothing=2.0)(x, y))
attempt(lambda: nn.CrossEntropyLoss(weight=torch.ones(2))(x, y))
attempt(lambda: nn.NLLLoss(weight=torch.ones(3).double())(x, y))
attempt(lambda: nn.NLLLoss()(x, torch.ones(2, 3).long()))
attempt(lambda: nn.BCELoss()(x * 2, x))
attempt(lambda: nn.BCELoss()(x, torch.ones(3)))
attempt(lambda: nn.BCEWithLogitsLoss()(x, torch.ones(3)))
attempt(lambda: nn.HuberLoss(delta=1j))
attempt(lambda: nn.HuberLoss(delta=-1.0)(x, x))
attempt(lambda: nn.SmoothL1Loss(beta=-1.0)(x, x))
attempt(lambda: nn.KLDivLoss(reduction="batchmean")(x, x))
attempt(lambda: nn.PoissonNLLLoss()(x, x))
attempt(lambda: nn.GaussianNLLLoss()(x, x, -x))
attempt(lambda: nn.GaussianNLLLoss()(x, x, torch.ones(7)))
attempt(lambda: nn.CosineEmbeddingLoss()(x, torch.ones(2, 4), torch.ones(2)))
attempt(lambda: nn.MarginRankingLoss()(x, x, torch.ones(2, 2, 3, 4)))
attempt(lambda: nn.MultiMarginLoss()(x, torch.tensor([1, 3])))
attempt(lambda: nn.MultiLabelMarginLoss()(x, torch.ones(2, 2).long()))
attempt(lambda: nn.TripletMarginLoss()(x, x, torch.ones(2)))
for targets, given, wanted in ((torch.ones(2, 2), [4, 5], [2, 2]), (torch.ones(2, 2), [4, 4], [2, 3]),
                               (torch.ones(4), [4, 4], [2, 3]), (torch.ones(4), [4, -1], [2, 2]),
                               (torch.ones(4), [4, 4], [2, -2]), (torch.ones(4), [4], [2, 2]),
                               (torch.ones(4), [4, 4], [2])):  # fmt: skip
    attempt(lambda t=targets, g=given, w=wanted: nn.CTCLoss()(torch.ones(4, 2, 3), t.long(), g, w))

# --- layers and functions are pickled
import pickle

nn, F = torch.nn, torch.nn.functional
for function in (F.relu, F.gelu, F.softmax, F.silu, F.conv2d, F.linear, F.pad, F.mse_loss, torch.add):
    print(function.__name__, pickle.loads(pickle.dumps(function)) is function)


class Net(nn.Module):
    def __init__(self, activation):
        super().__init__()
        self.layers, self.activation = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)), activation

    def forward(self, x):
        return self.activation(self.layers(x))


torch.manual_seed(0)
net = Net(F.relu).eval()
again = Net(F.tanh)
state = pickle.loads(pickle.dumps(net.__dict__))
again.__dict__.update(state)
print(again, again.activation is F.relu, again(torch.ones(1, 2)).equal(net(torch.ones(1, 2))))
lazy = pickle.loads(pickle.dumps(nn.LazyLinear(2)))
print(lazy, lazy(torch.ones(1, 4)).shape, lazy)

# --- targets that are ignored get no gradient
F = torch.nn.functional
for shape, target in (((1, 3), [1]), ((2, 3), [1, 1]), ((3,), 1), ((1, 3, 2), [[1, 1]]), ((2, 3), [1, 0])):
    for smoothing in (0.0, 0.1):
        x = torch.arange(1.0, 1 + torch.Size(shape).numel()).view(shape).requires_grad_()
        loss = F.cross_entropy(x, torch.tensor(target), ignore_index=1, label_smoothing=smoothing)
        loss.backward()
        print(loss, x.grad)
x = torch.ones(2, 3, requires_grad=True)
(F.nll_loss(x, torch.tensor([1, 0]), ignore_index=1, reduction="none") * float("nan")).sum().backward()
print(x.grad)
x = torch.ones(2, 3, requires_grad=True)
F.nll_loss(x, torch.tensor([1, 1]), torch.tensor([1.0, 0.0, 1.0])).backward()
print(x.grad)

# --- linear_cross_entropy
nn, F = torch.nn, torch.nn.functional


def attempt(made):
    try:
        print(made())
    except Exception as error:
        print(type(error).__name__, error)


torch.manual_seed(0)
x, y = torch.ones(2, 5), torch.tensor([0, 1])
L, Options = nn.LinearCrossEntropyLoss, nn.LinearCrossEntropyOptions
print(Options(batch_chunk_size=3))
attempt(lambda: L(5, 4, out_features=(3, 2), bias=True, options=Options()))
attempt(lambda: L(5, 4)(x, y))
attempt(lambda: L(5, 4, bias=True, reduction="none", ignore_index=1)(x, y))
attempt(lambda: L(5, 4)(x, torch.tensor([[0, 1], [1, 0]])))
attempt(lambda: L(5, 4)(x[0], torch.tensor([0])))
attempt(lambda: L(5, 4)(x[None], torch.tensor([[0, 1]])))
attempt(lambda: L(5, 4, weight=torch.ones(4, 2)))
attempt(lambda: L(5, 4, label_smoothing=-1))
attempt(lambda: L(5, 4, out_features=(2,))(x, torch.ones(2, 2).long()))
attempt(lambda: L(5, 4, out_features=(2,))(x, torch.ones(2, 3).long()))
attempt(lambda: L(5, 4, out_features=(2,))(x[0], torch.ones(2).long()))
attempt(lambda: L(5, 4, ignore_index=1)(x, torch.ones(2, 4)))
attempt(lambda: F.linear_cross_entropy(x, torch.ones(4, 5), y, linear_bias=torch.ones(3)))
attempt(lambda: F.linear_cross_entropy(x, torch.ones(4, 3), y))
attempt(lambda: F.linear_cross_entropy(x, torch.ones(4), y))
attempt(lambda: F.linear_cross_entropy(x, torch.ones(4, 5), torch.tensor([0, 4])))
for wrong in ({"batch_chunk_size": 0}, {"chunking_method": "x"}, {"acc_policy": "x"}, {"acc_dtype": torch.int64}):
    attempt(lambda wrong=wrong: Options(**wrong))

# --- refusals of poolings
F = torch.nn.functional


def attempt(what, made):
    try:
        print(what, made())
    except Exception as error:
        print(what, type(error).__name__, error)


x1, x2, x3 = torch.ones(1, 2, 7), torch.ones(1, 2, 6, 7), torch.ones(1, 2, 5, 6, 7)
SETTINGS = ({"kernel_size": 0}, {"kernel_size": -1}, {"kernel_size": 2, "stride": 0}, {"kernel_size": 2, "stride": -1},
            {"kernel_size": 2, "padding": -1}, {"kernel_size": 2, "padding": 2}, {"kernel_size": 9},
            {"kernel_size": (1, 2, 3, 4)}, {"kernel_size": 2, "stride": (1, 2, 3, 4)}, {"kernel_size": 2, "stride": ()},
            {"kernel_size": 2, "padding": (1, 1, 1, 1)}, {"kernel_size": "a"}, {"kernel_size": 2.0},
            {"kernel_size": [2.0]}, {"kernel_size": True}, {"kernel_size": None})  # fmt: skip
SPREAD = ({"kernel_size": 2, "dilation": 0}, {"kernel_size": 2, "dilation": -1}, {"kernel_size": 3, "dilation": 5},
          {"kernel_size": 2, "dilation": (1, 1, 1, 1)}, {"kernel_size": 2, "dilation": 1.5})  # fmt: skip
for name, x in (("MaxPool1d", x1), ("MaxPool2d", x2), ("MaxPool3d", x3), ("AvgPool1d", x1), ("AvgPool2d", x2),
                ("AvgPool3d", x3)):  # fmt: skip
    pool, largest = getattr(torch.nn, name), name.startswith("Max")
    for setting in SETTINGS + SPREAD * largest:
        if name == "AvgPool1d" and setting["kernel_size"] in ("a", None):
            continue
        attempt((name, setting), lambda pool=pool, x=x, setting=setting: pool(**setting)(x).shape)
        if largest and setting.get("stride") != ():
            attempt("indices", lambda pool=pool, x=x, s=setting: pool(return_indices=True, **s)(x)[1].shape)
    for part in (torch.ones(3), torch.ones(1, 1, 1, 1, 1, 1), x[:0], x[:, :0], x.long(), x.bool(), x.to(torch.complex64)):
        attempt((name, part.dtype, part.shape), lambda pool=pool, part=part: pool(2)(part).shape)
    for size in (None, 2.0, (2, 3), (2.0, 3), (None,)):
        attempt((name, size), lambda x=x, size=size, name=name: getattr(torch.nn, "Adaptive" + name)(size)(x).shape)

# --- found by random layers
nn = torch.nn
torch.manual_seed(0)
print(nn.Dropout3d(0.5)(torch.ones(3, 4, 5))[:, :, 0])
x = torch.arange(6.0).view(1, 1, 3, 2)
for scale in (1.3, (1.3, 2.0)):
    print(nn.Upsample(scale_factor=scale)(x), nn.Upsample(scale_factor=scale, mode="nearest-exact")(x))
for mode, y in (("linear", x[0]), ("bilinear", x), ("trilinear", x[None]), ("bicubic", x)):
    print(nn.Upsample(scale_factor=1.3, mode=mode)(y))
print(nn.RReLU()(torch.tensor(1.0)))
print(nn.CircularPad2d((-1, -1, 1, 1))(torch.ones(2, 2, 4, 2)).shape)
print(nn.Unfold(1, stride=2, padding=1)(torch.ones(1, 2, 3, 3)).stride())
for make in (lambda: nn.Upsample(scale_factor=0.5)(torch.ones(1, 2, 1)), lambda: nn.Fold((4, 2), (2, 3))(torch.ones(2, 12, 1)),
             lambda: nn.Fold((1, 1), (3, 3))(torch.ones(1, 9, 1)),
             lambda: nn.ConvTranspose1d(1, 1, 1, padding=2)(torch.ones(1, 1, 1))):  # fmt: skip
    try:
        print(make())
    except Exception as error:
        print(type(error).__name__, error)
for mode in ("reflect", "replicate"):
    for shape, sides in (((1, 2, 2), (-1, -1)), ((1, 2, 2), (-2, -1)), ((1, 2, 2, 2), (-1, -1, -1, -1)),
                         ((1, 2, 2, 2), (-2, -1, -1, -1)), ((1, 2, 2, 5), (-1, -1, -1, -1)),
                         ((1, 2, 2, 2, 2), (-1, -1, -1, -1, -1, -1)), ((1, 2, 2, 2, 5), (-1, -1, -1, -1, -1, -1)),
                         ((1, 2, 2, 2, 5), (-1, -1, -2, -1, -1, -1)), ((1, 2, 3), (5, 5))):  # fmt: skip
        try:
            print(torch.nn.functional.pad(torch.ones(shape), sides, mode).shape)
        except Exception as error:
            print(type(error).__name__, error)
for mode in ("sum", "mean"):
    bags = nn.EmbeddingBag.from_pretrained(torch.ones(4, 1), freeze=False, mode=mode, scale_grad_by_freq=True)
    bags(torch.tensor([[0, 1], [2, 2]])).sum().backward()
    print(bags.weight.grad.flatten())
scores = torch.arange(1.0, 25).view(4, 2, 3).sin().log_softmax(-1).detach().requires_grad_()
loss = nn.CTCLoss(reduction="none")(scores, torch.ones(2, 2).long(), [1, 4], [2, 2])
print(loss, torch.autograd.grad(loss.sum(), scores)[0].transpose(0, 1))
target = torch.tensor([0.0, 0.5, 1.0], requires_grad=True)
print(torch.autograd.grad(nn.KLDivLoss(reduction="sum")(torch.tensor([-1.0, -2.0, -3.0]), target), target))
