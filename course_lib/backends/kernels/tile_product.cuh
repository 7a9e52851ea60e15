// The product of two tiles in shared memory, rows (ROWS, STEP) and columns (PLACES, STEP), added to the sums of a block
// of eight warps. Each warp has 32 rows and WIDTH columns of the result, each thread WIDTH of its numbers.
//
// With CORES the tensor cores multiply: half precision as it is, float32 rounded to TF32. Else every thread does, in
// Acc. The includer defines T, ROWS, PLACES, VECTOR, STEP, PITCH, WIDTH and Vector.
#ifndef TILE_PRODUCT_CUH
#define TILE_PRODUCT_CUH

#include "warp_matrices.cuh"
#include "tf32.cuh"

#if CORES
constexpr bool ON_CORES = sizeof(T) <= 4;
#else
constexpr bool ON_CORES = false;
#endif

constexpr int WARPS_DOWN = ROWS / 32, ACROSS = WIDTH / 8;
__device__ inline int lane() { return threadIdx.x % 32; }
__device__ inline int warp_row() { return threadIdx.x / 32 % WARPS_DOWN * 32; }
__device__ inline int warp_column() { return threadIdx.x / 32 / WARPS_DOWN * WIDTH; }

// Where sum `e` of this thread lies in the tile.
//
// On cores: a warp product makes 16 × 8 numbers; two of them lie down the warp's 32 rows, ACROSS next to each other.
// By threads: each has 8 rows, 4 apart, and ACROSS columns, 8 apart.
__device__ inline int row_of(int e)
{
    if (ON_CORES) return warp_row() + e / 4 / ACROSS * 16 + lane() / 4 + e / 2 % 2 * 8;
    return warp_row() + lane() / 8 + e / ACROSS * 4;
}

__device__ inline int column_of(int e)
{
    if (ON_CORES) return warp_column() + e / 4 % ACROSS * 8 + lane() % 4 * 2 + e % 2;
    return warp_column() + lane() % 8 + e % ACROSS * 8;
}

// What is written into a tile.
__device__ inline Vector as_factor(Vector v)
{
    if (ON_CORES && sizeof(T) == 4)
#pragma unroll
        for (int e = 0; e < VECTOR; ++e) v.at[e] = T(as_tf32(float(v.at[e])));
    return v;
}

// The words that a lane needs lie in eight rows, 80 bytes behind each other, and so in all 32 banks.
template <class V> __device__ void multiply_on_cores(const V* rows, const V* columns, float* sums)
{
    constexpr int WORDS = PITCH * sizeof(V) / 4;
    const unsigned int* a = (const unsigned int*)rows + (warp_row() + lane() / 4) * WORDS + lane() % 4;
    const unsigned int* b = (const unsigned int*)columns + (warp_column() + lane() / 4) * WORDS + lane() % 4;
#pragma unroll
    for (int word = 0; word < 16; word += 8) {
        unsigned int in_rows[2][4];
#pragma unroll
        for (int i = 0; i < 2; ++i)
#pragma unroll
            for (int part = 0; part < 4; ++part)
                in_rows[i][part] = a[(i * 16 + part % 2 * 8) * WORDS + word + part / 2 * 4];
#pragma unroll
        for (int j = 0; j < ACROSS; ++j) {
            unsigned int b0 = b[j * 8 * WORDS + word], b1 = b[j * 8 * WORDS + word + 4];
#pragma unroll
            for (int i = 0; i < 2; ++i) {
                float(&four)[4] = *(float(*)[4])(sums + (i * ACROSS + j) * 4);
                if constexpr (sizeof(V) == 4) add_tf32_product(four, in_rows[i], b0, b1);
                else TensorCore<V>::add(four, in_rows[i], b0, b1);
            }
        }
    }
}

// A warp reads 4 rows and 8 columns at a time, 16 bytes of each.
template <class V> __device__ void multiply_by_threads(const V* rows, const V* columns, Acc* sums)
{
#pragma unroll
    for (int k = 0; k < STEP; k += VECTOR) {
        Vector b[ACROSS];
#pragma unroll
        for (int j = 0; j < ACROSS; ++j) b[j] = *(const Vector*)&columns[column_of(j) * PITCH + k];
#pragma unroll
        for (int i = 0; i < 8; ++i) {
            Vector a = *(const Vector*)&rows[row_of(i * ACROSS) * PITCH + k];
#pragma unroll
            for (int j = 0; j < ACROSS; ++j)
#pragma unroll
                for (int e = 0; e < VECTOR; ++e) sums[i * ACROSS + j] += Acc(a.at[e]) * Acc(b[j].at[e]);
        }
    }
}

template <class V> __device__ void multiply(const V* rows, const V* columns, Acc* sums)
{
    if constexpr (ON_CORES && sizeof(V) <= 4) multiply_on_cores(rows, columns, sums);
    else multiply_by_threads(rows, columns, sums);
}

#endif
