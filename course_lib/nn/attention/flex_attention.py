"""Attention with a rule of one's own: `flex_attention` lets a function change each score, and a mask leave pairs out.

The functions get whole tensors of indices that broadcast to (B, H, Q_LEN, KV_LEN) where PyTorch's get one index each
time: written with torch functions, as they must be, they compute the same. The matrix of scores is made in full.

Source: https://docs.pytorch.org/docs/stable/nn.attention.flex_attention.html; Dong et al. (2024), arXiv:2412.05496
"""

from __future__ import annotations

import math
from typing import NamedTuple

import course_lib as torch

from ...tensor import Tensor
from ...utils._pytree import register_pytree_node

_DEFAULT_SPARSE_BLOCK_SIZE = 128
_MORE = (
    "...\nTo print out more, set BlockMask.to_string(limit=N)\n"
    "You can also index (BlockMask[batch, head]) to choose a specific batch or head"
)
FlexKernelOptions = dict  # accepted: there is no kernel to tune


class AuxRequest(NamedTuple):
    """What flex_attention shall return besides the output."""

    lse: bool = False
    max_scores: bool = False


class AuxOutput(NamedTuple):
    """The logarithm of each query's sum of exponentials, and its largest score."""

    lse: Tensor | None = None
    max_scores: Tensor | None = None


# ---- masks ---------------------------------------------------------------------------------------------------------


def noop_mask(batch, head, token_q, token_kv) -> Tensor:
    """Every query may look at every key."""
    return torch.ones((), dtype=torch.bool, device=batch.device)


def and_masks(*mask_mods):
    """The mask of the pairs that all of these masks let pass."""
    _check_callable(mask_mods)

    def and_mask(b, h, q_idx, kv_idx):
        found = torch.ones((), dtype=torch.bool, device=b.device)
        for mask in mask_mods:
            found = found & mask(b, h, q_idx, kv_idx)
        return found

    return and_mask


def or_masks(*mask_mods):
    """The mask of the pairs that one of these masks lets pass."""
    _check_callable(mask_mods)

    def or_mask(b, h, q_idx, kv_idx):
        found = torch.zeros((), dtype=torch.bool, device=b.device)
        for mask in mask_mods:
            found = found | mask(b, h, q_idx, kv_idx)
        return found

    return or_mask


def _check_callable(mask_mods) -> None:
    if not all(callable(mask) for mask in mask_mods):
        raise RuntimeError(f"All inputs should be callable mask_mods: {mask_mods}")


def _indices(sizes, device) -> list[Tensor]:
    """Index tensors for each of the dimensions, which broadcast to `sizes`."""
    return [torch.arange(n, device=device, dtype=torch.int32).view(*[-1 if j == i else 1 for j in range(len(sizes))])
            for i, n in enumerate(sizes)]  # fmt: skip


def create_mask(mod_fn, B, H, Q_LEN, KV_LEN, device=None) -> Tensor:
    """What a mask function, or a score function for scores 0, gives for all pairs: (B or 1, H or 1, Q_LEN, KV_LEN).

    >>> from course_lib.nn.attention.flex_attention import create_mask
    >>> create_mask(lambda b, h, q, k: q >= k, None, None, 2, 2).int()
    tensor([[[[1, 0],
              [1, 1]]]], dtype=torch.int32)
    """
    sizes = (B or 1, H or 1, Q_LEN, KV_LEN)
    where = _indices(sizes, device)
    if _parameter_count(mod_fn) == 5:
        return mod_fn(torch.zeros(sizes, device=device), *where).expand(sizes)
    return mod_fn(*where).expand(sizes)


def _parameter_count(function) -> int:
    import inspect

    parameters = inspect.signature(function).parameters.values()
    return sum(p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)


