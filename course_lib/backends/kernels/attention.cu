// Scaled dot-product attention without the matrix of weights: softmax(q · kᵀ · scale + mask) · v, tile by tile.
//
// A block owns some queries of one head and walks over the keys, TILE at a time: the tiles of k and v come into shared
// memory once for all of its queries. The softmax is "online": what is known of a query's scores so far is their
// maximum and the sum of exponentials; when a tile brings a larger maximum, the sum and the result so far are scaled
// down. So memory grows with L, not with L · S. Kept for backward is one number a query, from which any weight can be
// computed again.
//
// Each lane computes a small rectangle of scores, EACH queries × ACROSS keys, and later a rectangle of the result. The
// numbers of a rectangle share what they read: 4 × 4 scores need 8 reads of 16 bytes for 64 multiplications, where one
// score at a time would need 32 for as many. A multiplication is nearly free; reading shared memory is what takes time.
//
// This is for GPUs without tensor cores for the element type, and for rows that are too long for them; else
// attention_cores.cu.
//
// Source: Dao et al. (2022), arXiv:2205.14135; Milakov & Gimelshein (2018), arXiv:1805.02867
#include "attention.cuh"
#include "attention_tiles.cuh"

// The loader defines HEAD: 32, 64, 128 or 256, at least as long as the rows. Longer rows leave less room for tiles: all
// together stay within the 48 KiB of shared memory that every GPU gives to a block.
constexpr int WARPS = HEAD == 64 ? 4 : 2;
constexpr int EACH = HEAD == 256 ? 2 : 4;       // rows of each lane
constexpr int OWN = WARPS * 4 * EACH;           // rows of a block
constexpr int TILE = HEAD == 256 ? 16 : 32;     // rows walked over at a time
// Backward holds four tiles of HEAD columns instead of three.
constexpr int BACK_WARPS = HEAD == 256 ? 1 : 2;
constexpr int BACK_EACH = HEAD < 128 ? 4 : 2;
constexpr int BACK_OWN = BACK_WARPS * 4 * BACK_EACH;
constexpr int BACK_TILE = HEAD == 256 ? 8 : HEAD == 128 ? 16 : 32;
constexpr int SHARE = HEAD / 8;                 // numbers of a row's result that one lane keeps in registers

// The lanes of a warp stand in 4 rows (y) and 8 columns (x). Lane (y, x) of warp w has the rows 4 · EACH · w + y, + 4,
// + 8, … and the columns x, x + 8, …: neighbours read neighbouring rows of shared memory.
__device__ inline int lane_x() { return threadIdx.x % 8; }
template <int EACH> __device__ int row_of(int r)
{
    return threadIdx.x / WARP * 4 * EACH + 4 * r + threadIdx.x % WARP / 8;
}
__device__ inline int column_of(int c) { return lane_x() + 8 * c; }

// A lane's rectangle. Its loops are unrolled: registers have no addresses, so an array lives in them only if every
// index is a constant once the compiler is done.
template <int EACH, int ACROSS> struct Scores {
    float at[EACH][ACROSS];

    // Dot products of rows of a and rows of b.
    template <int ROWS, int COLUMNS>
    __device__ Scores(const Tile<float, ROWS, HEAD>& a, const Tile<float, COLUMNS, HEAD>& b) : at{}
    {
        #pragma unroll 4
        for (int chunk = 0; chunk < HEAD / 4; ++chunk) {
            Pack<float, 4> theirs[ACROSS];
            #pragma unroll
            for (int c = 0; c < ACROSS; ++c) theirs[c] = b.chunk(column_of(c), chunk);
            #pragma unroll
            for (int r = 0; r < EACH; ++r) {
                Pack<float, 4> mine = a.chunk(row_of<EACH>(r), chunk);
                #pragma unroll
                for (int c = 0; c < ACROSS; ++c)
                    #pragma unroll
                    for (int k = 0; k < 4; ++k) at[r][c] += mine.at[k] * theirs[c].at[k];
            }
        }
    }

    // Into shared memory, where the other lanes of the row find them: rows are of one warp.
    template <int ROWS> __device__ void show(Tile<float, ROWS, 8 * ACROSS>& shown) const
    {
        __syncwarp();  // what was shown before has been read
        #pragma unroll
        for (int r = 0; r < EACH; ++r)
            #pragma unroll
            for (int c = 0; c < ACROSS; ++c) shown.at(row_of<EACH>(r), column_of(c)) = at[r][c];
        __syncwarp();
    }
};

