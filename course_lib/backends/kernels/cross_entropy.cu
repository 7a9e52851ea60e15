// Cross entropy of rows of scores with class numbers, without ever storing the log-softmax.
//
//     loss = w[t] (L - x[t])                L = log sum of exp(x), t the target, w its class's weight (null: 1)
//     with label smoothing e:               (1 - e) (L - x[t]) + e (L - mean of x), without weights
//
// A row whose target is `ignored` counts nothing. Forward reads every score once and keeps L of each row; backward
// reads every score once more and writes every gradient once:
//
//     by_x[c] = share (w[t] (p[c] - [c = t]))                      p[c] = exp(x[c] - L)
//     with label smoothing:   share (p[c] - (1 - e) [c = t] - e / C)
//
// A target that is no class makes the row nan: to raise an error, the host would have to wait for the GPU.
#include "softmax.cuh"

struct Target {
    int number;
    bool counts, wrong;
    Acc weight;
    __device__ Target(long long target, long long ignored, int classes, const T* weights)
        : number(int(target)), counts(target != ignored), wrong(counts && (target < 0 || target >= classes))
    {
        weight = !counts || wrong ? Acc(0) : weights ? Acc(weights[number]) : Acc(1);
    }
};

__device__ inline Acc not_a_number() { return infinity() - infinity(); }

// `loss` gets the rows' losses for cross_entropy_total to add up, or `each` as the result; the other one is null.
extern "C" __global__ void TEAMS cross_entropy_forward(const T* x, const long long* target, const T* weights,
                                                       Acc* loss, T* each, Acc* log_sum, int rows, int classes,
                                                       int inner, long long ignored, Acc smoothing)
{
    on_row(rows, classes, inner, [=](auto row) mutable {
        x += row.start;
        Share share;
        Acc held[PACKS][PACK], total = 0;
#pragma unroll 1
        for (int from = 0; from < row.n; from += row.chunk(held)) {
            row.load(x, from, held, -infinity());
            if (smoothing > 0) row.each(held, from, [&](int k, int i) {
                EACH_NUMBER total += row.has(i, j) ? held[k][j] : Acc(0);
            });
            share.fold(row, from, held);
        }
        Acc logarithm = share.log_of_all(row);
        if (smoothing > 0) total = team_sum(row, total);  // all threads agree on it, so that none waits alone
        if (row.n == 0 || row.rank > 0) return;
        Target wanted(target[row.number], ignored, classes, weights);
        Acc own = wanted.wrong ? not_a_number() : Acc(0);
        if (wanted.counts && !wanted.wrong) {
            own = wanted.weight * (logarithm - Acc(x[(long long)wanted.number * inner]));
            if (smoothing > 0) own = (1 - smoothing) * own + smoothing * (logarithm - total / classes);
        }
        log_sum[row.number] = logarithm;
        if (loss) loss[row.number] = own;
        else each[row.number] = T(own);
    }, x);
}

// One block adds up the losses and the weights of the targets: out = sum, or sum / weight for the mean.
extern "C" __global__ void cross_entropy_total(const Acc* loss, const long long* target, const T* weights, T* out,
                                               Acc* weight, int rows, int classes, long long ignored, bool mean)
{
    Acc sum = 0, used = 0;
    for (int r = threadIdx.x; r < rows; r += blockDim.x) {
        sum += loss[r];
        used += Target(target[r], ignored, classes, weights).weight;
    }
    sum = block_sum(sum), used = block_sum(used);
    if (threadIdx.x > 0) return;
    *out = T(mean ? sum / used : sum);
    *weight = mean ? used : Acc(1);
}

// g has one number, or one for each row; `weight` (null: 1) is what the sum was divided by.
extern "C" __global__ void TEAMS cross_entropy_backward(const T* g, const T* x, const long long* target,
                                                        const T* weights, const Acc* log_sum, const Acc* weight,
                                                        T* by_x, int rows, int classes, int inner, bool one_g,
                                                        long long ignored, Acc smoothing)
{
    on_row(rows, classes, inner, [=](auto row) mutable {
        if (row.n == 0) return;  // nobody adds up here
        x += row.start, by_x += row.start;
        Target wanted(target[row.number], ignored, classes, weights);
        Acc share = wanted.counts ? Acc(g[one_g ? 0 : row.number]) / (weight ? *weight : Acc(1)) : Acc(0);
        if (wanted.wrong) share = not_a_number();
        Acc logarithm = log_sum[row.number], all = wanted.wrong ? Acc(1) : wanted.weight;
        Acc own = (1 - smoothing) * all, apart = smoothing / classes;
        Acc held[PACKS][PACK];
#pragma unroll 1
        for (int from = 0; from < classes; from += row.chunk(held)) {
            row.load(x, from, held, Acc(0));
            row.each(held, from, [&](int k, int i) {
                EACH_NUMBER {
                    Acc slope = exp(held[k][j] - logarithm) * all - apart;
                    if (row.at(i, j) == wanted.number) slope -= own;
                    held[k][j] = share * slope;
                }
                row.write(by_x, i, held[k]);
            });
        }
    }, x, by_x);
}

// ---- nll_loss: the same losses of rows that are log-probabilities already -------------------------------------------

// A thread for each row reads one number.
extern "C" __global__ void nll_forward(const T* logs, const long long* target, const T* weights, Acc* loss, T* each,
                                       int rows, int classes, int inner, long long ignored)
{
    int r = thread_number();
    if (r >= rows) return;
    Target wanted(target[r], ignored, classes, weights);
    Acc own = wanted.wrong ? not_a_number() : Acc(0);
    if (wanted.counts && !wanted.wrong) {
        long long start = (long long)(r / inner) * classes * inner + r % inner;
        own = -wanted.weight * Acc(logs[start + (long long)wanted.number * inner]);
    }
    if (loss) loss[r] = own;
    else each[r] = T(own);
}

// Zeros, and minus the row's share of g at its target; every number is written once.
extern "C" __global__ void TEAMS nll_backward(const T* g, const long long* target, const T* weights,
                                              const Acc* weight, T* by_logs, int rows, int classes, int inner,
                                              bool one_g, long long ignored)
{
    on_row(rows, classes, inner, [=](auto row) mutable {
        if (row.n == 0) return;
        by_logs += row.start;
        Target wanted(target[row.number], ignored, classes, weights);
        Acc share = Acc(g[one_g ? 0 : row.number]) * wanted.weight / (weight ? *weight : Acc(1));
        Acc held[PACKS][PACK];
#pragma unroll 1
        for (int from = 0; from < classes; from += row.chunk(held))
            row.each(held, from, [&](int k, int i) {
                EACH_NUMBER held[k][j] = wanted.counts && row.at(i, j) == wanted.number ? -share : Acc(0);
                row.write(by_logs, i, held[k]);
            });
    }, by_logs);
}
