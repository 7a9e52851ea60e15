"""Sequential, ModuleList, ModuleDict, ParameterList, ParameterDict."""

# --- Sequential as a list
from collections import OrderedDict

nn = torch.nn
s = nn.Sequential(nn.Linear(1, 2), nn.ReLU(), nn.Linear(2, 1))
print(s, len(s), s[-1], s[0:2], list(s.state_dict()))
s[1] = nn.Tanh()
del s[0]
print(s, list(s._modules))
s.append(nn.Identity())
s.insert(0, nn.Identity())
s.insert(-1, nn.ReLU())
s.extend([nn.Identity(), nn.Identity()])
print(s)
del s[1:3]
print(s, s.pop(0), s.pop(-1), s)
s += nn.Sequential(nn.Sigmoid())
print(s, nn.Sequential(nn.ReLU()) + nn.Sequential(nn.Tanh()), nn.Sequential(nn.ReLU(), nn.Tanh()) * 2, 2 * nn.Sequential(nn.ReLU()))
s *= 2
print(len(s), nn.Sequential(nn.ReLU(), nn.Tanh(), nn.ReLU())[::2], bool(nn.Sequential()), nn.Sequential())
named = nn.Sequential(OrderedDict([("first", nn.Linear(1, 1)), ("second", nn.ReLU())]))
print(named, named.first, named[0], named.append(nn.Tanh()), named[1:])

# --- Sequential: what is refused
nn = torch.nn
s = nn.Sequential(nn.ReLU(), nn.Tanh())


def attempt(f):
    try:
        print(f())
    except Exception as error:
        print(type(error).__name__, error)


attempt(lambda: s["a"])
attempt(lambda: s[5])
attempt(lambda: s[-3])
attempt(lambda: s[1.5])
attempt(lambda: s[torch.tensor(0)])
attempt(lambda: nn.Sequential({"a": nn.ReLU()}))
attempt(lambda: nn.Sequential(3))
attempt(lambda: nn.Sequential([nn.ReLU()]))
attempt(lambda: nn.Sequential()(3))
attempt(lambda: nn.Sequential(None))
attempt(lambda: nn.Sequential(None)(3))
attempt(lambda: s.__setitem__(9, nn.ReLU()))
attempt(lambda: s.__delitem__(9))
attempt(lambda: s.__setitem__(0, 3))
attempt(lambda: s.extend(3))
attempt(lambda: s + [nn.ReLU()])
attempt(lambda: s.__iadd__([nn.ReLU()]))
attempt(lambda: s.insert(9, nn.ReLU()))
attempt(lambda: s.append(3))
attempt(lambda: s.pop(7))

# --- ModuleList
nn = torch.nn
m = nn.ModuleList([nn.Linear(1, 1) for _ in range(3)])
print(m, m[-1], m[1:], list(m.state_dict()))
m.append(nn.Identity())
m += [nn.ReLU()]
m.extend(nn.Sequential(nn.Identity(), nn.Identity()))
print(m)
m.insert(0, nn.Identity())
m[1] = nn.Tanh()
del m[0]
del m[1:3]
print(m, m.pop(0), len(m), m + [nn.Tanh()], nn.ModuleList(), nn.ModuleList([None]))
print(nn.ModuleList([nn.Sequential(nn.Linear(1, 2), nn.ReLU()) for _ in range(2)] + [nn.Identity()]))
print([name for name in dir(m) if name.isdigit()])


def attempt(f):
    try:
        print(f())
    except Exception as error:
        print(type(error).__name__, error)


attempt(lambda: m(3))
attempt(lambda: m.extend(3))
attempt(lambda: m.append(3))
attempt(lambda: m[9])
attempt(lambda: m["0"])
attempt(lambda: nn.ModuleList(3))
attempt(lambda: nn.ModuleList({"a": nn.ReLU()}))
attempt(lambda: m + 3)
attempt(lambda: m.pop(20))

# --- ModuleDict
from collections import OrderedDict

