// Scaled dot-product attention by tensor cores: backward. Every weight is computed again from the logarithm that
// forward kept, in one kernel whose blocks own queries and in one whose blocks own keys: so nobody adds to another's
// rows, and the sums have a fixed order.
//
// Source: Dao (2023), "FlashAttention-2", arXiv:2307.08691
#include "attention_cores.cuh"

// Tiles are as long as registers and 48 KiB of shared memory allow; of float32, HEAD is at most 64.
constexpr int OWN = WARPS * 16, TILE = HEAD == 128 || DROPS || !HALF ? 16 : 32;

// What backward walks over. There are two of them: one is copied while the other is worked on.
struct Pair { Tile<T, TILE, HEAD> one, other; };

// Left matrices of a warp's 16 rows of a tile: kept in registers where there are enough of them, else read each time.
template <bool KEPT> struct Lefts {
    const Tile<T, OWN, HEAD>& from;
    int row;
    Left kept[KEPT ? STEPS : 1];

    __device__ Lefts(const Tile<T, OWN, HEAD>& from, int row) : from(from), row(row)
    {
        #pragma unroll
        for (int step = 0; KEPT && step < STEPS; ++step) kept[step].load(from, row, step);
    }
    __device__ Left operator()(int, int step) const
    {
        Left made;
        if constexpr (KEPT) made = kept[step];
        else made.load(from, row, step);
        return made;
    }
};

// by_q[i] = scale · Σ_j slope[i, j] · k[j]
extern "C" __global__ void attention_cores_by_query(const T* by_out, const T* q, const T* k, const T* v,
                                                   const MASK* mask, const float* log_sum, const float* balance,
                                                   T* by_q, Problem of, float scale, unsigned long long seed,
                                                   unsigned long long offset)
{
    __shared__ Tile<T, OWN, HEAD> own, slopes;
    __shared__ Pair near[2];
    int queries = of.queries, tiles = (queries + OWN - 1) / OWN;
    Place place(tiles, of.heads);
    int first = (of.causal ? tiles - 1 - place.tile : place.tile) * OWN, strip = threadIdx.x / WARP * 16;
    int row = first + strip;
    k = of.k.of(k, place.batch, place.head / of.shared);
    v = of.v.of(v, place.batch, place.head / of.shared);
    Look look(of, mask, place.batch, place.head, scale);
    Drop drop(of, place.batch, place.head, seed, offset);
    int end = tiles_seen(look, first + OWN - 1, TILE) * TILE;
    auto fetch_tiles = [&](int start) {
        Pair& to = near[start / TILE % 2];
        if (start < end) {
            fetch(to.one, k, of.k.row, start, of.keys, of.width);
            fetch(to.other, v, of.v.row, start, of.keys, of.value_width);
        }
        end_group();
    };
    own.load(of.q.of(q, place.batch, place.head), of.q.row, first, queries, of.width);
    slopes.load(of.by_out.of(by_out, place.batch, place.head), of.by_out.row, first, queries, of.value_width);
    fetch_tiles(0);
    __syncthreads();
    Lefts<HALF> asking(own, strip), moving(slopes, strip);
    float logarithm[2], balanced[2];
    #pragma unroll
    for (int half = 0; half < 2; ++half) {
        int i = row + row_of(2 * half);
        long long at = (place.batch * of.heads + place.head) * queries + i;
        logarithm[half] = i < queries ? log_sum[at] : 0;
        balanced[half] = i < queries ? balance[at] : 0;
    }
    Strip<HEAD> made[1];
    for (int start = 0; start < end; start += TILE) {
        Pair& tile = near[start / TILE % 2];
        fetch_tiles(start + TILE);
        wait_for_copies<1>();
        __syncthreads();
        Strip<TILE> scores[1], by_weights[1];
        add_dots<HALF ? STEPS : 2>(scores, asking, tile.one);
        add_dots<HALF ? STEPS : 2>(by_weights, moving, tile.other);
        bool all = all_count(look, row, 16, start, TILE);
        #pragma unroll
        for (int n = 0; n < TILE / 8; ++n) {
            bool kept[4];
            if (DROPS) draw<false>(kept, drop, row, start + 8 * n);
            #pragma unroll
            for (int k = 0; k < 4; ++k) {
                float& score = scores[0].at[n][k];
                score = all ? score * look.scale : look.score(score, row + row_of(k), start + 8 * n + column_of(k));
                float by_weight = by_weights[0].at[n][k];
                if (DROPS) by_weight = kept[k] ? by_weight * kept_scale(of) : 0;
                score = power_of_two(score - logarithm[k / 2]) * (by_weight - balanced[k / 2]);
            }
        }
        add_rows(made, scores, tile.one);
        __syncthreads();  // the tiles have been used
    }
    made[0].scale(scale, scale);
    put(own, made[0], strip);
    __syncthreads();
    own.store(of.by_q.of(by_q, place.batch, place.head), of.by_q.row, first, queries, of.width);
}

