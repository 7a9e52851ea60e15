// Depthwise convolution: every channel has `times` kernels of its own and sees no other channel. A matrix product would
// be starved here: each number of the image takes part in few products, so the kernels must read it only once.
//
// image (samples, channels, H, W), weight (channels · times, 1, KH, KW), out (samples, channels · times, OH, OW)
//
// The size of the kernel, stride and dilation are constants when this is compiled, so that the weights and sums stay in
// registers and every loop over them is unrolled.
#include "block.cuh"
#ifndef KERNEL_DOWN
#define KERNEL_DEEP 1
#define KERNEL_DOWN 3
#define KERNEL_ACROSS 3
#endif
#ifndef STRIP
#define STRIDE_DEEP 1
#define STRIDE_DOWN 1
#define STRIDE_ACROSS 1
#define DILATION_DEEP 1
#define DILATION_DOWN 1
#define DILATION_ACROSS 1
#define STRIP 4
#endif
#include "windows.cuh"

constexpr int CELLS = KERNEL_DOWN * KERNEL_ACROSS;

// A thread makes STRIP numbers below each other: most rows of the image that it reads serve several of them.
//
// `turned`: with the weight turned by half a circle this is the gradient by the image of a convolution with stride 1,
// where `image` is the output's gradient; the caller then gives the windows that look back.
extern "C" __global__ void depthwise_forward(const T* image, const T* weight, const T* bias, T* out, int strips,
                                             int outs, int times, Windows given, bool turned)
{
    constexpr int ROWS = (STRIP - 1) * STRIDE_DOWN + (KERNEL_DOWN - 1) * DILATION_DOWN + 1;
    Windows w = with_known_numbers(given);
    int in_plane = (w.down.out + STRIP - 1) / STRIP;
    for (int r = first_row(); r < strips; r += row_step()) {
        int plane = r / in_plane, top = r % in_plane * STRIP, made = plane % outs;
        const T* from = image + plane / times * w.inputs();
        T* to = out + plane * w.outputs();
        Acc cells[CELLS];
#pragma unroll
        for (int cell = 0; cell < CELLS; ++cell)
            cells[cell] = Acc(weight[made * CELLS + (turned ? CELLS - 1 - cell : cell)]);
        for (int x = first_place(); x < w.across.out; x += place_step()) {
            Acc sums[STRIP];
#pragma unroll
            for (int s = 0; s < STRIP; ++s) sums[s] = bias ? Acc(bias[made]) : Acc(0);
#pragma unroll
            for (int v = 0; v < ROWS; ++v) {
                int y = top * STRIDE_DOWN - w.down.padding + v;
#pragma unroll
                for (int j = 0; j < KERNEL_ACROSS; ++j) {
                    int column = w.across.at(x, j);
                    bool inside = w.down.inside(y) & w.across.inside(column);
                    Acc value = inside ? Acc(from[y * w.across.in + column]) : Acc(0);
#pragma unroll
                    for (int s = 0; s < STRIP; ++s) {  // known to the compiler: which outputs see row v, and how
                        int reach = v - s * STRIDE_DOWN, i = reach / DILATION_DOWN;
                        if (reach >= 0 && reach % DILATION_DOWN == 0 && i < KERNEL_DOWN)
                            sums[s] += value * cells[i * KERNEL_ACROSS + j];
                    }
                }
            }
#pragma unroll
            for (int s = 0; s < STRIP; ++s)
                if (top + s < w.down.out) to[(top + s) * w.across.out + x] = T(sums[s]);
        }
    }
}

// The gradient by the image for any stride: a thread for each number, which looks for the windows that saw it.
extern "C" __global__ void depthwise_by_image(const T* g, const T* weight, T* by_image, int rows, int channels,
                                              int times, Windows given)
{
    Windows w = with_known_numbers(given);
    for (int r = first_row(); r < rows; r += row_step()) {
        Row row(r, w.down.in, 1);
        for (int x = first_place(); x < w.across.in; x += place_step()) {
            Acc sum = 0;
            for (int t = 0; t < times; ++t) {
                const T* from = g + (row.plane * times + t) * w.outputs();
                const T* cells = weight + (row.plane % channels * times + t) * CELLS;
                for (int b = w.down.first_seeing(row.y); b <= w.down.last_seeing(row.y); ++b)
                    for (int c = w.across.first_seeing(x); c <= w.across.last_seeing(x); ++c) {
                        int i = w.down.cell(row.y, b), j = w.across.cell(x, c);
                        if (i >= 0 && j >= 0)
                            sum += Acc(from[b * w.across.out + c]) * Acc(cells[i * KERNEL_ACROSS + j]);
                    }
            }
            by_image[r * w.across.in + x] = T(sum);
        }
    }
}

// The gradient by the weight: block (made, share) sums over its share of the samples, all cells of one kernel at once,
// so that g is read once. `across` threads, a power of two, lie along a row. The shares are added by parts.cu.
extern "C" __global__ void depthwise_by_weight(const T* g, const T* image, Acc* parts, int samples, int outs, int times,
                                               int across, Windows given)
{
    Windows w = with_known_numbers(given);
    int made = blockIdx.x, first = threadIdx.x % across, down = blockDim.x / across;
    Acc sums[CELLS];
#pragma unroll
    for (int cell = 0; cell < CELLS; ++cell) sums[cell] = 0;
    for (int sample = blockIdx.y; sample < samples; sample += gridDim.y) {
        const T* slopes = g + (sample * outs + made) * w.outputs();
        const T* from = image + (sample * outs + made) / times * w.inputs();
        for (int y = threadIdx.x / across; y < w.down.out; y += down)
            for (int x = first; x < w.across.out; x += across) {
                Acc slope = Acc(slopes[y * w.across.out + x]);
#pragma unroll
                for (int i = 0; i < KERNEL_DOWN; ++i)
#pragma unroll
                    for (int j = 0; j < KERNEL_ACROSS; ++j) {
                        int b = w.down.at(y, i), c = w.across.at(x, j);
                        bool inside = w.down.inside(b) & w.across.inside(c);
                        sums[i * KERNEL_ACROSS + j] += inside ? slope * Acc(from[b * w.across.in + c]) : Acc(0);
                    }
            }
    }
#pragma unroll
    for (int cell = 0; cell < CELLS; ++cell) {
        Acc sum = block_sum(sums[cell]);
        if (threadIdx.x == 0) parts[((long long)blockIdx.y * outs + made) * CELLS + cell] = sum;
    }
}