nn = torch.nn
d = nn.ModuleDict({"b": nn.Identity(), "a": nn.Linear(1, 1)})
print(d, d["b"], list(d), list(d.keys()), list(d.items()), list(d.values()), len(d), "a" in d, list(d.state_dict()))
d["c"] = nn.ReLU()
d.update([["d", nn.Identity()], ("e", nn.Identity())])
d.update(OrderedDict(z=nn.Identity()))
d.update(nn.ModuleDict({"y": nn.Tanh(), "x": nn.Tanh()}))
print(d, d.pop("a"), list(d))
del d["b"]


def attempt(f):
    try:
        print(f())
    except Exception as error:
        print(type(error).__name__, error)


attempt(lambda: d["zz"])
attempt(lambda: d.pop("zz"))
attempt(lambda: d.update(3))
attempt(lambda: d.update([3]))
attempt(lambda: d.update([[1]]))
attempt(lambda: d.update([[1, 2]]))
attempt(lambda: d.__setitem__(1, nn.ReLU()))
attempt(lambda: d.__setitem__("a.b", nn.ReLU()))
attempt(lambda: d.__setitem__("update", nn.ReLU()))
attempt(lambda: d.__setitem__("a", 3))
attempt(lambda: d(3))
d.clear()
print(d, len(d))

# --- ParameterList
nn = torch.nn
p = nn.ParameterList([nn.Parameter(torch.ones(2)), torch.zeros(1, 3), 3, "s", None])
print(p, len(p), p[0], p[1], p[2], p[-1], list(p.state_dict()), [type(value).__name__ for value in p])
p.append(torch.ones(1))
p += [nn.Parameter(torch.ones(2, 2, dtype=torch.float64))]
p.extend([torch.zeros(1).half()])
p[2] = torch.ones(4)
print(p, p[1:3], nn.ParameterList(), nn.ParameterList([torch.tensor(1.0)]), nn.ParameterList([nn.ReLU(), [1]]))


def attempt(f):
    try:
        print(f())
    except Exception as error:
        print(type(error).__name__, error)


attempt(lambda: p[99])
attempt(lambda: p["a"])
attempt(lambda: p.__setitem__(99, 1))
attempt(lambda: p(1))
attempt(lambda: p.extend(3))
attempt(lambda: p.extend(torch.ones(2)))
attempt(lambda: nn.ParameterList(3))
attempt(lambda: nn.ParameterList([torch.ones(2, dtype=torch.int64)]))

# --- ParameterDict
nn = torch.nn
d = nn.ParameterDict({"b": torch.ones(2), "a": nn.Parameter(torch.ones(1, 2)), "c": 3})
print(d, d["a"], list(d), len(d), "a" in d, list(d.state_dict()), d.keys(), list(d.values())[-1], list(d.items())[-1])
d["z"] = torch.zeros(1)
d.update({"q": torch.ones(1)})
d.update([("r", torch.ones(1))])
print(d, d.pop("a"), d.popitem(), d.get("b"), d.get("zz", 7), d.setdefault("s", torch.ones(1)), d.setdefault("c", 9), list(reversed(d)))
del d["b"]
print(d.copy(), d | {"n": torch.ones(1)}, {"n": 1} | nn.ParameterDict({"m": 2}), d.fromkeys(["u", "v"], torch.ones(1)))
d |= {"m": torch.ones(2)}
print(d, nn.ParameterDict([("y", 1), ("x", 2)]), nn.ParameterDict(nn.ParameterDict({"a": torch.ones(1)})))


def attempt(f):
    try:
        print(f())
    except Exception as error:
        print(type(error).__name__, error)


attempt(lambda: d["zz"])
attempt(lambda: d[3])
attempt(lambda: d.__delitem__("zz"))
attempt(lambda: d(3))
attempt(lambda: d.update(3))
attempt(lambda: d.update([3]))
attempt(lambda: d.update([[1]]))
attempt(lambda: nn.ParameterDict({"keys": torch.ones(1)}))
attempt(lambda: nn.ParameterDict({"a.b": torch.ones(1)}))
d.clear()
print(d, len(d))
attempt(lambda: d.popitem())