class BlockMask:
    """A mask as PyTorch's kernels want it: for each row of blocks of queries the blocks of keys that are looked at, and
    `mask_mod`, which decides within them. Blocks in `full_…` are looked at without asking it.

    Made by `create_block_mask` or `BlockMask.from_kv_blocks`.
    """

    _TENSORS = ("kv_num_blocks", "kv_indices", "full_kv_num_blocks", "full_kv_indices", "q_num_blocks", "q_indices",
                "full_q_num_blocks", "full_q_indices")  # fmt: skip

    def __init__(self, seq_lengths, kv_num_blocks, kv_indices, full_kv_num_blocks, full_kv_indices, q_num_blocks,
                 q_indices, full_q_num_blocks, full_q_indices, BLOCK_SIZE=(128, 128), mask_mod=noop_mask):  # fmt: skip
        if kv_indices.dim() < 2:
            raise RuntimeError("BlockMask must have at least 2 dimensions")
        self.seq_lengths, self.BLOCK_SIZE, self.mask_mod = seq_lengths, BLOCK_SIZE, mask_mod
        self.kv_num_blocks, self.kv_indices = kv_num_blocks, kv_indices
        self.full_kv_num_blocks, self.full_kv_indices = full_kv_num_blocks, full_kv_indices
        self.q_num_blocks, self.q_indices = q_num_blocks, q_indices
        self.full_q_num_blocks, self.full_q_indices = full_q_num_blocks, full_q_indices

    @classmethod
    def from_kv_blocks(cls, kv_num_blocks, kv_indices, full_kv_num_blocks=None, full_kv_indices=None, BLOCK_SIZE=128,
                       mask_mod=None, seq_lengths=None, compute_q_blocks=True):  # fmt: skip
        """A mask from how many blocks of keys each row of blocks has (…, rows), and which (…, rows, columns)."""
        if kv_indices.dim() < 2:
            raise RuntimeError("BlockMask must have at least 2 dimensions")
        sizes = (BLOCK_SIZE, BLOCK_SIZE) if isinstance(BLOCK_SIZE, int) else BLOCK_SIZE
        if seq_lengths is None:
            seq_lengths = kv_indices.shape[-2] * sizes[0], kv_indices.shape[-1] * sizes[1]
        whole = full_kv_num_blocks is not None
        partial = _ordered(_dense(kv_num_blocks, kv_indices).transpose(-2, -1))
        full = _ordered(_dense(full_kv_num_blocks, full_kv_indices).transpose(-2, -1)) if whole else (None, None)
        if not compute_q_blocks:
            partial = full = (None, None)
        return cls(seq_lengths, kv_num_blocks, kv_indices, full_kv_num_blocks, full_kv_indices, *partial, *full, sizes,
                   mask_mod or noop_mask)  # fmt: skip

    @property
    def shape(self) -> tuple[int, ...]:
        return *self.kv_indices.shape[:-2], *self.seq_lengths

    def numel(self) -> int:
        """The number of pairs."""
        return math.prod(self.shape)

    def to_dense(self) -> Tensor:
        """1 for each block that is looked at: (B, H, rows, columns), int32."""
        dense = _dense(self.kv_num_blocks, self.kv_indices)
        if self.full_kv_num_blocks is not None:
            dense = dense | _dense(self.full_kv_num_blocks, self.full_kv_indices)
        return dense

    def sparsity(self) -> float:
        """How many per cent of the pairs lie in blocks that are left out."""
        looked_at = self.kv_num_blocks.sum()
        if self.full_kv_num_blocks is not None:
            looked_at = looked_at + self.full_kv_num_blocks.sum()
        return 100 * (1 - looked_at.item() * self.BLOCK_SIZE[0] * self.BLOCK_SIZE[1] / self.numel())

    def as_tuple(self, flatten: bool = True):
        """The parts in the order of the constructor."""
        lengths = self.seq_lengths if flatten else (self.seq_lengths,)
        sizes = self.BLOCK_SIZE if flatten else (self.BLOCK_SIZE,)
        return *lengths, *[getattr(self, name) for name in self._TENSORS], *sizes, self.mask_mod

    def to(self, device) -> BlockMask:
        """The mask with its tensors on a device."""
        moved = [t if t is None else t.to(device) for t in (getattr(self, name) for name in self._TENSORS)]
        return BlockMask(self.seq_lengths, *moved, self.BLOCK_SIZE, self.mask_mod)

    def __getitem__(self, index) -> BlockMask:
        """The mask of some samples, heads or rows of blocks; `mask_mod` stays."""
        index = index if isinstance(index, tuple) else (index,)
        index = tuple([slice(i, i + 1) if isinstance(i, int) else i for i in index])
        full = self.full_kv_num_blocks is not None
        return BlockMask.from_kv_blocks(
            self.kv_num_blocks[index], self.kv_indices[index], self.full_kv_num_blocks[index] if full else None,
            self.full_kv_indices[index] if full else None, self.BLOCK_SIZE, self.mask_mod,
        )  # fmt: skip

    def _allowed(self, B: int, H: int, Q_LEN: int, KV_LEN: int, device) -> Tensor:
        """The mask for all pairs: mask_mod in the partial blocks, everything in the full ones."""
        rows, columns = self.BLOCK_SIZE

        def pairs(num_blocks, indices):
            blocks = _dense(num_blocks, indices).bool().to(device)
            return blocks.repeat_interleave(rows, -2).repeat_interleave(columns, -1)[..., :Q_LEN, :KV_LEN]

        allowed = create_mask(self.mask_mod, B, H, Q_LEN, KV_LEN, device) & pairs(self.kv_num_blocks, self.kv_indices)
        if self.full_kv_num_blocks is not None:
            allowed = allowed | pairs(self.full_kv_num_blocks, self.full_kv_indices)
        return allowed

    def to_string(self, grid_size=(20, 20), limit: int = 4) -> str:
        """A picture of each head's blocks: black where pairs are looked at. At most `limit` heads are drawn."""
        dense, most = self.to_dense(), grid_size if isinstance(grid_size, tuple) else (grid_size, grid_size)
        dense = dense.reshape(-1, *dense.shape[-2:]) if dense.dim() > 2 else dense[None]
        heads = list(_places(self.kv_indices.shape[:-2]))
        drawn = [f"{place}\n{_drawn(block, most)}" for place, block in zip(heads[:limit], dense, strict=False)]
        return "\n\n".join([*drawn, *([_MORE] if len(heads) > limit else [])])

    def __str__(self) -> str:
        return f"BlockMask(shape={self.shape}, sparsity={self.sparsity():.2f}%, \n{self.to_string()}\n)"

    def __repr__(self) -> str:
        parts = [(name, getattr(self, name)) for name in self._TENSORS]
        lines = [f"    {name}={value if value is None else value.shape}," for name, value in parts]
        lines += [f"    BLOCK_SIZE={self.BLOCK_SIZE},", f"    shape={self.shape},",
                  f"    sparsity={self.sparsity():.2f}%,", f"    mask_mod={_name_of(self.mask_mod)}"]  # fmt: skip
        return "BlockMask(\n" + "\n".join(lines) + "\n)"


