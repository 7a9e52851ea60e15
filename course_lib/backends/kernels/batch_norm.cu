// Batch norm while training: a block for each channel of x (samples, channels, places).
//
//     y = (x - mean) · rate · weight + bias,      rate = 1 / √(variance + eps)
//
// mean and variance are the channel's own, over all samples and places.
#include "block.cuh"

// A channel's elements, numbered 0 … samples · places - 1.
struct Channel {
    int channels, places, count;
    __device__ Channel(int samples, int channels, int places)
        : channels(channels), places(places), count(samples * places) {}
    __device__ long long at(int i) const
    {
        return ((long long)(i / places) * channels + blockIdx.x) * places + i % places;
    }
};

extern "C" __global__ void batch_norm_forward(const T* x, const T* weight, const T* bias, T* out, Acc* mean, Acc* rate,
                                              int samples, int channels, int places, Acc eps)
{
    Channel channel(samples, channels, places);
    int c = blockIdx.x;
    Acc sum = 0, squares = 0;
    for (int i = threadIdx.x; i < channel.count; i += blockDim.x) sum += Acc(x[channel.at(i)]);
    Acc middle = block_sum(sum) / channel.count;
    for (int i = threadIdx.x; i < channel.count; i += blockDim.x) {
        Acc off = Acc(x[channel.at(i)]) - middle;
        squares += off * off;
    }
    Acc scale = Acc(1) / sqrt(block_sum(squares) / channel.count + eps);
    Acc slope = weight ? scale * Acc(weight[c]) : scale, shift = bias ? Acc(bias[c]) : Acc(0);
    for (int i = threadIdx.x; i < channel.count; i += blockDim.x)
        out[channel.at(i)] = T((Acc(x[channel.at(i)]) - middle) * slope + shift);
    if (threadIdx.x == 0) {
        mean[c] = middle;
        rate[c] = scale;
    }
}

// by_bias = Σ g, by_weight = Σ g·z with z = (x - mean) · rate,
// by_x = weight · rate · (g - (by_bias + z · by_weight) / count)
extern "C" __global__ void batch_norm_backward(const T* g, const T* x, const T* weight, const Acc* mean,
                                               const Acc* rate, T* by_x, Acc* by_weight, Acc* by_bias, int samples,
                                               int channels, int places)
{
    Channel channel(samples, channels, places);
    int c = blockIdx.x;
    Acc middle = mean[c], scale = rate[c], sum = 0, products = 0;
    for (int i = threadIdx.x; i < channel.count; i += blockDim.x) {
        Acc slope = Acc(g[channel.at(i)]);
        sum += slope;
        products += slope * (Acc(x[channel.at(i)]) - middle) * scale;
    }
    sum = block_sum(sum);
    products = block_sum(products);
    Acc factor = weight ? scale * Acc(weight[c]) : scale;
    for (int i = threadIdx.x; i < channel.count; i += blockDim.x) {
        Acc z = (Acc(x[channel.at(i)]) - middle) * scale;
        by_x[channel.at(i)] = T(factor * (Acc(g[channel.at(i)]) - (sum + z * products) / channel.count));
    }
    if (threadIdx.x == 0) {
        by_weight[c] = products;
        by_bias[c] = sum;
    }
}
