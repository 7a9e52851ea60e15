// Softmax and log-softmax: a block for each row.
//
// A row's elements lie `inner` apart (1: along the last dimension). Row r starts at (r / inner) · length · inner
// + r % inner. With a large inner neighbouring threads read far from each other: right, but slow.
//
// Forward reads the row twice: once for its maximum and the sum of exponentials, both in one pass ("online": when a
// larger number turns up, the sum so far is scaled down), once more to write.
#include "block.cuh"

struct Row {
    long long start;
    int step, length;
    __device__ Row(int length, int inner) : step(inner), length(length)
    {
        start = (long long)(blockIdx.x / inner) * length * inner + blockIdx.x % inner;
    }
    __device__ long long at(int i) const { return start + (long long)i * step; }
};

// The logarithm of the row's sum of exp(x), as its two parts: the maximum, and the sum of exp(x - maximum).
__device__ inline void high_and_sum(const T* x, Row row, Acc& high, Acc& sum)
{
    Acc mine = -infinity(), total = 0;
    for (int i = threadIdx.x; i < row.length; i += blockDim.x) {
        Acc value = Acc(x[row.at(i)]), before = mine;
        mine = larger(mine, value);
        if (mine != -infinity()) total = total * exp(before - mine) + exp(value - mine);
    }
    high = block_max(mine);
    sum = block_sum(total == 0 ? Acc(0) : total * exp(mine - high));
}

extern "C" __global__ void softmax_forward(const T* x, T* out, int length, int inner)
{
    Row row(length, inner);
    Acc high, sum;
    high_and_sum(x, row, high, sum);
    for (int i = threadIdx.x; i < length; i += blockDim.x) out[row.at(i)] = T(exp(Acc(x[row.at(i)]) - high) / sum);
}

extern "C" __global__ void log_softmax_forward(const T* x, T* out, int length, int inner)
{
    Row row(length, inner);
    Acc high, sum;
    high_and_sum(x, row, high, sum);
    Acc logarithm = log(sum);
    for (int i = threadIdx.x; i < length; i += blockDim.x) out[row.at(i)] = T(Acc(x[row.at(i)]) - high - logarithm);
}

// by_x = y · (g - Σ g·y)
extern "C" __global__ void softmax_backward(const T* g, const T* y, T* by_x, int length, int inner)
{
    Row row(length, inner);
    Acc mine = 0;
    for (int i = threadIdx.x; i < length; i += blockDim.x) mine += Acc(g[row.at(i)]) * Acc(y[row.at(i)]);
    Acc total = block_sum(mine);
    for (int i = threadIdx.x; i < length; i += blockDim.x)
        by_x[row.at(i)] = T(Acc(y[row.at(i)]) * (Acc(g[row.at(i)]) - total));
}

// by_x = g - exp(y) · Σ g
extern "C" __global__ void log_softmax_backward(const T* g, const T* y, T* by_x, int length, int inner)
{
    Row row(length, inner);
    Acc mine = 0;
    for (int i = threadIdx.x; i < length; i += blockDim.x) mine += Acc(g[row.at(i)]);
    Acc total = block_sum(mine);
    for (int i = threadIdx.x; i < length; i += blockDim.x)
        by_x[row.at(i)] = T(Acc(g[row.at(i)]) - exp(Acc(y[row.at(i)])) * total);
}
