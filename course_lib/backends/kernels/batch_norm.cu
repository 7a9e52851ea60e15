// Batch norm: every channel of x (samples, channels, places) with the mean and variance of all its samples and places.
//
//     y = (x - mean) rate weight + bias,      rate = 1 / sqrt(variance + eps)
//
// A channel may be long (a million numbers) and there may be few of them, so a channel is shared by the blocks of a
// column of the grid: in a first launch each makes the moments of its share, in a second each joins all of them, always
// in the same order, and normalises its share. x is read twice and y written once. A channel that one block can do
// needs one launch, and its second reading comes out of a cache.
//
// Channels that lie last in memory, (samples and places, channels), are the case places = 1: there a row of threads
// takes neighbouring channels, and the threads of a column share each of them.
#include "moments.cuh"

// The threads of a block that work on this thread's channel, and their place among all that do.
struct Channel : Team {
    int number, first, step;
    bool exists;
    __device__ Channel(int channels, int places)
        : Team{int(places == 1 ? threadIdx.y : threadIdx.x), int(places == 1 ? blockDim.y : blockDim.x), places == 1}
    {
        number = column ? blockIdx.x * blockDim.x + threadIdx.x : blockIdx.x;
        exists = number < channels;
        first = blockIdx.y * size + rank;
        step = gridDim.y * size;
    }
    __device__ bool speaks() const { return exists && rank == 0 && blockIdx.y == 0; }
    // Those that together read what all blocks have found: a column of threads, or each warp for itself.
    __device__ Team readers() const
    {
        return column ? Team(*this) : Team{int(threadIdx.x % WARP), WARP, false};
    }
};

// A thread's way through its channel: every `step`-th pack of WIDTH numbers, from sample to sample, without a division
// at every step.
template <int WIDTH> struct Walk {
    int sample, pack, samples, packs, channels, channel, by_samples, by_packs;
    __device__ Walk(const Channel& channel, int samples, int channels, int places)
        : samples(channel.exists ? samples : 0), packs(places / WIDTH), channels(channels), channel(channel.number)
    {
        sample = channel.first / packs, pack = channel.first % packs;
        by_samples = channel.step / packs, by_packs = channel.step % packs;
    }
    __device__ bool inside() const { return sample < samples; }
    __device__ long long at() const { return (((long long)sample * channels + channel) * packs + pack) * WIDTH; }
    __device__ void go_on()
    {
        sample += by_samples, pack += by_packs;
        if (pack >= packs) pack -= packs, ++sample;
    }

    // The next numbers into registers, all on their way at once; how many they are.
    __device__ int take(const T* x, Acc (&held)[HELD])
    {
        Several raw[HELD / WIDTH];
        int taken = 0;
#pragma unroll
        for (int k = 0; k < HELD / WIDTH; ++k)
            if (inside()) {
                raw[k] = *(const Several*)(x + at());
                go_on(), ++taken;
            }
#pragma unroll
        for (int e = 0; e < HELD; ++e) held[e] = e / WIDTH < taken ? Acc(raw[e / WIDTH].at[e % WIDTH]) : Acc(0);
        return taken * WIDTH;
    }

    __device__ void put(T* out, const Acc (&held)[HELD])
    {
#pragma unroll
        for (int k = 0; k < HELD / WIDTH; ++k)
            if (inside()) {
                Several pack;
#pragma unroll
                for (int j = 0; j < WIDTH; ++j) pack.at[j] = T(held[k * WIDTH + j]);
                *(Several*)(out + at()) = pack;
                go_on();
            }
    }

    struct alignas(sizeof(T) * WIDTH) Several { T at[WIDTH]; };
};

#define EACH_HELD _Pragma("unroll") for (int e = 0; e < HELD; ++e)

template <class... Arrays> __device__ bool in_packs(int places, const Arrays*... arrays)
{
    return places % PACK == 0 && (starts_well(arrays) && ...);
}

// ---- forward --------------------------------------------------------------------------------------------------------

// Of the numbers that one thread meets, with `base` taken off.
template <int WIDTH> __device__ Moments moments_of(Walk<WIDTH> walk, const T* x, Acc base)
{
    Moments all = {0, 0, 0};
#pragma unroll 1
    while (walk.inside()) {
        Acc held[HELD], sum = 0, squares = 0;
        int count = walk.take(x, held);
        EACH_HELD {
            held[e] -= base;
            sum += e < count ? held[e] : Acc(0);
        }
        Acc mean = sum / count;
        EACH_HELD squares += e < count ? (held[e] - mean) * (held[e] - mean) : Acc(0);
        all.join({Acc(count), mean, squares});
    }
    return all;
}

