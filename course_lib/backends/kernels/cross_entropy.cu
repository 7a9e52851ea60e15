// Cross entropy of rows of scores with class numbers, without ever storing the log-softmax.
//
//     loss[r] = log Σ exp(scores[r]) - scores[r, target[r]],      0 where target[r] is `ignored`
//
// Forward keeps the logarithm of each row's sum; backward makes softmax from it on the way: by_scores = (softmax - 1 at
// the target) · g[r]. The caller has checked that every target is a class.
#include "block.cuh"

extern "C" __global__ void cross_entropy_forward(const T* scores, const long long* target, Acc* loss, Acc* log_sum,
                                                 int classes, long long ignored)
{
    const T* row = scores + (long long)blockIdx.x * classes;
    Acc mine = -infinity();
    for (int c = threadIdx.x; c < classes; c += blockDim.x) mine = larger(mine, Acc(row[c]));
    Acc high = block_max(mine), sum = 0;
    for (int c = threadIdx.x; c < classes; c += blockDim.x) sum += exp(Acc(row[c]) - high);
    Acc logarithm = high + log(block_sum(sum));
    if (threadIdx.x == 0) {
        long long wanted = target[blockIdx.x];
        log_sum[blockIdx.x] = logarithm;
        loss[blockIdx.x] = wanted == ignored ? Acc(0) : logarithm - Acc(row[wanted]);
    }
}

extern "C" __global__ void cross_entropy_backward(const Acc* g, const T* scores, const long long* target,
                                                  const Acc* log_sum, T* by_scores, int classes, long long ignored)
{
    long long start = (long long)blockIdx.x * classes, wanted = target[blockIdx.x];
    Acc share = wanted == ignored ? Acc(0) : g[blockIdx.x], logarithm = log_sum[blockIdx.x];
    for (int c = threadIdx.x; c < classes; c += blockDim.x) {
        Acc slope = exp(Acc(scores[start + c]) - logarithm) - (c == wanted ? Acc(1) : Acc(0));
        by_scores[start + c] = T(wanted == ignored ? Acc(0) : slope * share);
    }
}
