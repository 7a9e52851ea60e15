// Sums, maxima and minima: of everything, of rows, of columns.
//
// All: every block reduces its share to one number, and a second launch of one block reduces those. The order is always
// the same, so the result is, too; adding with atomics would need one launch and give other roundings each time.
#include "block.cuh"

template <class How, class In, class Out> __device__ void reduce_share(const In* x, Out* out, int n)
{
    Acc mine = How::template nothing<Acc>();
    for (int i = thread_number(); i < n; i += thread_count()) mine = How::join(mine, Acc(x[i]));
    mine = over_block<How>(mine);
    if (threadIdx.x == 0) out[blockIdx.x] = Out(mine);
}

// A block for each row of n elements.
template <class How> __device__ void reduce_row(const T* x, T* out, int n)
{
    Acc mine = How::template nothing<Acc>();
    for (int i = threadIdx.x; i < n; i += blockDim.x) mine = How::join(mine, Acc(x[(long long)blockIdx.x * n + i]));
    mine = over_block<How>(mine);
    if (threadIdx.x == 0) out[blockIdx.x] = T(mine);
}

#define REDUCTION(name, How)                                                                                         \
    extern "C" __global__ void name##_shares(const T* x, Acc* shares, int n) { reduce_share<How>(x, shares, n); }    \
    extern "C" __global__ void name##_of_shares(const Acc* shares, T* out, int n)                                    \
    {                                                                                                                \
        reduce_share<How>(shares, out, n);                                                                           \
    }                                                                                                                \
    extern "C" __global__ void name##_rows(const T* x, T* out, int n) { reduce_row<How>(x, out, n); }

REDUCTION(sum, Sum)
REDUCTION(max, Max)
REDUCTION(min, Min)

// Sums over the first dimension of x (rows, n): 32 × 8 threads; each warp reads 32 neighbours, then 8 sums meet.
template <class In, class Out> __device__ void add_columns(const In* x, Out* out, int rows, int n)
{
    __shared__ Acc sums[8][WARP];
    int column = blockIdx.x * WARP + threadIdx.x;
    Acc mine = 0;
    for (int r = threadIdx.y; r < rows && column < n; r += 8) mine += Acc(x[(long long)r * n + column]);
    sums[threadIdx.y][threadIdx.x] = mine;
    __syncthreads();
    if (threadIdx.y > 0 || column >= n) return;
    for (int y = 1; y < 8; ++y) mine += sums[y][threadIdx.x];
    out[column] = Out(mine);
}

extern "C" __global__ void sum_columns(const T* x, T* out, int rows, int n) { add_columns(x, out, rows, n); }
extern "C" __global__ void sum_columns_of_parts(const Acc* x, T* out, int rows, int n) { add_columns(x, out, rows, n); }
