// Layer norm, RMS norm and group norm: a team of threads for each row of n numbers (rows.cuh).
//
//     layer norm   y = (x - mean) rate weight + bias      rate = 1 / sqrt(variance + eps)
//     RMS norm     y = x rate weight                      rate = 1 / sqrt(mean of x^2 + eps)
//     group norm   layer norm of some channels of a sample; weight and bias belong to channels
//
// Forward reads a row that fits into registers once and writes it once (a longer one is read twice), and keeps mean
// and rate. Backward reads g and x once as well, and takes what weight and bias need from the same numbers. weight and
// bias may be missing (null); they come out of a cache, since every row wants them.
#include "moments.cuh"

// ---- which weight belongs to a number -------------------------------------------------------------------------------

// Weights and biases of a pack of numbers, as they are stored: half of the registers where they are half precision.
struct Affine {
    const W *weight, *bias;
    PackOf<W> weights, biases;
    __device__ Acc slope(int j) const { return weight ? Acc(weights.at[j]) : Acc(1); }
    __device__ Acc shift(int j) const { return bias ? Acc(biases.at[j]) : Acc(0); }
};

// The i-th number of every row has the i-th weight.
struct PerNumber {
    const W *weight, *bias;
    template <class R> __device__ Affine of(const R& row, int i) const
    {
        Affine found = {weight, bias};
        if (weight) row.read(weight, i, found.weights);
        if (bias) row.read(bias, i, found.biases);
        return found;
    }
};

// `places` numbers have the same weight, that of their channel.
struct PerChannel {
    const W *weight, *bias;
    int places, first;  // first: the row's first channel
    template <class R> __device__ Affine of(const R& row, int i) const
    {
        Affine found = {weight, bias};
        bool together = row.packed() && places % PACK == 0;  // a pack lies in one channel
        int channel = first + i / places;
        EACH_NUMBER {
            if (j > 0 && !together) channel = first + row.at(i, j) / places;
            if (weight && row.has(i, j)) found.weights.at[j] = weight[channel];
            if (bias && row.has(i, j)) found.biases.at[j] = bias[channel];
        }
        return found;
    }
};

template <class R>
__device__ PerChannel per_channel(const R& row, const W* weight, const W* bias, int groups, int places)
{
    return {weight, bias, places, row.number % groups * (row.n / places)};
}

// ---- forward --------------------------------------------------------------------------------------------------------

// Takes `base` off the numbers: a number of the row, so that what is added up is small even where the mean is large.
template <class R> __device__ Moments moments_of_chunk(const R& row, int from, Acc base, Acc (&held)[PACKS][PACK])
{
    Moments found = {0, 0, 0};
    Acc sum = 0;
    row.each(held, from, [&](int k, int i) {
        EACH_NUMBER {
            held[k][j] -= base;
            sum += row.has(i, j) ? held[k][j] : Acc(0);
            found.count += row.has(i, j);
        }
    });
    if (found.count > 0) found.mean = sum / found.count;
    row.each(held, from, [&](int k, int i) {
        EACH_NUMBER {
            Acc off = row.has(i, j) ? held[k][j] - found.mean : Acc(0);
            found.squares += off * off;
        }
    });
    return found;
}

// (x - base - mean) rate weight + bias; `held` has x - base, if the row fits.
template <class R, class Of>
__device__ void write_normal(const R& row, const T* x, Acc (&held)[PACKS][PACK], Acc base, Acc mean, Acc rate,
                             const Of& affine, T* out)
{
#pragma unroll 1
    for (int from = 0; from < row.n; from += row.chunk(held)) {
        bool again = !row.fits(held);
        if (again) row.load(x, from, held, Acc(0));
        row.each(held, from, [&](int k, int i) {
            Affine own = affine.of(row, i);
            EACH_NUMBER {
                Acc off = (again ? held[k][j] - base : held[k][j]) - mean;
                held[k][j] = off * rate * own.slope(j) + own.shift(j);
            }
            row.write(out, i, held[k]);
        });
    }
}

template <class R, class Of>
__device__ void normalize(const R& row, const T* x, const Of& affine, T* out, Acc* mean, Acc* rate, int n, Acc eps)
{
    x += row.start, out += row.start;
    Acc held[PACKS][PACK], base = row.n > 0 ? Acc(x[0]) : Acc(0);
    Moments mine = {0, 0, 0};
#pragma unroll 1
    for (int from = 0; from < row.n; from += row.chunk(held)) {
        row.load(x, from, held, Acc(0));
        mine.join(moments_of_chunk(row, from, base, held));
    }
    Moments all = mine.over(row, n);
    Acc scale = Acc(1) / sqrt(all.squares / n + eps);
    write_normal(row, x, held, base, all.mean, scale, affine, out);
    if (row.rank == 0 && row.n > 0) mean[row.number] = base + all.mean, rate[row.number] = scale;
}