// by_v[j] = Σ_i weight[i, j] · by_out[i] and by_k[j] = scale · Σ_i slope[i, j] · q[i]: the rows of strips are keys.
extern "C" __global__ void attention_cores_by_key(const T* by_out, const T* q, const T* k, const T* v, const MASK* mask,
                                                 const float* log_sum, const float* balance, T* by_k, T* by_v,
                                                 Problem of, float scale, unsigned long long seed,
                                                 unsigned long long offset)
{
    __shared__ Tile<T, OWN, HEAD> own, values;
    __shared__ Pair near[2];
    int queries = of.queries, keys = of.keys, shared = of.shared, strip = threadIdx.x / WARP * 16;
    Place place((keys + OWN - 1) / OWN, of.heads / shared);
    int first = place.tile * OWN, row = first + strip;
    own.load(of.k.of(k, place.batch, place.head), of.k.row, first, keys, of.width);
    values.load(of.v.of(v, place.batch, place.head), of.v.row, first, keys, of.value_width);
    __syncthreads();
    constexpr bool HELD = HALF && HEAD <= 64;  // else there are too few registers
    Lefts<HELD> seen(own, strip), given(values, strip);
    Strip<HEAD> key[1], value[1];
    for (int head = place.head * shared; head < (place.head + 1) * shared; ++head) {
        Look look(of, mask, place.batch, head, scale);
        Drop drop(of, place.batch, head, seed, offset);
        const T* rows_of_q = of.q.of(q, place.batch, head);
        const T* rows_of_g = of.by_out.of(by_out, place.batch, head);
        long long at = (place.batch * of.heads + head) * queries;
        auto fetch_tiles = [&](int start) {
            Pair& to = near[start / TILE % 2];
            if (start < queries) {
                fetch(to.one, rows_of_q, of.q.row, start, queries, of.width);
                fetch(to.other, rows_of_g, of.by_out.row, start, queries, of.value_width);
            }
            end_group();
        };
        int earliest = of.causal ? first / TILE * TILE : 0;  // queries before these keys do not look here
        fetch_tiles(earliest);
        for (int start = earliest; start < queries; start += TILE) {
            Pair& tile = near[start / TILE % 2];
            fetch_tiles(start + TILE);
            float logarithm[TILE / 8][2], balanced[TILE / 8][2];  // of the columns, asked for before they are needed
            #pragma unroll
            for (int n = 0; n < TILE / 8; ++n)
                #pragma unroll
                for (int k = 0; k < 2; ++k) {
                    int i = start + 8 * n + column_of(k);
                    logarithm[n][k] = i < queries ? log_sum[at + i] : 0;
                    balanced[n][k] = i < queries ? balance[at + i] : 0;
                }
            wait_for_copies<1>();
            __syncthreads();
            Strip<TILE> weights[1], by_scores[1];
            add_dots<HELD ? STEPS : 2>(weights, seen, tile.one);
            add_dots<HELD ? STEPS : 2>(by_scores, given, tile.other);
            bool all = all_count(look, start, TILE, row, 16);
            #pragma unroll
            for (int n = 0; n < TILE / 8; ++n) {
                bool kept[4];
                if (DROPS) draw<true>(kept, drop, row, start + 8 * n);
                #pragma unroll
                for (int k = 0; k < 4; ++k) {
                    float score = weights[0].at[n][k], factor = DROPS ? kept[k] ? kept_scale(of) : 0 : 1;
                    score = all ? score * look.scale : look.score(score, start + 8 * n + column_of(k), row + row_of(k));
                    float weight = power_of_two(score - logarithm[n][k % 2]);
                    weights[0].at[n][k] = weight * factor;
                    by_scores[0].at[n][k] = weight * (by_scores[0].at[n][k] * factor - balanced[n][k % 2]);
                }
            }
            add_rows(value, weights, tile.other);
            add_rows(key, by_scores, tile.one);
            __syncthreads();
        }
    }
    key[0].scale(scale, scale);
    put(own, key[0], strip);
    put(values, value[0], strip);
    __syncthreads();
    own.store(of.by_k.of(by_k, place.batch, place.head), of.by_k.row, first, keys, of.width);
    values.store(of.by_v.of(by_v, place.batch, place.head), of.by_v.row, first, keys, of.value_width);
}
