// Scaled dot-product attention without the matrix of weights: softmax(q · kᵀ · scale) · v, tile by tile.
//
// q (heads, L, E), k and v (heads, S, E), E at most HEAD, which the loader defines as 32, 64 or 128. A block takes 16
// queries of one head: 4 warps with 4 queries each. It walks over the keys 32 at a time: the tile of k and v comes into
// shared memory once for all 16 queries, and lane j of a warp computes the score of key j.
//
// The softmax is "online": what is known of a query's scores so far is their maximum and the sum of exponentials; when
// a tile brings a larger maximum, the sum and the result so far are scaled down by exp(old - new). So memory grows with
// L, not with L · S. Kept for backward is log Σ exp(score) of every query, from which any weight can be computed again.
//
// Source: Dao et al. (2022), arXiv:2205.14135; Milakov & Gimelshein (2018), arXiv:1805.02867
#include "block.cuh"

constexpr int TILE = 32;       // columns walked over at a time, one for each lane
constexpr int WARPS = 4;
constexpr int EACH = 4;        // rows of each warp
constexpr int ROWS = WARPS * EACH;
constexpr int BACK_EACH = 2;   // backward has twice the tiles and as much shared memory: fewer rows
constexpr int BACK_ROWS = WARPS * BACK_EACH;
constexpr int SHARE = HEAD / WARP;  // numbers of a row's result that one lane keeps in registers

// Loops over EACH and SHARE are unrolled: registers have no addresses, so an array lives in them only if every index is
// a constant once the compiler is done. The long loops are unrolled a little only: with all of HEAD at once the
// compiler reads ahead into more registers than there are.

// Rows of one head in shared memory as Acc. A row is one number longer than needed: lane j reads row j, and with a
// length that is a multiple of 32 all lanes would hit the same of the 32 memory banks.
template <int COUNT> struct Tile {
    Acc at[COUNT][HEAD + 1];

    // Rows first … first + COUNT - 1 of x (length, width); 0 behind the end.
    __device__ void load(const T* x, int first, int length, int width)
    {
        for (int i = threadIdx.x; i < COUNT * HEAD; i += blockDim.x) {
            int row = i / HEAD, column = i % HEAD;
            bool there = first + row < length && column < width;
            at[row][column] = there ? Acc(x[(long long)(first + row) * width + column]) : Acc(0);
        }
    }

    __device__ Acc dot(int row, const Acc* other) const
    {
        Acc sum = 0;
        #pragma unroll 8
        for (int e = 0; e < HEAD; ++e) sum += at[row][e] * other[e];
        return sum;
    }
};

// A row of the result, spread over the lanes of a warp: lane j has the numbers j, j + 32, …
struct Spread {
    Acc part[SHARE];

    __device__ void clear() { scale(0); }
    __device__ void scale(Acc factor)
    {
        #pragma unroll
        for (int s = 0; s < SHARE; ++s) part[s] = factor == 0 ? Acc(0) : part[s] * factor;
    }
    // += Σ over the tile's rows of weight · row; lane j of the warp holds the weight of row j.
    template <int COUNT> __device__ void add(Acc weight, const Tile<COUNT>& rows)
    {
        int lane = threadIdx.x % WARP;
        #pragma unroll 4
        for (int j = 0; j < TILE; ++j) {
            Acc of_j = __shfl_sync(ALL_LANES, weight, j);
            #pragma unroll
            for (int s = 0; s < SHARE; ++s) part[s] += of_j * rows.at[j][s * WARP + lane];
        }
    }
    __device__ void store(T* row, int width) const
    {
        #pragma unroll
        for (int s = 0; s < SHARE; ++s) {
            int column = s * WARP + threadIdx.x % WARP;
            if (column < width) row[column] = T(part[s]);
        }
    }
};

// Whether query i may look at key j.
__device__ inline bool may_look(int i, int j, int queries, int keys, bool causal)
{
    return i < queries && j < keys && !(causal && j > i);
}

// How many tiles of keys the queries up to `last` can see.
__device__ inline int tiles_seen(int last, int keys, bool causal)
{
    int seen = causal ? min(keys, last + 1) : keys;
    return (seen + TILE - 1) / TILE;
}

extern "C" __global__ void attention_forward(const T* q, const T* k, const T* v, T* out, Acc* log_sum, int queries,
                                             int keys, int width, Acc scale, bool causal)
{
    __shared__ Tile<ROWS> own;
    __shared__ Tile<TILE> near, values;
    int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP, first = blockIdx.x * ROWS;
    long long head = blockIdx.y, from = head * queries * width;
    k += head * keys * width;
    v += head * keys * width;
    own.load(q + from, first, queries, width);
    Spread made[EACH];
    Acc high[EACH], sum[EACH];
    #pragma unroll
    for (int e = 0; e < EACH; ++e) {
        made[e].clear();
        high[e] = -infinity();
        sum[e] = 0;
    }
    for (int tile = 0; tile < tiles_seen(first + ROWS - 1, keys, causal); ++tile) {
        __syncthreads();  // the last tile has been used by all
        near.load(k, tile * TILE, keys, width);
        values.load(v, tile * TILE, keys, width);
        __syncthreads();
        #pragma unroll
        for (int e = 0; e < EACH; ++e) {
            int row = warp * EACH + e;
            bool look = may_look(first + row, tile * TILE + lane, queries, keys, causal);
            Acc score = look ? near.dot(lane, own.at[row]) * scale : -infinity();
            Acc highest = larger(high[e], over_warp<Max>(score));
            if (highest == -infinity()) continue;  // nothing to see yet, for all lanes of the warp
            Acc weight = exp(score - highest), shrink = exp(high[e] - highest);
            sum[e] = sum[e] * shrink + over_warp<Sum>(weight);
            made[e].scale(shrink);
            made[e].add(weight, values);
            high[e] = highest;
        }
    }
    #pragma unroll
    for (int e = 0; e < EACH; ++e) {
        int row = first + warp * EACH + e;
        if (row >= queries) continue;
        made[e].scale(Acc(1) / sum[e]);
        made[e].store(out + from + (long long)row * width, width);
        if (lane == 0) log_sum[head * queries + row] = high[e] + log(sum[e]);
    }
}