extern "C" __global__ void ROOMY layer_norm_forward(const T* x, const W* weight, const W* bias, T* out, Acc* mean,
                                                    Acc* rate, int rows, int n, Acc eps)
{
    on_row(rows, n, 1, [=](auto row) { normalize(row, x, PerNumber{weight, bias}, out, mean, rate, n, eps); }, x, out,
           weight, bias);
}

extern "C" __global__ void ROOMY group_norm_forward(const T* x, const W* weight, const W* bias, T* out, Acc* mean,
                                                    Acc* rate, int rows, int n, int groups, int places, Acc eps)
{
    on_row(rows, n, 1, [=](auto row) {
        normalize(row, x, per_channel(row, weight, bias, groups, places), out, mean, rate, n, eps);
    }, x, out);
}

extern "C" __global__ void ROOMY rms_norm_forward(const T* x, const W* weight, T* out, Acc* rate, int rows, int n,
                                                  Acc eps)
{
    on_row(rows, n, 1, [=](auto row) mutable {
        x += row.start, out += row.start;
        Acc held[PACKS][PACK], squares = 0;
#pragma unroll 1
        for (int from = 0; from < row.n; from += row.chunk(held)) {
            row.load(x, from, held, Acc(0));
            row.each(held, from, [&](int k, int) {
                EACH_NUMBER squares += held[k][j] * held[k][j];
            });
        }
        Acc scale = Acc(1) / sqrt(team_sum(row, squares) / n + eps);
        write_normal(row, x, held, Acc(0), Acc(0), scale, PerNumber{weight, nullptr}, out);
        if (row.rank == 0 && row.n > 0) rate[row.number] = scale;
    }, x, out, weight);
}

// ---- backward -------------------------------------------------------------------------------------------------------
//
// With h = g weight and z = (x - mean) rate:      by_x = rate (h - mean of h - z mean of h z)
// RMS norm has no mean (null): there z = x rate, and the mean of h falls away.
//
//     by_weight = sum over rows of g z,  by_bias = sum of g

constexpr int FEW = PACKS / 2;  // packs of either operand that a thread holds: sums for weight and bias want room, too

struct Sums {
    Acc by_weight[FEW][PACK], by_bias[FEW][PACK];
};

// Reads a chunk of g and x and makes h and z of them.
template <class R, class Of>
__device__ void load_h_and_z(const R& row, int from, const T* g, const T* x, const Of& affine, Acc mean, Acc rate,
                             Acc (&h)[FEW][PACK], Acc (&z)[FEW][PACK], Sums* sums)
{
    row.load(g, from, h, Acc(0));
    row.load(x, from, z, mean);
    row.each(h, from, [&](int k, int i) {
        Affine own = affine.of(row, i);
        EACH_NUMBER {
            z[k][j] = (z[k][j] - mean) * rate;
            if (sums) sums->by_weight[k][j] += h[k][j] * z[k][j], sums->by_bias[k][j] += h[k][j];
            h[k][j] *= row.has(i, j) ? own.slope(j) : Acc(0);
        }
    });
}

template <class R, class Of>
__device__ void gradient(const R& row, const T* g, const T* x, const Of& affine, const Acc* means, const Acc* rates,
                         T* by_x, Sums* sums)
{
    bool is_there = row.n > 0, centered = means;
    Acc mean = centered && is_there ? means[row.number] : Acc(0), rate = is_there ? rates[row.number] : Acc(0);
    g += row.start, x += row.start, by_x += row.start;
    Acc h[FEW][PACK], z[FEW][PACK], sum = 0, products = 0;
#pragma unroll 1
    for (int from = 0; from < row.n; from += row.chunk(h)) {
        load_h_and_z(row, from, g, x, affine, mean, rate, h, z, sums);
        row.each(h, from, [&](int k, int) {
            EACH_NUMBER sum += h[k][j], products += h[k][j] * z[k][j];
        });
    }
    sum = centered ? team_sum(row, sum) / row.n : Acc(0);  // all agree on `centered`, so that none waits alone
    products = team_sum(row, products) / row.n;
#pragma unroll 1
    for (int from = 0; from < row.n; from += row.chunk(h)) {
        if (!row.fits(h)) load_h_and_z(row, from, g, x, affine, mean, rate, h, z, (Sums*)nullptr);
        row.each(h, from, [&](int k, int i) {
            EACH_NUMBER h[k][j] = rate * (h[k][j] - sum - z[k][j] * products);
            row.write(by_x, i, h[k]);
        });
    }
}

