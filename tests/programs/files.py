"""Saving to files and loading: what may be in a file, what may not, and copies."""

# --- a tensor into a file and back
import io
file = io.BytesIO()
torch.save(torch.arange(6.0).reshape(2, 3), file)
file.seek(0)
print(torch.load(file))

# --- views stay views of one memory
import io
file = io.BytesIO()
x = torch.arange(6)
torch.save({"all": x, "tail": x[2:], "turned": x.reshape(2, 3).T}, file)
file.seek(0)
read = torch.load(file)
read["all"][3] = 100
print(read)
print(read["tail"].storage_offset(), read["turned"].stride(), read["tail"].untyped_storage().nbytes())

# --- the state of a model and of its optimizer
import io
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
x = torch.ones(5, 3)
def step():
    loss = (model(x) - 1).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return round(loss.item(), 4)
print(step(), step())
file = io.BytesIO()
torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 2}, file)
later = [step(), step()]
file.seek(0)
checkpoint = torch.load(file)
print(checkpoint["epoch"], list(checkpoint["model"]), checkpoint["optimizer"]["param_groups"][0]["momentum"])
print(dict(checkpoint["model"]._metadata))
model.load_state_dict(checkpoint["model"])
optimizer.load_state_dict(checkpoint["optimizer"])
print([step(), step()] == later, later)

# --- a whole model
import io
torch.manual_seed(0)
model = torch.nn.LSTM(2, 3)
file = io.BytesIO()
torch.save(model, file)
file.seek(0)
read = torch.load(file, weights_only=False)
print(read, torch.equal(read(torch.ones(4, 2))[0], model(torch.ones(4, 2))[0]))
file.seek(0)
try:
    torch.load(file)
except Exception as error:
    print(type(error).__name__, error)

# --- what may be in a file
import collections, io
found = {"numbers": [1, 2.5, 1j, True, None, 2**80], "texts": ("a", b"b", bytearray(b"c")), (1, 2): {3},
         "types": [torch.float16, torch.Size([2, 3]), torch.device("cuda:1"), torch.strided],
         "counts": collections.Counter("abca"), "ordered": collections.OrderedDict(z=1, a=2),
         "parameter": torch.nn.Parameter(torch.ones(2)), "leaf": torch.ones(1, requires_grad=True)}
file = io.BytesIO()
torch.save(found, file)
file.seek(0)
for name, value in torch.load(file).items():
    print(name, list(value.items()) if isinstance(value, dict) else value)

# --- what may not
import collections, io
class Call:
    def __init__(self, function, *arguments):
        self.reduced = function, arguments
    def __reduce__(self):
        return self.reduced
for obj in (Call(eval, "print('run!')"), frozenset([1]), range(3), collections.deque([1])):
    file = io.BytesIO()
    torch.save(obj, file)
    file.seek(0)
    try:
        print(torch.load(file))
    except Exception as error:
        print(type(error).__name__, *[line for line in str(error).splitlines() if "GLOBAL" in line])

# --- classes that are allowed
import io
allowed = [set, torch.nn.ReLU]
with torch.serialization.safe_globals(allowed):
    file = io.BytesIO()
    torch.save([{1}, torch.nn.ReLU], file)
    file.seek(0)
    print(torch.load(file)[0], torch.nn.ReLU in torch.serialization.get_safe_globals())
print(torch.nn.ReLU in torch.serialization.get_safe_globals())

# --- where storages go
import io
file = io.BytesIO()
torch.save([torch.ones(2), torch.zeros(3, dtype=torch.int16)], file)
def look(storage, location):
    print(type(storage).__name__, storage.nbytes(), location)
for location in ("cpu", torch.device("cpu"), {"cuda": "cpu"}, look, "nowhere"):
    file.seek(0)
    try:
        print(torch.load(file, map_location=location))
    except Exception as error:
        print(type(error).__name__, error)

# --- files that are none
import io
for content in (b"PK\x03\x04" + bytes(100), b"\x80\x02K\x01."):
    try:
        torch.load(io.BytesIO(content))
    except Exception as error:
        print(type(error).__name__, error)

# --- a file on the disk
import os, tempfile
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "x.pt")
    for value in (1, 2):
        torch.save(torch.full((3,), value), path)
    print(torch.load(path), torch.load(path, mmap=True), os.listdir(folder))

# --- copies
import copy, pickle
x = torch.arange(4.0)
x.note = ["a"]
made = copy.deepcopy([x, x[1:]])
made[0][1] = 9
print(made, x, made[0].note, made[0].note is x.note)
print(pickle.loads(pickle.dumps({"x": x.reshape(2, 2).T, "d": torch.int8, "s": x.shape})))
