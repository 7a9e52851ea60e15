// Attention by tensor cores: what forward (attention_cores.cu) and backward (attention_cores_backward.cu) are made of.
//
// A warp owns strips of 16 rows, and all products are made by its tensor core, 16 rows times 8 columns at a time, and
// added up in float.
#ifndef ATTENTION_CORES_CUH
#define ATTENTION_CORES_CUH

#include "attention.cuh"
#include "attention_tiles.cuh"
#include "warp_matrices.cuh"

// The loader defines HEAD: 32, 64 or 128, at least as long as the rows.
constexpr int WARPS = 4;
constexpr bool HALF = sizeof(T) == 2;
constexpr int STEP = HALF ? 16 : 8;  // what a product adds up at a time: 32 bytes of a row
constexpr int STEPS = HEAD / STEP;

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

// 16 × STEP numbers as the left matrix of a product.
struct Left {
    unsigned int at[4];

    // Rows row … row + 15 of a tile, at the columns of a step.
    template <int ROWS> __device__ void load(const Tile<T, ROWS, HEAD>& from, int row, int step)
    {
        int lane = threadIdx.x % WARP;
        load_matrices(at, &from.chunk(row + lane % 16, 2 * step + lane / 16));
    }
    // The columns STEP · step … of a strip. A lane has the columns 2t and 2t + 1 of a block. Two halves of one register
    // stand so, too; but of floats, a left matrix wants the columns t and t + 4. They may change places: the sum does
    // not depend on the order, if `right_of` takes the rows of the right matrix in the same one.
    template <int COLUMNS, class V = T> __device__ void take(const Strip<COLUMNS>& from, int step)
    {
        #pragma unroll
        for (int m = 0; m < 4; ++m) {
            if constexpr (sizeof(V) == 2) {
                const float* numbers = from.at[2 * step + m / 2] + m % 2 * 2;
                at[m] = TensorCore<V>::pair(numbers[0], numbers[1]);
            } else {
                at[m] = __float_as_uint(from.at[step][m % 2 * 2 + m / 2]);
            }
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

// Two right matrices, STEP rows of a tile times 8 columns each, at column n.
template <int COUNT>
__device__ void right_of(unsigned int (&right)[4], const Tile<T, COUNT, HEAD>& rows, int step, int n)
{
    int lane = threadIdx.x % WARP;
    if constexpr (HALF) {
        load_transposed(right, &rows.chunk(STEP * step + lane % 16, n / 8 + lane / 16));
    } else {
        #pragma unroll
        for (int m = 0; m < 4; ++m)
            right[m] = __float_as_uint(rows.at(STEP * step + lane % 4 * 2 + m % 2, n + m / 2 * 8 + lane / 4));
    }
}

// made += weights · rows
template <int M, int COUNT>
__device__ void add_rows(Strip<HEAD> (&made)[M], const Strip<COUNT> (&weights)[M], const Tile<T, COUNT, HEAD>& rows)
{
    #pragma unroll
    for (int step = 0; step < COUNT / STEP; ++step) {
        Left mine[M];
        #pragma unroll
        for (int m = 0; m < M; ++m) mine[m].take(weights[m], step);
        #pragma unroll
        for (int n = 0; n < HEAD; n += 16) {
            unsigned int right[4];
            right_of(right, rows, step, n);
            #pragma unroll
            for (int m = 0; m < M; ++m) {
                TensorCore<T>::add(made[m].at[n / 8], mine[m].at, right[0], right[1]);
                TensorCore<T>::add(made[m].at[n / 8 + 1], mine[m].at, right[2], right[3]);
            }
        }
    }
}

// Rows of x into a tile, without waiting for them if they start at multiples of 16 bytes.
template <int ROWS>
__device__ void fetch(Tile<T, ROWS, HEAD>& to, const T* x, long long step, int first, int length, int width)
{
    constexpr int EACH = 16 / sizeof(T), CHUNKS = HEAD / EACH;
    if (width % EACH || ((unsigned long long)x | step * sizeof(T)) % 16) {
        to.load(x, step, first, length, width);
        return;
    }
    #pragma unroll 4
    for (int i = threadIdx.x; i < ROWS * CHUNKS; i += blockDim.x) {
        int row = i / CHUNKS, column = i % CHUNKS * EACH;
        bool there = first + row < length && column < width;
        copy_later(&to.chunk(row, column / EACH), there ? x + (first + row) * step + column : x, there);
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

#endif
