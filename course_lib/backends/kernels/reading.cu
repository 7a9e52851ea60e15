// Images read at many places, each a weighted sum of NEIGHBOURS elements: the kernels of grid_sample.
//
// image (samples, channels, elements), weights and `at` (NEIGHBOURS, samples, places), g and out (samples, channels,
// places). `at` is a position in the flattened image; one behind the last element reads 0.
//
// A thread serves one place in a share of the channels: it looks up where to read once. Threads next to each other
// serve neighbouring places, and write neighbours.
#include "numbers.cuh"

#ifndef NEIGHBOURS
#define NEIGHBOURS 4
#endif

// What a thread knows of its place.
struct Place {
    int at[NEIGHBOURS];  // -1: outside of the image
    Acc weight[NEIGHBOURS];

    __device__ Place(const long long* all, const T* weights, int index, int count, int elements)
    {
#pragma unroll
        for (int k = 0; k < NEIGHBOURS; ++k) {
            long long where = all[k * count + index];
            bool inside = where >= 0 && where < elements;
            at[k] = inside ? (int)where : -1;
            weight[k] = weights ? Acc(weights[k * count + index]) : Acc(1);
        }
    }
};

extern "C" __global__ void read_places(const T* image, const T* weights, const long long* at, T* out, int samples,
                                       int channels, int elements, int places)
{
    int count = samples * places;
    for (int index = thread_number(); index < count; index += thread_count()) {
        Place here(at, weights, index, count, elements);
        int sample = index / places, place = index % places;
        for (int c = blockIdx.y; c < channels; c += gridDim.y) {
            const T* from = image + (sample * channels + c) * elements;
            Acc sum = 0;
#pragma unroll
            for (int k = 0; k < NEIGHBOURS; ++k)
                if (here.at[k] >= 0) sum += here.weight[k] * Acc(from[here.at[k]]);
            out[(sample * channels + c) * places + place] = T(sum);
        }
    }
}

// Its transpose: adds to `image`, which holds zeros at first. Places may share an element: the sum has no fixed order.
extern "C" __global__ void spread_places_atomic(const T* g, const T* weights, const long long* at, Acc* image,
                                                int samples, int channels, int elements, int places)
{
    int count = samples * places;
    for (int index = thread_number(); index < count; index += thread_count()) {
        Place here(at, weights, index, count, elements);
        int sample = index / places, place = index % places;
        for (int c = blockIdx.y; c < channels; c += gridDim.y) {
            Acc slope = Acc(g[(sample * channels + c) * places + place]);
#pragma unroll
            for (int k = 0; k < NEIGHBOURS; ++k)
                if (here.at[k] >= 0)
                    atomicAdd(image + (sample * channels + c) * elements + here.at[k], here.weight[k] * slope);
        }
    }
}

// The gradient by the weights: for each of them the product of g and the element, summed over the channels.
extern "C" __global__ void join_places(const T* g, const T* image, const long long* at, T* by_weight, int samples,
                                       int channels, int elements, int places)
{
    int count = samples * places;
    for (int index = thread_number(); index < count; index += thread_count()) {
        Place here(at, nullptr, index, count, elements);
        int sample = index / places, place = index % places;
        Acc sums[NEIGHBOURS];
#pragma unroll
        for (int k = 0; k < NEIGHBOURS; ++k) sums[k] = 0;
        for (int c = 0; c < channels; ++c) {
            Acc slope = Acc(g[(sample * channels + c) * places + place]);
#pragma unroll
            for (int k = 0; k < NEIGHBOURS; ++k)
                if (here.at[k] >= 0) sums[k] += slope * Acc(image[(sample * channels + c) * elements + here.at[k]]);
        }
#pragma unroll
        for (int k = 0; k < NEIGHBOURS; ++k) by_weight[k * count + index] = T(sums[k]);
    }
}
