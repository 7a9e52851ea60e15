// One launch for many arrays: all parameters of a network, say, each with its gradient and its optimizer's state.
//
// A launch costs some microseconds, as much as a few million additions. A network has a hundred parameters, most of
// them small, so an optimizer that launches for each of them is done long before the last launch has begun. Instead,
// a table of addresses comes with the launch, by value: it lies in the constant memory that all kernel arguments lie
// in, nothing has to be copied to the GPU before, and the host may write the next table at once. Arguments have room
// for 4096 bytes, which is some eighty rows of four addresses; more arrays than that take another launch.
//
// All arrays together are cut into pieces of CHUNK elements, one a block, so a block never works on two arrays and
// large arrays get many blocks. (PyTorch's multi_tensor_apply does the same with a list of blocks in the table.)
#ifndef MANY_CUH
#define MANY_CUH

#include "elementwise.cuh"

constexpr int CHUNK = 4096;

// `rows` arrays side by side, element by element: at[r][i] is the r-th array of the i-th group.
template <int ROWS> struct Table {
    static constexpr int MOST = 3900 / (8 * ROWS + 8);
    void* at[ROWS][MOST];
    int size[MOST];
    int first[MOST];  // the first block that works on this group
    int count;
};

// What a block works on: a stretch of one group.
struct Stretch { int group, start, length; };

template <int ROWS> __device__ Stretch stretch_of_block(const Table<ROWS>& table)
{
    int low = 0, high = table.count - 1;  // the last group whose first block does not lie behind this one
    while (low < high) {
        int middle = (low + high + 1) / 2;
        if (table.first[middle] <= (int)blockIdx.x) low = middle;
        else high = middle - 1;
    }
    int start = ((int)blockIdx.x - table.first[low]) * CHUNK;
    return {low, start, min(CHUNK, table.size[low] - start)};
}

// f(x) for the elements of the block's stretch, x being the element of each row; then x is written back, but for row 1.
template <int ROWS, class F> __device__ void each_of_many(const Table<ROWS>& table, Stretch here, F f)
{
    T* row[ROWS];
    bool wide = true;
#pragma unroll
    for (int r = 0; r < ROWS; ++r) {
        row[r] = (T*)table.at[r][here.group] + here.start;
        wide = wide && starts_well(row[r]);
    }
    int packs = wide ? here.length / PACK : 0;
    for (int p = threadIdx.x; p < packs; p += blockDim.x) {
        Pack pack[ROWS];
#pragma unroll
        for (int r = 0; r < ROWS; ++r) pack[r] = ((const Pack*)row[r])[p];  // all loads are under way together
#pragma unroll
        for (int k = 0; k < PACK; ++k) {
            Acc x[ROWS];
#pragma unroll
            for (int r = 0; r < ROWS; ++r) x[r] = Acc(pack[r].at[k]);
            f(x);
#pragma unroll
            for (int r = 0; r < ROWS; ++r) pack[r].at[k] = T(x[r]);
        }
#pragma unroll
        for (int r = 0; r < ROWS; ++r)
            if (r != 1) ((Pack*)row[r])[p] = pack[r];
    }
    for (int i = packs * PACK + threadIdx.x; i < here.length; i += blockDim.x) {
        Acc x[ROWS];
#pragma unroll
        for (int r = 0; r < ROWS; ++r) x[r] = Acc(row[r][i]);
        f(x);
#pragma unroll
        for (int r = 0; r < ROWS; ++r)
            if (r != 1) row[r][i] = T(x[r]);
    }
}

#endif
