// Scaled dot-product attention of half precision by tensor cores. What is computed is what attention.cu computes, and
// how: blocks own rows, walk over tiles and keep an online softmax. Here a warp owns strips of 16 rows, and all products
// are made by its tensor core, 16 × 16 times 16 × 8 at a time, and added up in float.
//
// The scores that come out of one product lie in the registers as the left matrix of the next product wants them: the
// weights never leave the registers. Rows of q stay there, too, while tiles of k and v come into shared memory; they
// are copied while the tile before is worked on.
//
// Source: Dao (2023), "FlashAttention-2", arXiv:2307.08691
#include "attention.cuh"
#include "attention_tiles.cuh"
#include "warp_matrices.cuh"

// The loader defines HEAD: 32, 64 or 128; STRIPS: how many strips a warp has in forward, 1 or 2. With 2, what is read
// from shared memory is used twice; with 1, there are more blocks.
constexpr int WARPS = 4;
#if __CUDA_ARCH__ >= 1000  // whose assembler wants more registers for the same
constexpr bool MANY = HEAD * STRIPS == 128;
#else
constexpr bool MANY = HEAD == 128 && (MASKED || DROPS);
#endif
constexpr int OWN = WARPS * STRIPS * 16, TILE = MANY ? 32 : 64;  // so that nothing is spilled
constexpr int BACK_OWN = WARPS * 16, BACK_TILE = HEAD == 128 || DROPS ? 16 : 32;
constexpr int STEPS = HEAD / 16;

// Of the four numbers k of a lane in a block of 16 × 8.
__device__ inline int row_of(int k) { return threadIdx.x % WARP / 4 + 8 * (k / 2); }
__device__ inline int column_of(int k) { return threadIdx.x % 4 * 2 + k % 2; }

// 16 × COLUMNS numbers of a warp, in blocks of 8 columns.
template <int COLUMNS> struct Strip {
    float at[COLUMNS / 8][4] = {};

    __device__ void scale(float upper, float lower)
    {
        #pragma unroll
        for (int n = 0; n < COLUMNS / 8; ++n)
            #pragma unroll
            for (int k = 0; k < 4; ++k) at[n][k] *= k < 2 ? upper : lower;
    }
};

// 16 × 16 numbers as the left matrix of a product.
struct Left {
    unsigned int at[4];

    // Rows row … row + 15 of a tile, at the columns of a step.
    template <int ROWS> __device__ void load(const Tile<T, ROWS, HEAD>& from, int row, int step)
    {
        int lane = threadIdx.x % WARP;
        load_matrices(at, &from.chunk(row + lane % 16, 2 * step + lane / 16));
    }
    // The columns 16 · step … of a strip, rounded.
    template <int COLUMNS> __device__ void take(const Strip<COLUMNS>& from, int step)
    {
        #pragma unroll
        for (int m = 0; m < 4; ++m) {
            const float* numbers = from.at[2 * step + m / 2] + m % 2 * 2;
            at[m] = TensorCore<T>::pair(numbers[0], numbers[1]);
        }
    }
};

// made += left · rowsᵀ for M strips; left(m, step) gives the left matrices. Steps in a row (UNROLL) read ahead, into
// registers: where those are scarce, there are fewer.
template <int UNROLL, int M, int COLUMNS, class Lefts>
__device__ void add_dots(Strip<COLUMNS> (&made)[M], Lefts left, const Tile<T, COLUMNS, HEAD>& rows)
{
    int lane = threadIdx.x % WARP;
    #pragma unroll UNROLL
    for (int step = 0; step < STEPS; ++step) {
        Left mine[M];
        #pragma unroll
        for (int m = 0; m < M; ++m) mine[m] = left(m, step);
        #pragma unroll
        for (int n = 0; n < COLUMNS; n += 16) {
            unsigned int right[4];
            load_matrices(right, &rows.chunk(n + lane / 16 * 8 + lane % 8, 2 * step + lane / 8 % 2));
            #pragma unroll
            for (int m = 0; m < M; ++m) {
                TensorCore<T>::add(made[m].at[n / 8], mine[m].at, right[0], right[1]);
                TensorCore<T>::add(made[m].at[n / 8 + 1], mine[m].at, right[2], right[3]);
            }
        }
    }
}

// made += weights · rows
template <int M, int COUNT>
__device__ void add_rows(Strip<HEAD> (&made)[M], const Strip<COUNT> (&weights)[M], const Tile<T, COUNT, HEAD>& rows)
{
    int lane = threadIdx.x % WARP;
    #pragma unroll
    for (int step = 0; step < COUNT / 16; ++step) {
        Left mine[M];
        #pragma unroll
        for (int m = 0; m < M; ++m) mine[m].take(weights[m], step);
        #pragma unroll
        for (int n = 0; n < HEAD; n += 16) {
            unsigned int right[4];
            load_transposed(right, &rows.chunk(16 * step + lane % 16, n / 8 + lane / 16));
            #pragma unroll
            for (int m = 0; m < M; ++m) {
                TensorCore<T>::add(made[m].at[n / 8], mine[m].at, right[0], right[1]);
                TensorCore<T>::add(made[m].at[n / 8 + 1], mine[m].at, right[2], right[3]);
            }
        }
    }
}

