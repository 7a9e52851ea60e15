// The numbers of every kernel.
//
// A kernel is written once and compiled for each element type: the loader defines ELEMENT as float, double, Half or
// BFloat16. T is how an element is stored, Acc how it is computed with: half precision is read and written in two
// bytes, but added up in float, because a sum of 2048 halves no longer notices another 1.
//
// Half and BFloat16 are our own two bytes instead of cuda_fp16.h: nothing is to be found on the reader's machine, it
// compiles in a tenth of the time, and a C++ compiler without CUDA understands it.
#ifndef NUMBERS_CUH
#define NUMBERS_CUH

// The processor converts float16. (A test that runs the kernels without a GPU brings its own conversions.)
#ifndef HALF_CONVERSIONS
__device__ inline unsigned short half_of_float(float value)
{
    unsigned short bits;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
    return bits;
}

__device__ inline float float_of_half(unsigned short bits)
{
    float value;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
    return value;
}
#endif

// float16: 1 sign bit, 5 bits of exponent, 10 of fraction.
struct Half {
    unsigned short bits;
    Half() = default;
    __device__ explicit Half(float value) : bits(half_of_float(value)) {}
    __device__ operator float() const { return float_of_half(bits); }
};

// bfloat16: the upper two bytes of a float32.
struct BFloat16 {
    unsigned short bits;
    BFloat16() = default;
    __device__ explicit BFloat16(float value)
    {
        unsigned int all = __float_as_uint(value);
        // Rounded to the nearest, and in the middle to the even one: half of the last place, plus its lowest bit.
        bits = value != value ? 0x7fc0 : (all + 0x7fff + (all >> 16 & 1)) >> 16;
    }
    __device__ operator float() const { return __uint_as_float((unsigned int)bits << 16); }
};

template <class Stored> struct Computed { using type = float; };
template <> struct Computed<double> { using type = double; };

using T = ELEMENT;
using Acc = Computed<T>::type;

__device__ inline Acc infinity() { return Acc(__uint_as_float(0x7f800000)); }

// The larger one; NaN if one is NaN, as PyTorch has it. (fmax would drop the NaN.)
template <class V> __device__ inline V larger(V a, V b) { return a > b || a != a ? a : b; }

// This thread's number among all of the launch, and how many there are: the start and the step of a "grid-stride loop",
//     for (int i = thread_number(); i < n; i += thread_count()) …
// which is right for any launch size, and lets neighbouring threads touch neighbouring elements.
__device__ inline int thread_number() { return blockIdx.x * blockDim.x + threadIdx.x; }
__device__ inline int thread_count() { return gridDim.x * blockDim.x; }

#endif
