// Layer norm and RMS norm: a block for each row of n elements.
//
//     layer norm   y = (x - mean) · rate · weight + bias      rate = 1 / √(variance + eps)
//     RMS norm     y = x · rate · weight                      rate = 1 / √(mean of x² + eps)
//
// The mean comes first and the squares of x - mean in a second pass over the row, which by then lies in the cache: the
// shortcut "mean of squares minus square of the mean" loses all digits where the mean is large. `mean` and `rate` are
// kept for backward. weight and bias may be missing (null).
#include "block.cuh"

__device__ inline Acc weight_at(const T* weight, int i) { return weight ? Acc(weight[i]) : Acc(1); }

extern "C" __global__ void layer_norm_forward(const T* x, const T* weight, const T* bias, T* out, Acc* mean, Acc* rate,
                                              int n, Acc eps)
{
    const T* row = x + (long long)blockIdx.x * n;
    Acc sum = 0, squares = 0;
    for (int i = threadIdx.x; i < n; i += blockDim.x) sum += Acc(row[i]);
    Acc middle = block_sum(sum) / n;
    for (int i = threadIdx.x; i < n; i += blockDim.x) squares += (Acc(row[i]) - middle) * (Acc(row[i]) - middle);
    Acc scale = Acc(1) / sqrt(block_sum(squares) / n + eps);
    for (int i = threadIdx.x; i < n; i += blockDim.x)
        out[(long long)blockIdx.x * n + i] =
            T((Acc(row[i]) - middle) * scale * weight_at(weight, i) + (bias ? Acc(bias[i]) : Acc(0)));
    if (threadIdx.x == 0) {
        mean[blockIdx.x] = middle;
        rate[blockIdx.x] = scale;
    }
}

extern "C" __global__ void rms_norm_forward(const T* x, const T* weight, T* out, Acc* rate, int n, Acc eps)
{
    const T* row = x + (long long)blockIdx.x * n;
    Acc squares = 0;
    for (int i = threadIdx.x; i < n; i += blockDim.x) squares += Acc(row[i]) * Acc(row[i]);
    Acc scale = Acc(1) / sqrt(block_sum(squares) / n + eps);
    for (int i = threadIdx.x; i < n; i += blockDim.x)
        out[(long long)blockIdx.x * n + i] = T(Acc(row[i]) * scale * weight_at(weight, i));
    if (threadIdx.x == 0) rate[blockIdx.x] = scale;
}

// With h = g · weight and z = (x - mean) · rate:  by_x = rate · (h - mean of h - z · mean of h·z).
// RMS norm has no mean (null): there z = x · rate, and the mean of h falls away.
extern "C" __global__ void norm_backward(const T* g, const T* x, const T* weight, const Acc* mean, const Acc* rate,
                                         T* by_x, int n)
{
    long long start = (long long)blockIdx.x * n;
    Acc middle = mean ? mean[blockIdx.x] : Acc(0), scale = rate[blockIdx.x], sum = 0, products = 0;
    for (int i = threadIdx.x; i < n; i += blockDim.x) {
        Acc h = Acc(g[start + i]) * weight_at(weight, i);
        sum += h;
        products += h * (Acc(x[start + i]) - middle) * scale;
    }
    sum = mean ? block_sum(sum) / n : Acc(0);  // all threads of a block agree on `mean`, so that none waits alone
    products = block_sum(products) / n;
    for (int i = threadIdx.x; i < n; i += blockDim.x) {
        Acc h = Acc(g[start + i]) * weight_at(weight, i), z = (Acc(x[start + i]) - middle) * scale;
        by_x[start + i] = T(scale * (h - sum - z * products));
    }
}

// by_weight[i] = Σ over rows of g·z and by_bias[i] = Σ of g, for a share of the rows: block (bx, by) adds up 32 columns
// of every gridDim.y-th group of 8 rows. 8 rows of threads walk down together, so that a warp reads 32 neighbours;
// then they meet in shared memory. `parts` holds gridDim.y rows for by_weight and as many for by_bias; sum_columns adds
// them, always in the same order: no atomics, the same result every time.
extern "C" __global__ void norm_parameters_backward(const T* g, const T* x, const Acc* mean, const Acc* rate,
                                                    Acc* parts, int rows, int n)
{
    __shared__ Acc by_weight[8][WARP], by_bias[8][WARP];
    int column = blockIdx.x * WARP + threadIdx.x, y = threadIdx.y;
    Acc products = 0, sum = 0;
    for (int r = blockIdx.y * 8 + y; r < rows && column < n; r += gridDim.y * 8) {
        Acc slope = Acc(g[(long long)r * n + column]);
        products += slope * (Acc(x[(long long)r * n + column]) - (mean ? mean[r] : Acc(0))) * rate[r];
        sum += slope;
    }
    by_weight[y][threadIdx.x] = products;
    by_bias[y][threadIdx.x] = sum;
    __syncthreads();
    if (y > 0 || column >= n) return;
    for (int other = 1; other < 8; ++other) {
        products += by_weight[other][threadIdx.x];
        sum += by_bias[other][threadIdx.x];
    }
    parts[(long long)blockIdx.y * n + column] = products;
    parts[(long long)(gridDim.y + blockIdx.y) * n + column] = sum;
}
