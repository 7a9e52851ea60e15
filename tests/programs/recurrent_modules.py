# --- representations
nn = torch.nn
print(nn.RNN(3, 4), nn.RNN(3, 4, 2, nonlinearity="relu", bias=False, batch_first=True, dropout=0.5, bidirectional=True))
print(nn.LSTM(3, 4, proj_size=2), nn.GRU(3, 4, 2), nn.RNN(3, 4, 1, "relu"), nn.LSTM(3, 4, 2, dropout=1))
print(nn.RNNCell(3, 4), nn.RNNCell(3, 4, False, "relu"), nn.LSTMCell(3, 4), nn.GRUCell(3, 4, bias=False))

# --- names and shapes of the weights
lstm = torch.nn.LSTM(3, 4, 2, bidirectional=True, proj_size=2)
print([(name, tuple(weight.shape)) for name, weight in lstm.state_dict().items()])
print([[tuple(w.shape) for w in weights] for weights in torch.nn.GRU(3, 4, 2, bidirectional=True).all_weights])
print(list(torch.nn.LSTMCell(3, 4).state_dict()), list(torch.nn.GRUCell(3, 4, False).state_dict()))

# --- initial weights
torch.manual_seed(0)
print(torch.nn.LSTM(3, 2).weight_hh_l0, torch.nn.RNN(2, 2, 2).bias_hh_l1, torch.nn.GRUCell(2, 2).bias_hh)

# --- shapes of results
nn = torch.nn
x = torch.ones(5, 2, 3)
for net in (nn.RNN(3, 4), nn.GRU(3, 4, 2, batch_first=True), nn.RNN(3, 4, 2, bidirectional=True)):
    out, h = net(x)
    one, h1 = net(x[:, 0])
    print(out.shape, out.stride(), h.shape, one.shape, h1.shape)
for net in (nn.LSTM(3, 4), nn.LSTM(3, 4, 2, batch_first=True, proj_size=2, bidirectional=True)):
    out, (h, c) = net(x)
    one, (h1, c1) = net(x[0])
    print(out.shape, out.stride(), h.shape, c.shape, one.shape, h1.shape, c1.shape)
for cell in (nn.RNNCell(3, 4), nn.GRUCell(3, 4)):
    print(cell(x[0]).shape, cell(x[0], torch.zeros(2, 4)).shape, cell(x[0, 0]).shape, cell(x[0, 0], torch.ones(4)).shape)
h, c = nn.LSTMCell(3, 4)(x[0, 0], (torch.zeros(4), torch.ones(4)))
print(h.shape, c.shape, nn.LSTMCell(3, 4)(x[0])[1].shape)

# --- packed input
torch.manual_seed(3)
words = torch.nn.utils.rnn.pack_sequence([torch.randn(2, 3), torch.randn(4, 3), torch.randn(1, 3)], enforce_sorted=False)
for net in (torch.nn.GRU(3, 2, bidirectional=True), torch.nn.LSTM(3, 2, 2)):
    out, h = net(words)
    print(type(out).__name__, out.batch_sizes, out.unsorted_indices)
    print(torch.nn.utils.rnn.pad_packed_sequence(out)[0], h)
    h = torch.ones(2, 3, 2)
    print(net(words, h if isinstance(net, torch.nn.GRU) else (h, h))[0].data.detach())

# --- dropout draws PyTorch's numbers
torch.manual_seed(1)
net = torch.nn.GRU(3, 4, 3, dropout=0.5, batch_first=True)
x = torch.randn(2, 5, 3)
print(net(x)[0].sum(), net(x)[0].sum(), net.eval()(x)[0].sum())
net = torch.nn.LSTM(3, 4, 2, dropout=0.3, bidirectional=True)
print(net(x)[0].sum(), net(x)[0].sum())

# --- settings that are refused
import warnings
def refused(make):
    try:
        print(make())
    except Exception as error:
        print(type(error).__name__, error)
nn = torch.nn
with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("always")
    nn.LSTM(3, 4, dropout=0.5)
print([(w.category.__name__, str(w.message)) for w in seen])
refused(lambda: nn.LSTM(3, 4, dropout=2))
refused(lambda: nn.LSTM(3, 4, dropout=True))
refused(lambda: nn.LSTM(3, 4, bias=1))
refused(lambda: nn.LSTM(3, 4, 1, 3))
refused(lambda: nn.LSTM(3, 4, batch_first=1))
refused(lambda: nn.LSTM(3., 4))
refused(lambda: nn.LSTM(0, 4))
refused(lambda: nn.LSTM(3, 4.))
refused(lambda: nn.LSTM(3, 0))
refused(lambda: nn.LSTM(3, 4, 0))
refused(lambda: nn.LSTM(3, 4, 2.))
refused(lambda: nn.LSTM(3, 4, proj_size=-1))
refused(lambda: nn.LSTM(3, 4, proj_size=4))
refused(lambda: nn.GRU(3, 4, proj_size=2))
refused(lambda: nn.RNN(3, 4, proj_size=2))
refused(lambda: nn.RNN(3, 4, nonlinearity="x"))
refused(lambda: nn.LSTM())
refused(lambda: nn.RNN(3))
refused(lambda: nn.RNNBase("XX", 3, 4))
refused(lambda: nn.RNNBase("LSTM", 3, 4))

