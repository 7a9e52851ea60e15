// Windows that slide over a plane: what im2col, pooling and depthwise convolution have in common.
//
// Output (y, x) sees the kernel's cell (i, j) at input (y·stride - padding + i·dilation, x·stride - padding + …).
#ifndef WINDOWS_CUH
#define WINDOWS_CUH

#include "numbers.cuh"

// One direction of the window's walk.
struct Walk {
    int in, out, kernel, stride, padding, dilation;
    __device__ int at(int o, int k) const { return o * stride - padding + k * dilation; }
    __device__ bool inside(int i) const { return i >= 0 && i < in; }

    // Which output sees input i through the kernel's cell k; -1: none.
    __device__ int seen_by(int i, int k) const
    {
        int reach = i + padding - k * dilation;
        if (reach < 0 || reach % stride != 0) return -1;
        return reach / stride < out ? reach / stride : -1;
    }
};

// The walks down and across a plane as a kernel's arguments, and put together again inside it.
#define WALKS_AS_ARGUMENTS                                                                          \
    int down_in, int down_out, int down_kernel, int down_stride, int down_padding, int down_dilation, \
        int across_in, int across_out, int across_kernel, int across_stride, int across_padding, int across_dilation
#define WALKS                                                                                \
    Walk down{down_in, down_out, down_kernel, down_stride, down_padding, down_dilation};     \
    Walk across{across_in, across_out, across_kernel, across_stride, across_padding, across_dilation};

#endif
