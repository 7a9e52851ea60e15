// Philox4x32-10: random numbers without a state that threads would have to share.
//
// It is a cipher: the counter (128 bits) is encrypted with the seed as key, and the four words that come out are random
// numbers. Each thread encrypts counters of its own: `place` numbers the thread, `offset` the draws before.
//
// Source: Salmon, Moraes, Dror & Shaw (2011), "Parallel random numbers: as easy as 1, 2, 3"
#ifndef PHILOX_CUH
#define PHILOX_CUH

#include "numbers.cuh"

struct Words { unsigned int at[4]; };
struct Four { float at[4]; };

__device__ inline unsigned int upper_product(unsigned int a, unsigned int b)
{
    return (unsigned int)((unsigned long long)a * b >> 32);
}

__device__ inline Words philox(unsigned long long seed, unsigned long long place, unsigned long long counter)
{
    unsigned int key0 = (unsigned int)seed, key1 = (unsigned int)(seed >> 32);
    Words c = {{(unsigned int)counter, (unsigned int)(counter >> 32),
                (unsigned int)place, (unsigned int)(place >> 32)}};
    for (int round = 0; round < 10; ++round) {
        unsigned int high0 = upper_product(0xD2511F53u, c.at[0]), low0 = 0xD2511F53u * c.at[0];
        unsigned int high1 = upper_product(0xCD9E8D57u, c.at[2]), low1 = 0xCD9E8D57u * c.at[2];
        c = {{high1 ^ c.at[1] ^ key0, low1, high0 ^ c.at[3] ^ key1, low0}};
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    return c;
}

// What a launch is told of its row of random numbers: the generator's seed, and how many words were drawn before. A CUDA
// graph repeats its launches with the arguments they were captured with. There the highest bit of `offset` is set: `seed`
// is the address of the seed and offset of this replay, and the rest of `offset` counts from there.
__device__ inline void locate(unsigned long long& seed, unsigned long long& offset)
{
    if (offset >> 63) {
        auto now = (const unsigned long long*)seed;
        seed = now[0];
        offset = now[1] + (offset << 1 >> 1);
    }
}

// In (0, 1]: the middle of one of 2^32 equal steps.
__device__ inline float unit(unsigned int word) { return word * 2.3283064e-10f + 2.3283064e-10f / 2; }

__device__ inline Four uniform4(Words w)
{
    return {{unit(w.at[0]), unit(w.at[1]), unit(w.at[2]), unit(w.at[3])}};
}

// Box and Muller: two uniform numbers are the radius and the angle of a point; both coordinates are normal.
__device__ inline Four normal4(Words w)
{
    constexpr float turn = 2.3283064e-10f * 6.2831855f;  // a word as an angle
    Four made;
    for (int pair = 0; pair < 4; pair += 2) {
        float radius = sqrtf(-2.0f * logf(unit(w.at[pair]))), sine, cosine;
        sincosf(w.at[pair + 1] * turn + turn / 2, &sine, &cosine);
        made.at[pair] = radius * sine;
        made.at[pair + 1] = radius * cosine;
    }
    return made;
}

#endif