// Every team works on several rows, one after the other, so that a thread always has the same columns: it adds up in
// registers what weight and bias get from them. `parts` gets a row of sums for by_weight from each team, and behind
// those, one for by_bias. Rows must fit into registers.
extern "C" __global__ void norm_backward_with_parameters(const T* g, const T* x, const W* weight, const Acc* mean,
                                                         const Acc* rate, T* by_x, Acc* parts, int count, int n)
{
    on_rows(count, n, 1, [=](auto rows) {
        Sums sums;
#pragma unroll
        for (int k = 0; k < FEW; ++k) EACH_NUMBER sums.by_weight[k][j] = sums.by_bias[k][j] = 0;
        int team = number_of_team(false), teams = gridDim.x * blockDim.y;
#pragma unroll 1
        for (int first = 0; first < count; first += teams)
            gradient(rows[first + team], g, x, PerNumber{weight, nullptr}, mean, rate, by_x, &sums);
        Acc *by_weight = parts + (long long)team * n, *by_bias = by_weight + (long long)teams * n;
        auto row = rows[0];  // any row: they all have these columns
        row.each(sums.by_weight, 0, [&](int k, int i) {
            EACH_NUMBER {
                if (!row.has(i, j)) continue;
                by_weight[row.at(i, j)] = sums.by_weight[k][j];
                by_bias[row.at(i, j)] = sums.by_bias[k][j];
            }
        });
    }, g, x, by_x, weight);
}

// by_x alone, a team for each row.
extern "C" __global__ void ROOMY norm_backward(const T* g, const T* x, const W* weight, const Acc* mean,
                                               const Acc* rate, T* by_x, int rows, int n)
{
    on_row(rows, n, 1, [=](auto row) {
        gradient(row, g, x, PerNumber{weight, nullptr}, mean, rate, by_x, (Sums*)nullptr);
    }, g, x, by_x, weight);
}

extern "C" __global__ void ROOMY group_norm_backward(const T* g, const T* x, const W* weight, const Acc* mean,
                                                     const Acc* rate, T* by_x, int rows, int n, int groups, int places)
{
    on_row(rows, n, 1, [=](auto row) {
        gradient(row, g, x, per_channel(row, weight, nullptr, groups, places), mean, rate, by_x, (Sums*)nullptr);
    }, g, x, by_x);
}

// ---- weight and bias by themselves ----------------------------------------------------------------------------------

// For rows that do not fit into registers: block (bx, by) adds up 32 columns of every gridDim.y-th group of 8 rows. 8
// rows of threads walk down together, so that a warp reads 32 neighbours; then they meet in shared memory.
extern "C" __global__ void norm_parameters_backward(const T* g, const T* x, const Acc* mean, const Acc* rate,
                                                    Acc* parts, int rows, int n)
{
    Team team = {int(threadIdx.y), int(blockDim.y), true};
    int column = blockIdx.x * WARP + threadIdx.x;
    Acc products = 0, sum = 0;
#pragma unroll 4
    for (int r = blockIdx.y * blockDim.y + threadIdx.y; r < rows && column < n; r += gridDim.y * blockDim.y) {
        Acc slope = Acc(g[(long long)r * n + column]);
        products += slope * (Acc(x[(long long)r * n + column]) - (mean ? mean[r] : Acc(0))) * rate[r];
        sum += slope;
    }
    products = team_sum(team, products), sum = team_sum(team, sum);
    if (threadIdx.y > 0 || column >= n) return;
    parts[(long long)blockIdx.y * n + column] = products;
    parts[(long long)(gridDim.y + blockIdx.y) * n + column] = sum;
}

// Group norm: a team adds up a channel of a sample; the samples are the rows of `parts`.
extern "C" __global__ void ROOMY group_norm_parameters_backward(const T* g, const T* x, const Acc* mean,
                                                                const Acc* rate, Acc* parts, int rows, int places,
                                                                int channels_of_group)
{
    on_row(rows, places, 1, [=](auto row) mutable {
        g += row.start, x += row.start;
        bool is_there = row.n > 0;
        int group = row.number / channels_of_group;
        Acc middle = is_there ? mean[group] : Acc(0), products = 0, sum = 0;
        Acc slope[FEW][PACK], value[FEW][PACK];
#pragma unroll 1
        for (int from = 0; from < row.n; from += row.chunk(slope)) {
            row.load(g, from, slope, Acc(0));
            row.load(x, from, value, middle);
            row.each(slope, from, [&](int k, int) {
                EACH_NUMBER sum += slope[k][j], products += slope[k][j] * (value[k][j] - middle);
            });
        }
        products = team_sum(row, products), sum = team_sum(row, sum);
        if (!is_there || row.rank > 0) return;
        parts[row.number] = products * rate[group];
        parts[rows + row.number] = sum;
    }, g, x);
}

// by_weight and by_bias (either may be null) from their parts, always added in the same order: no atomics, the same
// result every time. The y of the grid says which of the two.
extern "C" __global__ void norm_parameters_of_parts(const Acc* parts, W* by_weight, W* by_bias, int count, int n)
{
    Team team = {int(threadIdx.y), int(blockDim.y), true};
    W* out = blockIdx.y ? by_bias : by_weight;
    int column = blockIdx.x * WARP + threadIdx.x;
    parts += (long long)blockIdx.y * count * n;
    Acc sum = 0;
#pragma unroll 8
    for (int p = threadIdx.y; p < count; p += blockDim.y) sum += column < n ? parts[(long long)p * n + column] : Acc(0);
    sum = team_sum(team, sum);
    if (threadIdx.y == 0 && column < n && out) out[column] = W(sum);
}
