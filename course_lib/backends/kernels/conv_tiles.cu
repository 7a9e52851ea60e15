// Convolution as a product of matrices, one of which is never written down.
//
//     out[o, (n, place)] = sum over (c, cell) of weight[o, (c, cell)] · columns[(c, cell), (n, place)]
//
// im2col.cu writes the columns, nine times the image for a 3 × 3 kernel, and the product reads them again. Here a
// block makes a tile of the result, ROWS × PLACES, and gathers the part of the columns that it needs straight from the
// image into shared memory, a STEP of the depth at a time. What is moved is the image and the result, once each, if the
// caches hold what neighbouring blocks share.
//
// A number of the columns is named by a place and a cell, and both are a Spot: where they lie in the image, relative to
// its corner and to each other. Their sum is a position in the image, or in the padding. So one gather serves
//
//     the convolution                 places across, cells down the depth
//     its gradient by the image       the same with the weight turned by half a circle (stride 1)
//     its gradient by the weight      cells across, places down the depth, and the output's gradient for the weight
//
// Idea: "implicit GEMM", Chetlur et al. (2014), cuDNN: Efficient Primitives for Deep Learning, arXiv:1410.0759
#include "windows.cuh"

#ifndef ROWS
#define ROWS 32
#endif
#if FLAT
constexpr bool IS_FLAT = true;  // images and signals: nothing is outside of the depth
#else
constexpr bool IS_FLAT = false;
#endif

constexpr int THREADS = 256, PLACES = 128;
constexpr int VECTOR = 16 / sizeof(T);  // numbers in 16 bytes, the largest access
constexpr int STEP = 4 * VECTOR;        // of the depth: 64 bytes of each row
constexpr int PITCH = STEP + VECTOR;    // 80 bytes from row to row: eight rows, read at once, lie in different banks
constexpr int WIDTH = ROWS / 2;         // a warp makes 32 × WIDTH numbers, each of its threads WIDTH of them
constexpr int NOWHERE = -(1 << 29);     // a y far outside of any image

// Two blocks shall have room on a multiprocessor, so that one computes while the other waits: 128 registers a thread.
#define TWO_BLOCKS __launch_bounds__(THREADS, 2)

struct alignas(16) Vector {
    T at[VECTOR];
};

struct alignas(16) Spot {
    int z, y, x, offset;
};

struct Shared {
    alignas(16) T rows[2][ROWS][PITCH];
    alignas(16) T columns[2][PLACES][PITCH];
    Spot spots[THREADS];  // of the depth, for the next THREADS / STEP steps
    int in_row[THREADS];  // where the rows' numbers for them lie
    int out[PLACES];      // where the first row of the result lies
};

// What a launch is about. `rows` and `channels` are those of a group.
struct Problem {
    Windows w;
    int samples, groups, rows, channels, row_step;
    bool turned, whole_vectors;
    __device__ int depth() const { return channels * w.cells(); }
};

// Place `index` of all samples. `row`: where it lies in the output.
__device__ inline Spot spot_of_place(const Problem& p, int group, int index, int& row)
{
    int places = p.w.outputs(), sample = index / places, place = index % places;
    row = (sample * p.groups + group) * p.rows * places + place;
    if (sample >= p.samples) return {0, NOWHERE, 0, 0};
    int x = place % p.w.across.out, rest = place / p.w.across.out;
    int z = p.w.deep.at(rest / p.w.down.out, 0), y = p.w.down.at(rest % p.w.down.out, 0);
    x = p.w.across.at(x, 0);
    return {z, y, x, (sample * p.groups + group) * p.channels * p.w.inputs() + p.w.input(z, y, x)};
}

// Cell `index` of all channels. `row`: where its number lies in a row of the weight.
__device__ inline Spot spot_of_cell(const Problem& p, int index, int& row)
{
    int cells = p.w.cells(), channel = index / cells, cell = index % cells;
    row = p.turned ? channel * p.rows * cells + cells - 1 - cell : index;
    if (channel >= p.channels) return {0, NOWHERE, 0, 0};
    int x = cell % p.w.across.kernel * p.w.across.dilation, rest = cell / p.w.across.kernel;
    int y = rest % p.w.down.kernel * p.w.down.dilation, z = rest / p.w.down.kernel * p.w.deep.dilation;
    return {z, y, x, channel * p.w.inputs() + p.w.input(z, y, x)};
}

// (`&` instead of `&&`: three comparisons cost less than the jumps around them.)
__device__ inline T read(const Problem& p, const T* image, Spot a, Spot b)
{
    bool inside = (IS_FLAT || p.w.deep.inside(a.z + b.z)) & p.w.down.inside(a.y + b.y) & p.w.across.inside(a.x + b.x);
    return inside ? image[a.offset + b.offset] : T();
}

#include "tile_product.cuh"