// Rows of the result: a lane has of each of its rows the chunks x, x + 8, …
template <int EACH> struct Result {
    float at[EACH][SHARE] = {};

    __device__ void scale(int r, float factor)
    {
        #pragma unroll
        for (int s = 0; s < SHARE; ++s) at[r][s] *= factor;
    }
    // += weights · rows
    template <int ROWS, int COUNT>
    __device__ void add(const Tile<float, ROWS, COUNT>& weights, const Tile<float, COUNT, HEAD>& rows)
    {
        #pragma unroll 2
        for (int four = 0; four < COUNT / 4; ++four) {
            Pack<float, 4> weight[EACH];
            #pragma unroll
            for (int r = 0; r < EACH; ++r) weight[r] = weights.chunk(row_of<EACH>(r), four);
            #pragma unroll
            for (int j = 0; j < 4; ++j)
                #pragma unroll
                for (int s = 0; s < SHARE; s += 4) {
                    Pack<float, 4> read = rows.chunk(4 * four + j, column_of(s / 4));
                    #pragma unroll
                    for (int r = 0; r < EACH; ++r)
                        #pragma unroll
                        for (int k = 0; k < 4; ++k) at[r][s + k] += weight[r].at[j] * read.at[k];
                }
        }
    }
    __device__ void store(int r, T* row, int width) const
    {
        #pragma unroll
        for (int s = 0; s < SHARE; ++s) {
            int column = 4 * column_of(s / 4) + s % 4;
            if (column < width) row[column] = T(at[r][s]);
        }
    }
};

// What `How` makes of the numbers of the 8 lanes that share a row.
template <class How> __device__ float over_row(float mine)
{
    for (int step = 4; step > 0; step /= 2) mine = How::join(mine, __shfl_xor_sync(ALL_LANES, mine, step));
    return mine;
}

// The tile of k is not needed any more when weights are shown: they take its place.
union KeysOrWeights {
    Tile<float, TILE, HEAD> keys;
    Tile<float, OWN, TILE> weights;
};

extern "C" __global__ void attention_forward(const T* q, const T* k, const T* v, const MASK* mask, T* out,
                                             float* log_sum, Problem of, float scale, unsigned long long seed,
                                             unsigned long long offset)
{
    __shared__ Tile<float, OWN, HEAD> own;
    __shared__ KeysOrWeights near;
    __shared__ Tile<float, TILE, HEAD> values;
    constexpr int ACROSS = TILE / 8;
    int queries = of.queries, tiles = (queries + OWN - 1) / OWN;
    Place place(tiles, of.heads);
    int first = (of.causal ? tiles - 1 - place.tile : place.tile) * OWN;  // those with the most work start first
    k = of.k.of(k, place.batch, place.head / of.shared);
    v = of.v.of(v, place.batch, place.head / of.shared);
    Look look(of, mask, place.batch, place.head, scale);
    Drop drop(of, place.batch, place.head, seed, offset);
    own.load(of.q.of(q, place.batch, place.head), of.q.row, first, queries, of.width);

    Result<EACH> made;
    float high[EACH], sum[EACH];  // the sum: of this lane's columns
    #pragma unroll
    for (int r = 0; r < EACH; ++r) {
        high[r] = -infinity();
        sum[r] = 0;
    }
    for (int start = 0; start < tiles_seen(look, first + OWN - 1, TILE) * TILE; start += TILE) {
        __syncthreads();  // the last tile has been used by all
        near.keys.load(k, of.k.row, start, of.keys, of.width);
        values.load(v, of.v.row, start, of.keys, of.value_width);
        __syncthreads();
        Scores<EACH, ACROSS> scores(own, near.keys);
        __syncthreads();
        #pragma unroll
        for (int r = 0; r < EACH; ++r) {
            int i = first + row_of<EACH>(r);
            float highest = high[r];
            #pragma unroll
            for (int c = 0; c < ACROSS; ++c) {
                scores.at[r][c] = look.score(scores.at[r][c], i, start + column_of(c));
                highest = larger(highest, scores.at[r][c]);
            }
            highest = over_row<Max>(highest);
            float base = highest == -infinity() ? 0 : highest;  // -inf - -inf would be NaN
            float shrink = exp2f(high[r] - base);
            high[r] = highest;
            sum[r] *= shrink;
            made.scale(r, shrink);
            #pragma unroll
            for (int c = 0; c < ACROSS; ++c) {
                float weight = exp2f(scores.at[r][c] - base);
                sum[r] += weight;
                scores.at[r][c] = DROPS && !drop.keeps(i, start + column_of(c)) ? 0 : weight;
            }
        }
        scores.show(near.weights);
        made.add(near.weights, values);
    }
    out = of.out.of(out, place.batch, place.head);
    log_sum += (place.batch * of.heads + place.head) * queries;
    #pragma unroll
    for (int r = 0; r < EACH; ++r) {
        int i = first + row_of<EACH>(r);
        float all = over_row<Sum>(sum[r]);
        if (i >= queries) continue;
        made.scale(r, all == 0 ? 0 : kept_scale(of) / all);  // a query that may look nowhere gets zeros
        made.store(r, out + i * of.out.row, of.value_width);
        // +inf there: backward's 2^(score - log_sum) is then 0, not NaN
        if (lane_x() == 0) log_sum[i] = all == 0 ? infinity() : high[r] + log2f(all);
    }
}

