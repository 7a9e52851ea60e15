// Scaled dot-product attention by tensor cores: forward. What is computed is what attention.cu computes, and how:
// blocks own queries, walk over tiles of keys and keep an online softmax.
//
// The scores that come out of one product lie in the registers as the left matrix of the next product wants them: the
// weights never leave the registers. Rows of q stay there, too, while tiles of k and v come into shared memory; they
// are copied while the tile before is worked on.
//
// Source: Dao (2023), "FlashAttention-2", arXiv:2307.08691
#include "attention_cores.cuh"

// The loader defines STRIPS: how many strips a warp has, 1 or 2. With 2, what is read from shared memory is used twice;
// with 1, there are more blocks. Tiles are as long as registers and 48 KiB of shared memory allow.
#if __CUDA_ARCH__ >= 1000  // whose assembler wants more registers for the same
constexpr bool MANY = HEAD * STRIPS == 128;
#else
constexpr bool MANY = HEAD == 128 && (MASKED || DROPS);
#endif
constexpr int OWN = WARPS * STRIPS * 16, TILE = MANY || !HALF ? 32 : 64;

// Tiles of k and v, before and after them the block's rows of q and of the result.
union Room {
    struct { Tile<T, TILE, HEAD> keys, values; } near;
    Tile<T, OWN, HEAD> own;
};

extern "C" __global__ void attention_cores_forward(const T* q, const T* k, const T* v, const MASK* mask, T* out,
                                                  float* log_sum, Problem of, float scale, unsigned long long seed,
                                                  unsigned long long offset)
{
    __shared__ Room room;
    Tile<T, TILE, HEAD>&keys = room.near.keys, &values = room.near.values;
    int queries = of.queries, tiles = (queries + OWN - 1) / OWN;
    Place place(tiles, of.heads);
    int first = (of.causal ? tiles - 1 - place.tile : place.tile) * OWN;  // those with the most work start first
    int strip = threadIdx.x / WARP * STRIPS * 16;                         // the warp's first row in the block
    k = of.k.of(k, place.batch, place.head / of.shared);
    v = of.v.of(v, place.batch, place.head / of.shared);
    Look look(of, mask, place.batch, place.head, scale);
    Drop drop(of, place.batch, place.head, seed, offset);

    room.own.load(of.q.of(q, place.batch, place.head), of.q.row, first, queries, of.width);
    __syncthreads();
    Left asking[STRIPS][STEPS];
    #pragma unroll
    for (int m = 0; m < STRIPS; ++m)
        #pragma unroll
        for (int step = 0; step < STEPS; ++step) asking[m][step].load(room.own, strip + 16 * m, step);
    __syncthreads();

    Strip<HEAD> made[STRIPS];
    float high[STRIPS][2], sum[STRIPS][2];  // of the upper and the lower row
    #pragma unroll
    for (int m = 0; m < STRIPS; ++m)
        #pragma unroll
        for (int half = 0; half < 2; ++half) {
            high[m][half] = -infinity();
            sum[m][half] = 0;
        }
    int end = tiles_seen(look, first + OWN - 1, TILE) * TILE;
    fetch(keys, k, of.k.row, 0, of.keys, of.width);
    end_group();
    for (int start = 0; start < end; start += TILE) {
        wait_for_copies<0>();
        __syncthreads();  // the keys have come, and the values before have been used
        fetch(values, v, of.v.row, start, of.keys, of.value_width);
        end_group();
        Strip<TILE> scores[STRIPS];
        add_dots<STEPS>(scores, [&](int m, int step) { return asking[m][step]; }, keys);
        wait_for_copies<0>();
        __syncthreads();  // the values have come, and the keys have been used
        if (start + TILE < end) fetch(keys, k, of.k.row, start + TILE, of.keys, of.width);
        end_group();
        #pragma unroll
        for (int m = 0; m < STRIPS; ++m) {
            int row = first + strip + 16 * m;
            float highest[2] = {high[m][0], high[m][1]}, shrink[2];
            bool all = all_count(look, row, 16, start, TILE);
            #pragma unroll
            for (int n = 0; n < TILE / 8; ++n)
                #pragma unroll
                for (int k = 0; k < 4; ++k) {
                    float& score = scores[m].at[n][k];
                    score = all ? score * look.scale : look.score(score, row + row_of(k), start + 8 * n + column_of(k));
                    highest[k / 2] = larger(highest[k / 2], score);
                }
            #pragma unroll
            for (int half = 0; half < 2; ++half) {
                highest[half] = over_row<Max>(highest[half]);
                float before = high[m][half];
                high[m][half] = highest[half];
                if (highest[half] == -infinity()) highest[half] = 0;  // -inf - -inf would be NaN
                shrink[half] = power_of_two(before - highest[half]);
                sum[m][half] *= shrink[half];
            }
            made[m].scale(shrink[0], shrink[1]);
            #pragma unroll
            for (int n = 0; n < TILE / 8; ++n) {
                bool kept[4];
                if (DROPS) draw<false>(kept, drop, row, start + 8 * n);
                #pragma unroll
                for (int k = 0; k < 4; ++k) {
                    float weight = power_of_two(scores[m].at[n][k] - highest[k / 2]);
                    sum[m][k / 2] += weight;
                    scores[m].at[n][k] = DROPS && !kept[k] ? 0 : weight;
                }
            }
        }
        add_rows(made, scores, values);
    }
    wait_for_copies<0>();
    __syncthreads();
    log_sum += (place.batch * of.heads + place.head) * queries;
    #pragma unroll
    for (int m = 0; m < STRIPS; ++m) {
        float inverse[2];
        #pragma unroll
        for (int half = 0; half < 2; ++half) {
            float all = over_row<Sum>(sum[m][half]);
            inverse[half] = all == 0 ? 0 : kept_scale(of) / all;  // a query that may look nowhere gets zeros
            int i = first + strip + 16 * m + row_of(2 * half);
            if (i < queries && threadIdx.x % 4 == 0) log_sum[i] = all == 0 ? infinity() : high[m][half] + log2f(all);
        }
        made[m].scale(inverse[0], inverse[1]);
        put(room.own, made[m], strip + 16 * m);
    }
    __syncthreads();
    room.own.store(of.out.of(out, place.batch, place.head), of.out.row, first, queries, of.value_width);
}