// The tile at (blockIdx.y, blockIdx.x) of group `group`, over the depth from `begin` to `end`. A thread holds WIDTH
// numbers of it, `sums`; row_of and column_of (tile_product.cuh) say which.
//
// While the numbers of one step are multiplied, those of the next are on their way into registers, and then go to the
// other half of the shared memory: one barrier a step.
template <bool BY_WEIGHT>
__device__ void make_tile(const Problem& p, const T* image, const T* rows, int group, int begin, int end, Shared& s,
                          Acc* sums)
{
    constexpr int ROW_VECTORS = (ROWS * 4 + THREADS - 1) / THREADS, COLUMN_VECTORS = PLACES * 4 / THREADS;
    int column = threadIdx.x % PLACES, row = threadIdx.x / 4, quarter = threadIdx.x % 4, unused;
    int first = blockIdx.x * PLACES + column, top = blockIdx.y * ROWS;
    Spot mine = BY_WEIGHT ? spot_of_cell(p, first, unused) : spot_of_place(p, group, first, s.out[column]);
    rows += BY_WEIGHT ? 0 : group * p.rows * p.depth();
    Vector for_rows[ROW_VECTORS], for_columns[COLUMN_VECTORS];

    // Divisions are slow: each thread does those for one number of the depth, and has done so for several steps.
    auto find_spots = [&](int depth) {
        int i = threadIdx.x, at = depth + i;
        s.spots[i] = BY_WEIGHT ? spot_of_place(p, group, at, s.in_row[i]) : spot_of_cell(p, at, s.in_row[i]);
        if (at >= end) s.spots[i].y = NOWHERE;
    };
    auto fetch = [&](int depth) {
        const Spot* spots = s.spots + (depth - begin) % THREADS;
        const int* in_row = s.in_row + (depth - begin) % THREADS;
#pragma unroll
        for (int v = 0; v < COLUMN_VECTORS; ++v)
#pragma unroll
            for (int e = 0; e < VECTOR; ++e) {
                int i = (threadIdx.x / PLACES + v * (THREADS / PLACES)) * VECTOR + e;
                for_columns[v].at[e] = read(p, image, mine, spots[i]);
            }
#pragma unroll
        for (int v = 0; v < ROW_VECTORS; ++v) {
            int mine = top + row + v * (THREADS / 4), i = quarter * VECTOR;
            const T* from = rows + mine * p.row_step;
            if (mine < p.rows && p.whole_vectors && depth + i + VECTOR <= end) {
                for_rows[v] = *(const Vector*)(from + in_row[i]);
                continue;
            }
#pragma unroll
            for (int e = 0; e < VECTOR; ++e)
                for_rows[v].at[e] = mine < p.rows && depth + i + e < end ? from[in_row[i + e]] : T();
        }
    };
    auto put = [&](int half) {
#pragma unroll
        for (int v = 0; v < COLUMN_VECTORS; ++v) {
            int part = threadIdx.x / PLACES + v * (THREADS / PLACES);
            *(Vector*)&s.columns[half][column][part * VECTOR] = as_factor(for_columns[v]);
        }
#pragma unroll
        for (int v = 0; v < ROW_VECTORS; ++v)
            if (ROWS * 4 >= THREADS || row < ROWS)
                *(Vector*)&s.rows[half][row + v * (THREADS / 4)][quarter * VECTOR] = as_factor(for_rows[v]);
    };

#pragma unroll
    for (int e = 0; e < WIDTH; ++e) sums[e] = 0;
    find_spots(begin);
    __syncthreads();
    fetch(begin);
    put(0);
    __syncthreads();
    int half = 0;
    for (int next = begin + STEP; next < end + STEP; next += STEP, half ^= 1) {
        if (next < end) fetch(next);
        multiply(s.rows[half][0], s.columns[half][0], sums);
        if (next < end) put(half ^ 1);
        __syncthreads();
        if ((next + STEP - begin) % THREADS == 0) {
            find_spots(next + STEP);
            __syncthreads();
        }
    }
}

// out = weight · columns + bias; grid (tiles of places, tiles of rows, groups).
extern "C" __global__ void TWO_BLOCKS conv_tiles(const T* image, const T* weight, const T* bias, T* out, Problem p)
{
    __shared__ Shared s;
    p.w = with_known_numbers(p.w);
    Acc sums[WIDTH];
    int group = blockIdx.z;
    make_tile<false>(p, image, weight, group, 0, p.depth(), s, sums);
    int places = p.w.outputs(), across = p.samples * places - blockIdx.x * PLACES;
#pragma unroll
    for (int e = 0; e < WIDTH; ++e) {
        int row = blockIdx.y * ROWS + row_of(e), column = column_of(e);
        if (row >= p.rows || column >= across) continue;
        Acc shift = bias ? Acc(bias[group * p.rows + row]) : Acc(0);
        out[s.out[column] + row * places] = T(sums[e] + shift);
    }
}

// parts[share] = g · columns' of a share of the depth, which is as long as the batch has places; grid (tiles of cells,
// tiles of rows, groups · shares). parts.cu adds them up.
extern "C" __global__ void TWO_BLOCKS conv_tiles_by_weight(const T* image, const T* g, Acc* parts, int shares, Problem p)
{
    __shared__ Shared s;
    p.w = with_known_numbers(p.w);
    Acc sums[WIDTH];
    int group = blockIdx.z % p.groups, share = blockIdx.z / p.groups, all = p.samples * p.w.outputs();
    int length = ((all + shares - 1) / shares + STEP - 1) / STEP * STEP, begin = share * length;
    make_tile<true>(p, image, g, group, begin, min(all, begin + length), s, sums);
    int depth = p.depth(), across = depth - blockIdx.x * PLACES;
    parts += (long long)(share * p.groups + group) * p.rows * depth;
#pragma unroll
    for (int e = 0; e < WIDTH; ++e) {
        int row = blockIdx.y * ROWS + row_of(e), column = column_of(e);
        if (row < p.rows && column < across) parts[row * depth + blockIdx.x * PLACES + column] = sums[e];
    }
}