// by_q[i] = scale · Σ_j slope[i, j] · k[j]: blocks own queries and walk over keys, as in forward. The slope of the loss
// by a score is weight · (by_out·v - balance).
extern "C" __global__ void attention_by_query(const T* by_out, const T* q, const T* k, const T* v, const MASK* mask,
                                              const float* log_sum, const float* balance, T* by_q, Problem of,
                                              float scale, unsigned long long seed, unsigned long long offset)
{
    __shared__ Tile<float, BACK_OWN, HEAD> own, slopes;
    __shared__ Tile<float, BACK_TILE, HEAD> near, values;
    __shared__ Tile<float, BACK_OWN, BACK_TILE> shown;
    constexpr int EACH = BACK_EACH, ACROSS = BACK_TILE / 8;
    int queries = of.queries, tiles = (queries + BACK_OWN - 1) / BACK_OWN;
    Place place(tiles, of.heads);
    int first = (of.causal ? tiles - 1 - place.tile : place.tile) * BACK_OWN;
    k = of.k.of(k, place.batch, place.head / of.shared);
    v = of.v.of(v, place.batch, place.head / of.shared);
    Look look(of, mask, place.batch, place.head, scale);
    Drop drop(of, place.batch, place.head, seed, offset);
    own.load(of.q.of(q, place.batch, place.head), of.q.row, first, queries, of.width);
    slopes.load(of.by_out.of(by_out, place.batch, place.head), of.by_out.row, first, queries, of.value_width);

    Result<EACH> made;
    float logarithm[EACH], balanced[EACH];
    #pragma unroll
    for (int r = 0; r < EACH; ++r) {
        int i = first + row_of<EACH>(r);
        long long at = (place.batch * of.heads + place.head) * queries + i;
        logarithm[r] = i < queries ? log_sum[at] : 0;
        balanced[r] = i < queries ? balance[at] : 0;
    }
    for (int start = 0; start < tiles_seen(look, first + BACK_OWN - 1, BACK_TILE) * BACK_TILE; start += BACK_TILE) {
        __syncthreads();
        near.load(k, of.k.row, start, of.keys, of.width);
        values.load(v, of.v.row, start, of.keys, of.value_width);
        __syncthreads();
        Scores<EACH, ACROSS> scores(own, near), by_weights(slopes, values);
        #pragma unroll
        for (int r = 0; r < EACH; ++r)
            #pragma unroll
            for (int c = 0; c < ACROSS; ++c) {
                int i = first + row_of<EACH>(r), j = start + column_of(c);
                float weight = exp2f(look.score(scores.at[r][c], i, j) - logarithm[r]);
                float by_weight = DROPS ? drop.keeps(i, j) ? by_weights.at[r][c] * kept_scale(of) : 0
                                        : by_weights.at[r][c];
                scores.at[r][c] = weight * (by_weight - balanced[r]);
            }
        scores.show(shown);
        made.add(shown, near);
    }
    by_q = of.by_q.of(by_q, place.batch, place.head);
    #pragma unroll
    for (int r = 0; r < EACH; ++r) {
        int i = first + row_of<EACH>(r);
        made.scale(r, scale);
        if (i < queries) made.store(r, by_q + i * of.by_q.row, of.width);
    }
}