// The weight w of a pair and the slope of the loss by its score: w · (dout·v - Σ dout·out). `balance` is that last sum.
struct Pair {
    Acc weight, slope;
    __device__ Pair(bool look, Acc score, Acc by_weight, Acc log_sum, Acc balance)
    {
        weight = look ? exp(score - log_sum) : Acc(0);
        slope = weight * (by_weight - balance);
    }
};

// balance[row] = Σ g · out: a warp for each row of (rows, width).
extern "C" __global__ void attention_balance(const T* g, const T* out, Acc* balance, int rows, int width)
{
    int row = blockIdx.x * (blockDim.x / WARP) + threadIdx.x / WARP;
    Acc sum = 0;
    for (int i = threadIdx.x % WARP; i < width && row < rows; i += WARP)
        sum += Acc(g[(long long)row * width + i]) * Acc(out[(long long)row * width + i]);
    sum = over_warp<Sum>(sum);
    if (threadIdx.x % WARP == 0 && row < rows) balance[row] = sum;
}

// by_q[i] = scale · Σ_j slope[i, j] · k[j]: blocks own queries and walk over keys, as in forward.
extern "C" __global__ void attention_by_query(const T* g, const T* q, const T* k, const T* v, const Acc* log_sum,
                                              const Acc* balance, T* by_q, int queries, int keys, int width, Acc scale,
                                              bool causal)
{
    __shared__ Tile<BACK_ROWS> own, slopes;
    __shared__ Tile<TILE> near, values;
    int lane = threadIdx.x % WARP, start = threadIdx.x / WARP * BACK_EACH, first = blockIdx.x * BACK_ROWS;
    long long head = blockIdx.y, from = head * queries * width;
    k += head * keys * width;
    v += head * keys * width;
    log_sum += head * queries;
    balance += head * queries;
    own.load(q + from, first, queries, width);
    slopes.load(g + from, first, queries, width);
    Spread made[BACK_EACH];
    #pragma unroll
    for (int e = 0; e < BACK_EACH; ++e) made[e].clear();
    for (int tile = 0; tile < tiles_seen(first + BACK_ROWS - 1, keys, causal); ++tile) {
        __syncthreads();
        near.load(k, tile * TILE, keys, width);
        values.load(v, tile * TILE, keys, width);
        __syncthreads();
        #pragma unroll
        for (int e = 0; e < BACK_EACH; ++e) {
            int row = start + e, i = first + row;
            bool look = may_look(i, tile * TILE + lane, queries, keys, causal);
            Pair pair(look, near.dot(lane, own.at[row]) * scale, values.dot(lane, slopes.at[row]),
                      i < queries ? log_sum[i] : Acc(0), i < queries ? balance[i] : Acc(0));
            made[e].add(pair.slope * scale, near);
        }
    }
    #pragma unroll
    for (int e = 0; e < BACK_EACH; ++e) {
        int i = first + start + e;
        if (i < queries) made[e].store(by_q + from + (long long)i * width, width);
    }
}

// by_v[j] = Σ_i weight[i, j] · g[i] and by_k[j] = scale · Σ_i slope[i, j] · q[i]: blocks own keys and walk over
// queries.
extern "C" __global__ void attention_by_key(const T* g, const T* q, const T* k, const T* v, const Acc* log_sum,
                                            const Acc* balance, T* by_k, T* by_v, int queries, int keys, int width,
                                            Acc scale, bool causal)
{
    __shared__ Tile<BACK_ROWS> own, values;
    __shared__ Tile<TILE> asking, slopes;
    int lane = threadIdx.x % WARP, start = threadIdx.x / WARP * BACK_EACH, first = blockIdx.x * BACK_ROWS;
    long long head = blockIdx.y, from = head * queries * width, to = head * keys * width;
    log_sum += head * queries;
    balance += head * queries;
    own.load(k + to, first, keys, width);
    values.load(v + to, first, keys, width);
    Spread key[BACK_EACH], value[BACK_EACH];
    #pragma unroll
    for (int e = 0; e < BACK_EACH; ++e) {
        key[e].clear();
        value[e].clear();
    }
    int earliest = causal ? first / TILE : 0;  // queries before these keys do not look here
    for (int tile = earliest; tile < (queries + TILE - 1) / TILE; ++tile) {
        __syncthreads();
        asking.load(q + from, tile * TILE, queries, width);
        slopes.load(g + from, tile * TILE, queries, width);
        __syncthreads();
        int i = tile * TILE + lane;
        Acc logarithm = i < queries ? log_sum[i] : Acc(0), balanced = i < queries ? balance[i] : Acc(0);
        #pragma unroll
        for (int e = 0; e < BACK_EACH; ++e) {
            int row = start + e;
            Pair pair(may_look(i, first + row, queries, keys, causal), asking.dot(lane, own.at[row]) * scale,
                      slopes.dot(lane, values.at[row]), logarithm, balanced);
            value[e].add(pair.weight, slopes);
            key[e].add(pair.slope * scale, asking);
        }
    }
    #pragma unroll
    for (int e = 0; e < BACK_EACH; ++e) {
        int j = first + start + e;
        if (j >= keys) continue;
        key[e].store(by_k + to + (long long)j * width, width);
        value[e].store(by_v + to + (long long)j * width, width);
    }
}
