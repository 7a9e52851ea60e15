// What all kernels of attention share: where the rows of q, k, v lie, which scores count, and dropout's random numbers.
//
// Operands are (batch, heads, length, width) in any memory order: a stride for the batch, the head and the row says
// where a row starts; only the numbers of one row are neighbours. So the heads that a model cuts out of one product
// (`qkv.view(…).permute(…)`) are read where they lie.
#ifndef ATTENTION_CUH
#define ATTENTION_CUH

#include "block.cuh"
#include "philox.cuh"

template <class A, class B> constexpr bool same = false;
template <class A> constexpr bool same<A, A> = true;

// How far apart, in elements.
struct Rows {
    long long batch, head, row;
    template <class V> __device__ V* of(V* x, int b, int h) const { return x + b * batch + h * head; }
};

struct Problem {
    long long heads;   // of q
    long long shared;  // how many heads of q look at one head of k and v (grouped queries); mostly 1
    long long queries, keys, width, value_width;  // L, S, E, Ev
    long long causal;
    long long dropped;  // dropout: of 2^32 random words, how many drop a weight
    Rows q, k, v, out, by_out, by_q, by_k, by_v, mask;
    long long column;  // of the mask
};

constexpr float LOG2_E = 1.4426950408889634f;

// Exponentials are powers of two, for which the GPU has an instruction: exp(x) = 2^(x · log2 e). The factor is part of
// the scale, so that scores are in units of log 2 everywhere, and log_sum is log2 Σ 2^score.
__device__ inline float score_scale(float scale) { return scale * LOG2_E; }

// The heads of a block: blocks are numbered tile by tile, then head by head.
struct Place {
    int tile, head, batch;
    __device__ Place(int tiles, int heads)
    {
        tile = blockIdx.x % tiles;
        head = blockIdx.x / tiles % heads;
        batch = blockIdx.x / tiles / heads;
    }
};

// Which scores of one head count, and with what added.
struct Look {
    const MASK* mask;  // bool: whether to look; a number: what is added
    int row, column, queries, keys;
    bool causal;
    float scale;

    __device__ Look(const Problem& of, const MASK* all, int batch, int head, float scale)
        : mask(MASKED ? of.mask.of(all, batch, head) : nullptr), row(of.mask.row), column(of.column),
          queries(of.queries), keys(of.keys), causal(of.causal), scale(score_scale(scale))
    {}

    // The score of query i and key j in units of log 2; -inf where i may not look.
    __device__ float score(float product, int i, int j) const
    {
        if (i >= queries || j >= keys || (causal && j > i)) return -infinity();
        float score = product * scale;
        if (MASKED) {
            MASK m = mask[i * row + j * column];
            if constexpr (same<MASK, bool>) return m ? score : -infinity();
            else score += float(m) * LOG2_E;
        }
        return score;
    }
};

// How many tiles of `width` keys the queries up to `last` can see.
__device__ inline int tiles_seen(const Look& look, int last, int width)
{
    int seen = look.causal ? min(look.keys, last + 1) : look.keys;
    return (seen + width - 1) / width;
}

// Dropout of weights. One encryption gives the four words of a square of 2 × 2 weights, so that forward and both
// kernels of backward, which cut the weights into different tiles, draw the same. (The order is our own.)
struct Drop {
    unsigned long long seed, counter, first;
    long long across;
    unsigned int dropped;

    __device__ Drop(const Problem& of, int batch, int head, unsigned long long from, unsigned long long offset)
        : across((of.keys + 1) / 2), dropped(of.dropped)
    {
        locate(from, offset);
        seed = from;
        counter = offset / 4;
        first = (batch * of.heads + head) * ((of.queries + 1) / 2) * across;
    }
    __device__ Words square(int i, int j) const { return philox(seed, first + i / 2 * across + j / 2, counter); }
    __device__ bool keeps(int i, int j) const
    {
        Words words = square(i, j);
        unsigned int low = j % 2 ? words.at[1] : words.at[0], high = j % 2 ? words.at[3] : words.at[2];
        return (i % 2 ? high : low) >= dropped;
    }
};

// What the weights that are kept are multiplied by.
__device__ inline float kept_scale(const Problem& of) { return DROPS ? 1 / (1 - of.dropped * 2.3283064e-10f) : 1; }

#endif
