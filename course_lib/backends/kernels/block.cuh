// Sums and maxima over the threads of a block.
//
// 32 threads (a warp) run in step and read each other's registers: `__shfl_xor_sync(all, x, 16)` is the x of the thread
// whose number differs in bit 16. After five such exchanges, 16 8 4 2 1, every thread of the warp has the total. The
// warps then meet in shared memory.
#ifndef BLOCK_CUH
#define BLOCK_CUH

#include "numbers.cuh"

constexpr int WARP = 32;
constexpr unsigned int ALL_LANES = 0xffffffff;

struct Sum {
    template <class V> static __device__ V nothing() { return V(0); }
    template <class V> static __device__ V join(V a, V b) { return a + b; }
};

struct Max {
    template <class V> static __device__ V nothing() { return V(-infinity()); }
    template <class V> static __device__ V join(V a, V b) { return larger(a, b); }
};

struct Min {
    template <class V> static __device__ V nothing() { return V(infinity()); }
    template <class V> static __device__ V join(V a, V b) { return -larger(-a, -b); }
};

// What `How` makes of the numbers of a warp, in every thread of it.
template <class How, class V> __device__ V over_warp(V mine)
{
    for (int step = WARP / 2; step > 0; step /= 2) mine = How::join(mine, __shfl_xor_sync(ALL_LANES, mine, step));
    return mine;
}

// The same for a block of whole warps. Every thread of the block must call it.
template <class How, class V> __device__ V over_block(V mine)
{
    __shared__ V of_warp[WARP];
    int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP, warps = blockDim.x / WARP;
    mine = over_warp<How>(mine);
    __syncthreads();  // nobody reads the last call's numbers any more
    if (lane == 0) of_warp[warp] = mine;
    __syncthreads();
    return over_warp<How>(lane < warps ? of_warp[lane] : How::template nothing<V>());
}

template <class V> __device__ V block_sum(V mine) { return over_block<Sum>(mine); }
template <class V> __device__ V block_max(V mine) { return over_block<Max>(mine); }

#endif
