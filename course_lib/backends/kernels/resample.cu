// Images brought to another size: every number of the result is a weighted sum of a few numbers of the image, the same
// few for a whole row or column. So tables say, for each dimension, which they are and what they weigh:
//
//     out[z, y, x] = sum over k, i, j of deep[k, z] · down[i, y] · across[j, x] · image[deep at, down at, across at]
//
// Nearest, linear, cubic and smoothing interpolation differ in their tables only, and the gradient is the same sum with
// the tables of the way back; so nothing is written twice there either.
#include "windows.cuh"

// `count` tables of `out` positions, one after the other, and as many weights; without weights all are 1.
struct Taps {
    const int* positions;
    const Acc* weights;
    int in, out, count;
    __device__ int position(int k, int o) const { return positions[k * out + o]; }
    __device__ Acc weight(int k, int o) const { return weights ? weights[k * out + o] : Acc(1); }
};

extern "C" __global__ void resample(const T* image, T* out, int rows, const int* deep_positions,
                                    const Acc* deep_weights, int deep_in, int deep_out, int deep_count,
                                    const int* down_positions, const Acc* down_weights, int down_in, int down_out,
                                    int down_count, const int* across_positions, const Acc* across_weights,
                                    int across_in, int across_out, int across_count)
{
    Taps deep{deep_positions, deep_weights, deep_in, deep_out, deep_count};
    Taps down{down_positions, down_weights, down_in, down_out, down_count};
    Taps across{across_positions, across_weights, across_in, across_out, across_count};
    for (int r = first_row(); r < rows; r += row_step()) {
        Row row(r, down.out, deep.out);
        const T* plane = image + row.plane * deep.in * down.in * across.in;
        for (int x = first_place(); x < across.out; x += place_step()) {
            Acc sum = 0;
            for (int k = 0; k < deep.count; ++k)
                for (int i = 0; i < down.count; ++i) {
                    const T* line = plane + (deep.position(k, row.z) * down.in + down.position(i, row.y)) * across.in;
                    Acc along = 0;
                    for (int j = 0; j < across.count; ++j)
                        along += across.weight(j, x) * Acc(line[across.position(j, x)]);
                    sum += deep.weight(k, row.z) * down.weight(i, row.y) * along;
                }
            out[r * across.out + x] = T(sum);
        }
    }
}
