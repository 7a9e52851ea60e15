"""Functions at a second address, functions that are gone, and branches as functions."""

# --- torch.functional
x = torch.arange(6.0).reshape(2, 3)
print(torch.functional.einsum("ij,ij->i", x, x), torch.functional.norm(x), torch.functional.split(x, 2, dim=1))
print(torch.functional.tensordot(x, x.T, 1), torch.functional.unique(torch.tensor([3, 1, 3])), torch.functional.atleast_2d(torch.tensor(1.0)))
print(sorted(torch.functional.__all__))

# --- removed in favour of torch.linalg
x = torch.eye(2)
for call in (lambda: torch.eig(x), lambda: x.eig(eigenvectors=True), lambda: torch.lstsq(x, x), lambda: x.lstsq(x), lambda: torch.solve(x, x),
             lambda: torch.symeig(x), lambda: x.symeig(), lambda: torch.matrix_rank(x)):
    try:
        call()
    except RuntimeError as error:
        print(str(error)[:66])

# --- cond
x = torch.tensor([4.0, 9.0])
print(torch.cond(True, torch.sqrt, torch.neg, (x,)), torch.cond(False, lambda a, b: a + b, lambda a, b: a - b, (x, x)))
for wrong in (("yes", torch.sqrt, torch.neg, (x,)), (x > 0, torch.sqrt, torch.neg, (x,)), (torch.tensor(True), 1, 2), (torch.tensor(True), torch.sqrt, torch.neg, x)):
    try:
        torch.cond(*wrong)
    except RuntimeError as error:
        print(error)
