// The last step of sums that several blocks have made parts of: parts (count, n) -> out (n).
//
// The parts are added in their order, so that the result is the same each time, as it is not with atomics.
#include "numbers.cuh"

extern "C" __global__ void add_parts(const Acc* parts, T* out, int count, int n)
{
    for (int i = thread_number(); i < n; i += thread_count()) {
        Acc sum = 0;
#pragma unroll 8
        for (int part = 0; part < count; ++part) sum += parts[(long long)part * n + i];
        out[i] = T(sum);
    }
}