// The channel's first number.
__device__ inline Acc base_of(const Channel& channel, const T* x, int places)
{
    return channel.exists ? Acc(x[(long long)channel.number * places]) : Acc(0);
}

__device__ inline Moments moments_of_share(const Channel& channel, const T* x, int samples, int channels, int places)
{
    Acc base = base_of(channel, x, places);
    Moments mine = in_packs(places, x) ? moments_of(Walk<PACK>(channel, samples, channels, places), x, base)
                                       : moments_of(Walk<1>(channel, samples, channels, places), x, base);
    return mine.over(channel, team_sum(channel, mine.count));
}

// parts: three tables of (shares, channels), the counts, the means less the base, the squares.
extern "C" __global__ void TEAMS batch_norm_shares(const T* x, Acc* parts, int samples, int channels, int places)
{
    Channel channel(channels, places);
    Moments found = moments_of_share(channel, x, samples, channels, places);
    if (!channel.exists || channel.rank > 0) return;
    int table = gridDim.y * channels, place = blockIdx.y * channels + channel.number;
    parts[place] = found.count, parts[table + place] = found.mean, parts[2 * table + place] = found.squares;
}

__device__ inline Moments moments_of_parts(const Channel& channel, const Acc* parts, int channels, Acc all)
{
    Team team = channel.readers();
    int shares = gridDim.y, table = shares * channels;
    Moments mine = {0, 0, 0};
    for (int s = team.rank; s < shares && channel.exists; s += team.size) {
        int place = s * channels + channel.number;
        mine.join({parts[place], parts[table + place], parts[2 * table + place]});
    }
    return mine.over(team, all);
}

// out = (x - mean) slope + shift
template <int WIDTH> __device__ void scale(Walk<WIDTH> walk, const T* x, Acc mean, Acc slope, Acc shift, T* out)
{
#pragma unroll 1
    while (walk.inside()) {
        Walk<WIDTH> back = walk;
        Acc held[HELD];
        walk.take(x, held);
        EACH_HELD held[e] = (held[e] - mean) * slope + shift;
        back.put(out, held);
    }
}

__device__ inline void scale_share(const Channel& channel, const T* x, Acc mean, Acc rate, const W* weight,
                                   const W* bias, T* out, int samples, int channels, int places)
{
    Acc slope = channel.exists && weight ? rate * Acc(weight[channel.number]) : rate;
    Acc shift = channel.exists && bias ? Acc(bias[channel.number]) : Acc(0);
    if (in_packs(places, x, out)) scale(Walk<PACK>(channel, samples, channels, places), x, mean, slope, shift, out);
    else scale(Walk<1>(channel, samples, channels, places), x, mean, slope, shift, out);
}

// parts: of batch_norm_shares, launched with the same grid; null where there is one share. Also moves the running mean
// and variance (either may be null) towards the batch's by `momentum`; the variance is the unbiased one.
extern "C" __global__ void batch_norm_forward(const T* x, const Acc* parts, const W* weight, const W* bias,
                                                    T* out, Acc* mean, Acc* rate, W* running_mean, W* running_variance,
                                                    int samples, int channels, int places, Acc momentum, Acc eps)
{
    Channel channel(channels, places);
    Moments found = parts ? moments_of_parts(channel, parts, channels, Acc(samples) * places)
                          : moments_of_share(channel, x, samples, channels, places);
    Acc scale = Acc(1) / sqrt(found.squares / found.count + eps), middle = base_of(channel, x, places) + found.mean;
    scale_share(channel, x, middle, scale, weight, bias, out, samples, channels, places);
    if (!channel.speaks()) return;
    int c = channel.number;
    mean[c] = middle, rate[c] = scale;
    Acc variance = found.squares / (found.count > 1 ? found.count - 1 : Acc(1));
    if (running_mean) running_mean[c] = W((1 - momentum) * Acc(running_mean[c]) + momentum * middle);
    if (running_variance) running_variance[c] = W((1 - momentum) * Acc(running_variance[c]) + momentum * variance);
}

// In evaluation mean and variance are known: one reading.
extern "C" __global__ void TEAMS batch_norm_known(const T* x, const W* mean, const W* variance, const W* weight,
                                                  const W* bias, T* out, int samples, int channels, int places, Acc eps)
{
    Channel channel(channels, places);
    int c = channel.exists ? channel.number : 0;
    Acc rate = Acc(1) / sqrt(Acc(variance[c]) + eps);
    scale_share(channel, x, Acc(mean[c]), rate, weight, bias, out, samples, channels, places);
}