def _parts(mask: BlockMask) -> tuple[list, tuple]:
    return [getattr(mask, name) for name in mask._TENSORS], (mask.seq_lengths, mask.BLOCK_SIZE, mask.mask_mod)


register_pytree_node(BlockMask, _parts, lambda tensors, rest: BlockMask(rest[0], *tensors, *rest[1:]))


def _name_of(function) -> str:
    return getattr(function, "__name__", str(function))


def _places(sizes):
    """All positions of a grid of these sizes."""
    if not sizes:
        return [()]
    return [(i, *rest) for i in range(sizes[0]) for rest in _places(sizes[1:])]


def _drawn(blocks: Tensor, most: tuple[int, int]) -> str:
    """A matrix of blocks as text, several blocks a character where there are more than `most`."""
    shares = [max(1, -(-n // m)) for n, m in zip(blocks.shape, most, strict=True)]
    lines = []
    for top in range(0, blocks.shape[0], shares[0]):
        line = ""
        for left in range(0, blocks.shape[1], shares[1]):
            part = blocks[top : top + shares[0], left : left + shares[1]].float().mean().item()
            line += "██" if part == 1 else "  " if part == 0 else "░░"
        lines.append(line)
    return "\n".join(lines)


def _dense(num_blocks: Tensor, indices: Tensor) -> Tensor:
    """1 where a block is in the list of its row."""
    columns = torch.arange(indices.shape[-1], device=indices.device)
    listed = (columns < num_blocks.unsqueeze(-1)).int()
    return torch.zeros_like(indices, dtype=torch.int32).scatter_add(-1, indices.long(), listed).clamp(max=1)


def _ordered(dense: Tensor) -> tuple[Tensor, Tensor]:
    """How many blocks each row has, and their numbers, before those that it has not."""
    dense = dense.int()
    order = torch.argsort(dense, dim=-1, descending=True, stable=True)
    return dense.sum(-1).int().contiguous(), order.int().contiguous()


def create_block_mask(
    mask_mod, B, H, Q_LEN, KV_LEN, device=None, BLOCK_SIZE=_DEFAULT_SPARSE_BLOCK_SIZE, _compile=False,
    separate_full_blocks=True, compute_dq_write_order=False, dq_kv_order=True,
) -> BlockMask:  # fmt: skip
    """The BlockMask of a mask function `mask_mod(b, h, q_idx, kv_idx)`. B or H None: the same for all samples or heads.

    >>> from course_lib.nn.attention.flex_attention import create_block_mask
    >>> create_block_mask(lambda b, h, q, k: q >= k, None, None, 256, 256).to_dense()
    tensor([[[[1, 0],
              [1, 1]]]], dtype=torch.int32)
    """
    if _parameter_count(mask_mod) != 4:
        raise AssertionError(f"create-block_mask requires a mask_mod function! Got {mask_mod}")
    rows, columns = (BLOCK_SIZE, BLOCK_SIZE) if isinstance(BLOCK_SIZE, int) else BLOCK_SIZE
    mask = create_mask(mask_mod, B, H, Q_LEN, KV_LEN, device)
    padded = torch.nn.functional.pad(mask, (0, -KV_LEN % columns, 0, -Q_LEN % rows))
    sizes = (padded.shape[-2] // rows, rows, padded.shape[-1] // columns, columns)
    inside = padded.reshape(*padded.shape[:-2], *sizes).int().sum((-3, -1))
    full = inside == rows * columns
    partial = (inside > 0) & ~full if separate_full_blocks else inside > 0
    whole = _ordered(full) if separate_full_blocks else (None, None)
    return BlockMask.from_kv_blocks(*_ordered(partial), *whole, (rows, columns), mask_mod, (Q_LEN, KV_LEN))


# ---- attention -----------------------------------------------------------------------------------------------------


def flex_attention(query, key, value, score_mod=None, block_mask=None, scale=None, enable_gqa=False, return_lse=False,
                   kernel_options=None, *, return_aux=None):  # fmt: skip
    """flex_attention(query, key, value, score_mod=None, block_mask=None, scale=None, enable_gqa=False,
    return_lse=False) -> Tensor

    `softmax(score_mod(query @ key.T * scale)) @ value` over the pairs that `block_mask` lets pass: query (B, H, L, E),
    key (B, H, S, E), value (B, H, S, Ev), result (B, H, L, Ev). score_mod(score, b, h, q_idx, kv_idx) gives the new
    score. A query without any key gives zeros. enable_gqa: several heads of the query share one head of key and value.

    >>> import course_lib as torch
    >>> from course_lib.nn.attention.flex_attention import flex_attention
    >>> q = torch.zeros(1, 1, 2, 4)
    >>> flex_attention(q, q, torch.tensor([[[[1.0], [3.0]]]]), lambda s, b, h, i, j: torch.where(i >= j, s, -torch.inf))
    tensor([[[[1.],
              [2.]]]])

    Source: https://docs.pytorch.org/docs/stable/nn.attention.flex_attention.html
    """
    _check(query, key, value, enable_gqa)
    if enable_gqa:
        key, value = [t.repeat_interleave(query.size(1) // t.size(1), 1) for t in (key, value)]
    precision = torch.float64 if query.dtype is torch.float64 else torch.float32
    scores = (query @ key.transpose(-2, -1)).to(precision) * (query.size(-1) ** -0.5 if scale is None else scale)
    if score_mod is not None:
        scores = score_mod(scores, *_indices(scores.shape, query.device)).expand(scores.shape)
    if block_mask is not None:
        allowed = block_mask._allowed(*scores.shape, query.device)
        scores = torch.where(allowed, scores, -math.inf)
    blind = (scores == -math.inf).all(-1, keepdim=True)
    weights = torch.softmax(scores.masked_fill(blind, 0), -1).masked_fill(blind, 0)
    out = weights.to(query.dtype) @ value
    lse = torch.logsumexp(scores, -1)
    if return_aux is not None:
        high = scores.amax(-1) if return_aux.max_scores else None
        return out, AuxOutput(lse if return_aux.lse else None, high)
    return (out, lse) if return_lse else out


def _check(query, key, value, enable_gqa: bool) -> None:
    """NotImplementedError or ValueError where the operands are not four-dimensional or their heads do not fit."""
    if query.dim() != 4 or key.dim() != 4 or value.dim() != 4:
        raise NotImplementedError("NYI: query, key, and value must be 4D tensors")
    if not enable_gqa and query.size(1) != key.size(1):
        raise ValueError(
            f"Expect query and key/value to have the same number of heads but got Hq={query.size(1)} and "
            f"Hkv={key.size(1)}. Try setting enable_gqa=True for GQA."
        )
    if query.size(1) % key.size(1):
        raise ValueError(
            f"Expect number of query heads to be a multiple of kv heads for GQA but got Hq={query.size(1)} and "
            f"Hkv={key.size(1)}."
        )


__all__ = ["AuxOutput", "AuxRequest", "BlockMask", "FlexKernelOptions", "and_masks", "create_block_mask",
           "create_mask", "flex_attention", "noop_mask", "or_masks"]  # fmt: skip