// by_v[j] = Σ_i weight[i, j] · by_out[i] and by_k[j] = scale · Σ_i slope[i, j] · q[i]: blocks own keys and walk over
// the queries of all heads that look at them. So nobody else adds to their rows, and the sums have a fixed order.
extern "C" __global__ void attention_by_key(const T* by_out, const T* q, const T* k, const T* v, const MASK* mask,
                                            const float* log_sum, const float* balance, T* by_k, T* by_v, Problem of,
                                            float scale, unsigned long long seed, unsigned long long offset)
{
    __shared__ Tile<float, BACK_OWN, HEAD> own, values;
    __shared__ Tile<float, BACK_TILE, HEAD> asking, slopes;
    __shared__ Tile<float, BACK_OWN, BACK_TILE> shown;
    constexpr int EACH = BACK_EACH, ACROSS = BACK_TILE / 8;
    int queries = of.queries, keys = of.keys, shared = of.shared;
    Place place((keys + BACK_OWN - 1) / BACK_OWN, of.heads / shared);
    int first = place.tile * BACK_OWN;
    own.load(of.k.of(k, place.batch, place.head), of.k.row, first, keys, of.width);
    values.load(of.v.of(v, place.batch, place.head), of.v.row, first, keys, of.value_width);
    Result<EACH> key, value;
    for (int head = place.head * shared; head < (place.head + 1) * shared; ++head) {
        Look look(of, mask, place.batch, head, scale);
        Drop drop(of, place.batch, head, seed, offset);
        const T* rows_of_q = of.q.of(q, place.batch, head);
        const T* rows_of_g = of.by_out.of(by_out, place.batch, head);
        long long at = (place.batch * of.heads + head) * queries;
        int earliest = of.causal ? first / BACK_TILE * BACK_TILE : 0;  // queries before these keys do not look here
        for (int start = earliest; start < queries; start += BACK_TILE) {
            __syncthreads();
            asking.load(rows_of_q, of.q.row, start, queries, of.width);
            slopes.load(rows_of_g, of.by_out.row, start, queries, of.value_width);
            __syncthreads();
            Scores<EACH, ACROSS> weights(own, asking), by_scores(values, slopes);
            #pragma unroll
            for (int c = 0; c < ACROSS; ++c) {
                int i = start + column_of(c);
                float logarithm = i < queries ? log_sum[at + i] : 0, balanced = i < queries ? balance[at + i] : 0;
                #pragma unroll
                for (int r = 0; r < EACH; ++r) {
                    int j = first + row_of<EACH>(r);
                    float weight = exp2f(look.score(weights.at[r][c], i, j) - logarithm);
                    float kept = DROPS ? drop.keeps(i, j) ? kept_scale(of) : 0 : 1;
                    weights.at[r][c] = weight * kept;
                    by_scores.at[r][c] = weight * (by_scores.at[r][c] * kept - balanced);
                }
            }
            weights.show(shown);
            value.add(shown, slopes);
            by_scores.show(shown);
            key.add(shown, asking);
        }
    }
    by_k = of.by_k.of(by_k, place.batch, place.head);
    by_v = of.by_v.of(by_v, place.batch, place.head);
    #pragma unroll
    for (int r = 0; r < EACH; ++r) {
        int j = first + row_of<EACH>(r);
        key.scale(r, scale);
        if (j >= keys) continue;
        key.store(r, by_k + j * of.by_k.row, of.width);
        value.store(r, by_v + j * of.by_v.row, of.value_width);
    }
}
