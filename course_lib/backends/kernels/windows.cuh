// Windows that slide over a volume: what im2col, pooling and depthwise convolution have in common.
//
// Output (z, y, x) sees the kernel's cell (k, i, j) at input (z·stride - padding + k·dilation, y·stride - …, …).
// An image has a depth of 1, a signal also a height of 1.
//
// Threads lie side by side along a row, x, so that they touch neighbours in memory. From the number of its row a thread
// finds z, y and the plane (sample and channel) by division, which is slow; so it does that once for a row, and all
// cells of a window are visited in a loop that needs none.
#ifndef WINDOWS_CUH
#define WINDOWS_CUH

#include "numbers.cuh"

// One direction of the window's walk.
struct Walk {
    int in, out, kernel, stride, padding, dilation;

    __device__ int at(int o, int k) const { return o * stride - padding + k * dilation; }
    __device__ bool inside(int i) const { return (unsigned int)i < (unsigned int)in; }  // a negative one is large

    // The outputs that may see input i are those from first to last; most images need one division or none for it.
    __device__ int first_seeing(int i) const
    {
        int reach = i + padding - dilation * (kernel - 1);
        if (reach <= 0) return 0;
        return stride == 1 ? reach : (reach + stride - 1) / stride;
    }
    __device__ int last_seeing(int i) const
    {
        int reach = stride == 1 ? i + padding : (i + padding) / stride;
        return min(reach, out - 1);
    }
    // The cell through which output o, one of those, sees input i; -1: it falls between two cells.
    __device__ int cell(int i, int o) const
    {
        int reach = i + padding - o * stride;
        if (dilation == 1) return reach;
        return reach % dilation == 0 ? reach / dilation : -1;
    }
};

// The walks into the depth, down and across: one argument of a kernel, passed by value.
struct Windows {
    Walk deep, down, across;
    __device__ int cells() const { return deep.kernel * down.kernel * across.kernel; }
    __device__ int inputs() const { return deep.in * down.in * across.in; }
    __device__ int outputs() const { return deep.out * down.out * across.out; }
    __device__ int input(int z, int y, int x) const { return (z * down.in + y) * across.in + x; }
    __device__ int output(int z, int y, int x) const { return (z * down.out + y) * across.out + x; }
};

// The loader may compile a kernel for one size of window, one stride and one dilation. Then the loops over its cells
// are unrolled, and all numbers of a window are on their way from memory at once, instead of one after the other.
__device__ inline Windows with_known_numbers(Windows windows)
{
#ifdef KERNEL_DOWN
    windows.deep.kernel = KERNEL_DEEP;
    windows.down.kernel = KERNEL_DOWN;
    windows.across.kernel = KERNEL_ACROSS;
#endif
#ifdef STRIDE_DOWN  // divisions by it become shifts
    windows.deep.stride = STRIDE_DEEP;
    windows.down.stride = STRIDE_DOWN;
    windows.across.stride = STRIDE_ACROSS;
    windows.deep.dilation = DILATION_DEEP;
    windows.down.dilation = DILATION_DOWN;
    windows.across.dilation = DILATION_ACROSS;
#endif
    return windows;
}

// A row of a volume: z and y in its plane. Loops over the rows and places of a launch:
//     for (int r = first_row(); r < rows; r += row_step())
//         for (int x = first_place(); x < width; x += place_step()) …
struct Row {
    int plane, z, y;
    __device__ Row(int r, int height, int depth) : plane(r / height), z(0), y(r % height)
    {
        if (depth > 1) {
            z = plane % depth;
            plane /= depth;
        }
    }
};

__device__ inline int first_row() { return blockIdx.x * blockDim.y + threadIdx.y; }
__device__ inline int row_step() { return gridDim.x * blockDim.y; }
__device__ inline int first_place() { return blockIdx.y * blockDim.x + threadIdx.x; }
__device__ inline int place_step() { return gridDim.y * blockDim.x; }

#endif