// ---- backward: g and x are read twice, by_x is written once ---------------------------------------------------------
//
// by_bias = sum of g, by_weight = sum of g z with z = (x - mean) rate,
// by_x = weight rate (g - (by_bias + z by_weight) / count), or weight rate g where mean and rate were known

template <int WIDTH> __device__ void add_up(Walk<WIDTH> walk, const T* g, const T* x, Acc mean, Acc& sum, Acc& products)
{
#pragma unroll 1
    while (walk.inside()) {
        Walk<WIDTH> again = walk;
        Acc slope[HELD], value[HELD];
        walk.take(g, slope);
        again.take(x, value);
        EACH_HELD sum += slope[e], products += slope[e] * (value[e] - mean);
    }
}

struct Slopes { Acc by_bias, by_weight; };

__device__ inline Slopes slopes_of_share(const Channel& channel, const T* g, const T* x, Acc mean, Acc rate,
                                         int samples, int channels, int places)
{
    Acc sum = 0, products = 0;
    if (in_packs(places, g, x)) add_up(Walk<PACK>(channel, samples, channels, places), g, x, mean, sum, products);
    else add_up(Walk<1>(channel, samples, channels, places), g, x, mean, sum, products);
    return {team_sum(channel, sum), team_sum(channel, products) * rate};
}

// parts: two tables of (shares, channels)
extern "C" __global__ void TEAMS batch_norm_backward_shares(const T* g, const T* x, const Acc* mean, const Acc* rate,
                                                            Acc* parts, int samples, int channels, int places)
{
    Channel channel(channels, places);
    int c = channel.exists ? channel.number : 0;
    Slopes found = slopes_of_share(channel, g, x, mean[c], rate[c], samples, channels, places);
    if (!channel.exists || channel.rank > 0) return;
    parts[blockIdx.y * channels + c] = found.by_bias;
    parts[(gridDim.y + blockIdx.y) * channels + c] = found.by_weight;
}

__device__ inline Slopes slopes_of_parts(const Channel& channel, const Acc* parts, int channels)
{
    Team team = channel.readers();
    int shares = gridDim.y;
    Slopes mine = {0, 0};
    for (int s = team.rank; s < shares && channel.exists; s += team.size) {
        mine.by_bias += parts[s * channels + channel.number];
        mine.by_weight += parts[(shares + s) * channels + channel.number];
    }
    return {team_sum(team, mine.by_bias), team_sum(team, mine.by_weight)};
}

// by_x = (g - sum - (x - mean) products) factor
template <int WIDTH>
__device__ void give_back(Walk<WIDTH> walk, const T* g, const T* x, Acc mean, Acc sum, Acc products, Acc factor,
                          T* by_x)
{
#pragma unroll 1
    while (walk.inside()) {
        Walk<WIDTH> again = walk, back = walk;
        Acc slope[HELD], value[HELD];
        walk.take(g, slope);
        again.take(x, value);
        EACH_HELD slope[e] = (slope[e] - sum - (value[e] - mean) * products) * factor;
        back.put(by_x, slope);
    }
}

extern "C" __global__ void TEAMS batch_norm_backward(const T* g, const T* x, const W* weight, const Acc* mean,
                                                     const Acc* rate, const Acc* parts, T* by_x, W* by_weight,
                                                     W* by_bias, int samples, int channels, int places, bool known)
{
    Channel channel(channels, places);
    int c = channel.exists ? channel.number : 0;
    Acc middle = mean[c], scale = rate[c], count = Acc(samples) * places;
    Slopes found = parts ? slopes_of_parts(channel, parts, channels)
                         : slopes_of_share(channel, g, x, middle, scale, samples, channels, places);
    Acc factor = weight ? scale * Acc(weight[c]) : scale, share = known ? Acc(0) : Acc(1) / count;
    Acc sum = found.by_bias * share, products = found.by_weight * share * scale;
    if (in_packs(places, g, x, by_x))
        give_back(Walk<PACK>(channel, samples, channels, places), g, x, middle, sum, products, factor, by_x);
    else
        give_back(Walk<1>(channel, samples, channels, places), g, x, middle, sum, products, factor, by_x);
    if (!channel.speaks()) return;
    if (by_weight) by_weight[c] = W(found.by_weight);
    if (by_bias) by_bias[c] = W(found.by_bias);
}