// Rows of x into a tile, without waiting for them where they lie on 16 bytes.
template <int ROWS>
__device__ void fetch(Tile<T, ROWS, HEAD>& to, const T* x, long long step, int first, int length, int width)
{
    constexpr int CHUNKS = HEAD / 8;
    if (width % 8 || ((unsigned long long)x | step * sizeof(T)) % 16) {
        to.load(x, step, first, length, width);
        return;
    }
    #pragma unroll 4
    for (int i = threadIdx.x; i < ROWS * CHUNKS; i += blockDim.x) {
        int row = i / CHUNKS, column = i % CHUNKS * 8;
        bool there = first + row < length && column < width;
        copy_later(&to.chunk(row, column / 8), there ? x + (first + row) * step + column : x, there);
    }
}

// Rows of the result on their way out: through shared memory, so that they are written by 16 bytes.
template <int ROWS> __device__ void put(Tile<T, ROWS, HEAD>& to, const Strip<HEAD>& strip, int row)
{
    #pragma unroll
    for (int n = 0; n < HEAD / 8; ++n)
        #pragma unroll
        for (int k = 0; k < 4; ++k) to.at(row + row_of(k), 8 * n + column_of(k)) = T(strip.at[n][k]);
}

// What `How` makes of the numbers of the 4 lanes that share a row.
template <class How> __device__ float over_row(float mine)
{
    mine = How::join(mine, __shfl_xor_sync(ALL_LANES, mine, 1));
    return How::join(mine, __shfl_xor_sync(ALL_LANES, mine, 2));
}

// Which of a lane's four weights dropout keeps, in the block of 16 × 8 at (row, column); KEYS: the rows are keys, the
// columns queries. A square of 2 × 2 weights lies in two lanes, and a lane has parts of two: each draws for one square
// and sends the other lane its half.
template <bool KEYS> __device__ void draw(bool (&kept)[4], const Drop& drop, int row, int column)
{
    int upper = row + row_of(0), odd = upper % 2, even = 1 - odd;
    int mine = odd ? upper + 7 : upper, along = column + column_of(0);
    Words words = KEYS ? drop.square(along, mine) : drop.square(mine, along);
    unsigned int own[2], other[2];
    #pragma unroll
    for (int k = 0; k < 2; ++k) {
        unsigned int first = words.at[KEYS ? 2 * k : k], second = words.at[KEYS ? 2 * k + 1 : 2 + k];
        own[k] = odd ? second : first;
        other[k] = __shfl_xor_sync(ALL_LANES, odd ? first : second, 4);
    }
    #pragma unroll
    for (int k = 0; k < 2; ++k) {
        kept[k] = (even ? own[k] : other[k]) >= drop.dropped;
        kept[2 + k] = (even ? other[k] : own[k]) >= drop.dropped;
    }
}

// Whether every score of 16 rows of queries and `count` keys counts as it is: then nobody asks for each of them.
__device__ inline bool all_count(const Look& look, int query, int queries, int key, int count)
{
    return !MASKED && query + queries <= look.queries && key + count <= look.keys
        && !(look.causal && key + count - 1 > query);
}

// Tiles of k and v, before and after them the block's rows of q and of the result.
union Room {
    struct { Tile<T, TILE, HEAD> keys, values; } near;
    Tile<T, OWN, HEAD> own;
};

