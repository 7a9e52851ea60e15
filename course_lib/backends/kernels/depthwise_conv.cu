// Depthwise convolution: every channel has `times` kernels of its own and sees no other channel. A matrix product would
// be starved here, so each thread makes one number directly.
//
// image (samples, channels, H, W), weight (channels · times, 1, KH, KW), out (samples, channels · times, OH, OW)
#include "block.cuh"
#include "windows.cuh"

extern "C" __global__ void depthwise_forward(const T* image, const T* weight, const T* bias, T* out, int n,
                                             int channels, int times, WALKS_AS_ARGUMENTS)
{
    WALKS
    for (int index = thread_number(); index < n; index += thread_count()) {
        int column = index % across.out, row = index / across.out % down.out, plane = index / (across.out * down.out);
        int made = plane % (channels * times);  // channel of the output
        const T* from = image + (long long)(plane / times) * down.in * across.in;
        const T* kernel = weight + (long long)made * down.kernel * across.kernel;
        Acc sum = bias ? Acc(bias[made]) : Acc(0);
        for (int i = 0; i < down.kernel; ++i)
            for (int j = 0; j < across.kernel; ++j) {
                int y = down.at(row, i), x = across.at(column, j);
                if (down.inside(y) && across.inside(x))
                    sum += Acc(from[(long long)y * across.in + x]) * Acc(kernel[i * across.kernel + j]);
            }
        out[index] = T(sum);
    }
}

extern "C" __global__ void depthwise_by_image(const T* g, const T* weight, T* by_image, int n, int channels, int times,
                                              WALKS_AS_ARGUMENTS)
{
    WALKS
    for (int index = thread_number(); index < n; index += thread_count()) {
        int x = index % across.in, y = index / across.in % down.in, plane = index / (across.in * down.in);
        Acc sum = 0;
        for (int t = 0; t < times; ++t) {
            const T* from = g + ((long long)plane * times + t) * down.out * across.out;
            const T* kernel = weight + ((long long)(plane % channels) * times + t) * down.kernel * across.kernel;
            for (int i = 0; i < down.kernel; ++i)
                for (int j = 0; j < across.kernel; ++j) {
                    int row = down.seen_by(y, i), column = across.seen_by(x, j);
                    if (row >= 0 && column >= 0)
                        sum += Acc(from[(long long)row * across.out + column]) * Acc(kernel[i * across.kernel + j]);
                }
        }
        by_image[index] = T(sum);
    }
}

// A block for each number of the weight: its sum over samples and places.
extern "C" __global__ void depthwise_by_weight(const T* g, const T* image, T* by_weight, int samples, int channels,
                                               int times, WALKS_AS_ARGUMENTS)
{
    WALKS
    int j = blockIdx.x % across.kernel, i = blockIdx.x / across.kernel % down.kernel;
    int made = blockIdx.x / (across.kernel * down.kernel), places = down.out * across.out;
    Acc sum = 0;
    for (int index = threadIdx.x; index < samples * places; index += blockDim.x) {
        int sample = index / places, place = index % places;
        int y = down.at(place / across.out, i), x = across.at(place % across.out, j);
        if (!down.inside(y) || !across.inside(x)) continue;
        long long from = (long long)sample * channels + made / times;
        sum += Acc(g[((long long)sample * channels * times + made) * places + place]) *
               Acc(image[(from * down.in + y) * across.in + x]);
    }
    sum = block_sum(sum);
    if (threadIdx.x == 0) by_weight[blockIdx.x] = T(sum);
}