# --- inputs and states that are refused
def refused(run):
    try:
        print(run())
    except Exception as error:
        print(type(error).__name__, error)
nn = torch.nn
lstm, gru, rnn = nn.LSTM(3, 4), nn.GRU(3, 4), nn.RNN(3, 4)
x, h = torch.randn(5, 2, 3), torch.zeros(1, 2, 4)
for net in (lstm, gru, rnn):
    refused(lambda: net(torch.randn(3)))
    refused(lambda: net(torch.randn(1, 1, 1, 3)))
    refused(lambda: net(torch.randn(5, 2, 4)))
    refused(lambda: net(x.double()))
    refused(lambda: net(x.long()))
    refused(lambda: net(x[:0]))
refused(lambda: lstm(x, h))
refused(lambda: lstm(x, (h, h[:, :1])))
refused(lambda: lstm(x, (h[:, :1], h)))
refused(lambda: lstm(x, (h[0], h[0])))
refused(lambda: lstm(x, (h[0], h)))
refused(lambda: gru(x, h[0]))
refused(lambda: gru(x, h[:, :1]))
refused(lambda: rnn(x, h[:, :1]))
refused(lambda: rnn(x, h[0]))
refused(lambda: rnn(x[:, 0], h))
refused(lambda: lstm(x[:, 0], (h, h)))
refused(lambda: gru(x, h.double()))
pack = nn.utils.rnn.pack_sequence
refused(lambda: gru(pack([torch.ones(3, 3).double()])))
refused(lambda: gru(pack([torch.ones(3)])))
refused(lambda: gru(pack([torch.ones(3, 2)])))

# --- cells: inputs and states that are refused
def refused(run):
    try:
        print(run())
    except Exception as error:
        print(type(error).__name__, error)
nn = torch.nn
lstm, gru, rnn = nn.LSTMCell(3, 4), nn.GRUCell(3, 4), nn.RNNCell(3, 4)
x, h = torch.randn(5, 2, 3), torch.zeros(1, 2, 4)
for cell in (lstm, gru, rnn):
    refused(lambda: cell(x))
    refused(lambda: cell(torch.randn(2, 4)))
for cell in (gru, rnn):
    refused(lambda: cell(x[0], h))
    refused(lambda: cell(x[0], h[0, 0]))
    refused(lambda: cell(x[0, 0], h[0]))
refused(lambda: lstm(x[0], (h, h)))
refused(lambda: lstm(x[0], (h[0], h)))
refused(lambda: lstm(x[0], (h[0, 0], h[0, 0])))
refused(lambda: lstm(x[0], h[0]))
refused(lambda: lstm(x[0], (h[0],)))
refused(lambda: nn.RNNCell(3, 4, nonlinearity="x")(x[0]))

# --- functions: what is refused
def refused(run):
    try:
        print(run())
    except Exception as error:
        print(type(error).__name__, error)
x, h = torch.randn(3, 2, 4), torch.zeros(1, 2, 5)
lstm, gru = torch.nn.LSTM(4, 5).all_weights[0], torch.nn.GRU(4, 5).all_weights[0]
rest = (True, 1, 0., False, False, False)
refused(lambda: torch.lstm(x, (h,), lstm, *rest))
refused(lambda: torch.gru(x, h, gru[:3], *rest))
refused(lambda: torch.gru(x[:0], h, gru, *rest))
refused(lambda: torch.gru(x[..., :3], h, gru, *rest))
refused(lambda: torch.gru(x.double(), h, gru, *rest))
refused(lambda: torch.gru(x, h.double(), gru, *rest))
refused(lambda: [tuple(t.shape) for t in torch.gru(x[:, :0], h[:, :0], gru, *rest)])
refused(lambda: [tuple(t.shape) for t in torch.lstm(x[:, :0], (h[:, :0], h[:, :0]), lstm, *rest)])

# --- copies, conversions and replaced weights
import copy
net = copy.deepcopy(torch.nn.LSTM(3, 4)).double()
print(net(torch.zeros(5, 2, 3, dtype=torch.float64))[0].dtype, net.flatten_parameters())
net.weight_ih_l0 = torch.nn.Parameter(torch.zeros(16, 3).double())
net(torch.ones(5, 2, 3).double())[0].sum().backward()
print(net.weight_ih_l0.grad.abs().sum() > 0, torch.nn.GRU(3, 4).half()(torch.zeros(5, 2, 3).half())[0].dtype)