extern "C" __global__ void attention_half_forward(const T* q, const T* k, const T* v, const MASK* mask, T* out,
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

// What backward walks over. There are two of them: one is copied while the other is worked on.
struct Pair { Tile<T, BACK_TILE, HEAD> one, other; };

// Left matrices of a warp's 16 rows of a tile: kept in registers where there are enough of them, else read each time.
template <bool KEPT> struct Lefts {
    const Tile<T, BACK_OWN, HEAD>& from;
    int row;
    Left kept[KEPT ? STEPS : 1];

    __device__ Lefts(const Tile<T, BACK_OWN, HEAD>& from, int row) : from(from), row(row)
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
extern "C" __global__ void attention_half_by_query(const T* by_out, const T* q, const T* k, const T* v,
                                                   const MASK* mask, const float* log_sum, const float* balance,
                                                   T* by_q, Problem of, float scale, unsigned long long seed,
                                                   unsigned long long offset)
{
    __shared__ Tile<T, BACK_OWN, HEAD> own, slopes;
    __shared__ Pair near[2];
    int queries = of.queries, tiles = (queries + BACK_OWN - 1) / BACK_OWN;
    Place place(tiles, of.heads);
    int first = (of.causal ? tiles - 1 - place.tile : place.tile) * BACK_OWN, strip = threadIdx.x / WARP * 16;
    int row = first + strip;
    k = of.k.of(k, place.batch, place.head / of.shared);
    v = of.v.of(v, place.batch, place.head / of.shared);
    Look look(of, mask, place.batch, place.head, scale);
    Drop drop(of, place.batch, place.head, seed, offset);
    int end = tiles_seen(look, first + BACK_OWN - 1, BACK_TILE) * BACK_TILE;
    auto fetch_tiles = [&](int start) {
        Pair& to = near[start / BACK_TILE % 2];
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
    Lefts<true> asking(own, strip), moving(slopes, strip);
    float logarithm[2], balanced[2];
    #pragma unroll
    for (int half = 0; half < 2; ++half) {
        int i = row + row_of(2 * half);
        long long at = (place.batch * of.heads + place.head) * queries + i;
        logarithm[half] = i < queries ? log_sum[at] : 0;
        balanced[half] = i < queries ? balance[at] : 0;
    }
    Strip<HEAD> made[1];
    for (int start = 0; start < end; start += BACK_TILE) {
        Pair& tile = near[start / BACK_TILE % 2];
        fetch_tiles(start + BACK_TILE);
        wait_for_copies<1>();
        __syncthreads();
        Strip<BACK_TILE> scores[1], by_weights[1];
        add_dots<STEPS>(scores, asking, tile.one);
        add_dots<STEPS>(by_weights, moving, tile.other);
        bool all = all_count(look, row, 16, start, BACK_TILE);
        #pragma unroll
        for (int n = 0; n < BACK_TILE / 8; ++n) {
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
extern "C" __global__ void attention_half_by_key(const T* by_out, const T* q, const T* k, const T* v, const MASK* mask,
                                                 const float* log_sum, const float* balance, T* by_k, T* by_v,
                                                 Problem of, float scale, unsigned long long seed,
                                                 unsigned long long offset)
{
    __shared__ Tile<T, BACK_OWN, HEAD> own, values;
    __shared__ Pair near[2];
    int queries = of.queries, keys = of.keys, shared = of.shared, strip = threadIdx.x / WARP * 16;
    Place place((keys + BACK_OWN - 1) / BACK_OWN, of.heads / shared);
    int first = place.tile * BACK_OWN, row = first + strip;
    own.load(of.k.of(k, place.batch, place.head), of.k.row, first, keys, of.width);
    values.load(of.v.of(v, place.batch, place.head), of.v.row, first, keys, of.value_width);
    __syncthreads();
    constexpr bool HELD = HEAD <= 64;
    Lefts<HELD> seen(own, strip), given(values, strip);
    Strip<HEAD> key[1], value[1];
    for (int head = place.head * shared; head < (place.head + 1) * shared; ++head) {
        Look look(of, mask, place.batch, head, scale);
        Drop drop(of, place.batch, head, seed, offset);
        const T* rows_of_q = of.q.of(q, place.batch, head);
        const T* rows_of_g = of.by_out.of(by_out, place.batch, head);
        long long at = (place.batch * of.heads + head) * queries;
        auto fetch_tiles = [&](int start) {
            Pair& to = near[start / BACK_TILE % 2];
            if (start < queries) {
                fetch(to.one, rows_of_q, of.q.row, start, queries, of.width);
                fetch(to.other, rows_of_g, of.by_out.row, start, queries, of.value_width);
            }
            end_group();
        };
        int earliest = of.causal ? first / BACK_TILE * BACK_TILE : 0;  // queries before these keys do not look here
        fetch_tiles(earliest);
        for (int start = earliest; start < queries; start += BACK_TILE) {
            Pair& tile = near[start / BACK_TILE % 2];
            fetch_tiles(start + BACK_TILE);
            wait_for_copies<1>();
            __syncthreads();
            Strip<BACK_TILE> weights[1], by_scores[1];
            add_dots<HELD ? STEPS : 2>(weights, seen, tile.one);
            add_dots<HELD ? STEPS : 2>(by_scores, given, tile.other);
            bool all = all_count(look, start, BACK_TILE, row, 16);
            #pragma unroll
            for (int n = 0; n < BACK_TILE / 8; ++n) {
                bool kept[4];
                if (DROPS) draw<true>(kept, drop, row, start + 8 * n);
                #pragma unroll
                for (int k = 0; k < 4; ++k) {
                    int i = start + 8 * n + column_of(k);
                    float logarithm = i < queries ? log_sum[at + i] : 0, balanced = i < queries ? balance[at + i] : 0;
                    float score = weights[0].at[n][k], factor = DROPS ? kept[k] ? kept_scale(of) : 0 : 1;
                    score = all ? score * look.scale : look.score(score, i, row + row_of(k));
                    float weight = power_of_two(score - logarithm);
                    weights[0].at[n][k] = weight * factor;
                    by_scores[0].at[n][k] = weight * (by_scores[0].at[n][k] * factor - balanced);
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
