// What C++ has no words for: tensor cores, which multiply small matrices that lie in the registers of a whole warp, and
// copies into shared memory that go on while the threads compute.
//
// Lane 4·g + t of a warp (g = 0 … 7, t = 0 … 3) holds, two neighbours in a register,
//   of the left matrix, 16 × 16:  rows g, g + 8, g, g + 8 at the columns 2t, 2t, 2t + 8, 2t + 8;
//   of the right one, 16 × 8:     column g at the rows 2t and 2t + 8;
//   of the product, 16 × 8:       rows g, g, g + 8, g + 8 at the columns 2t, 2t + 1, 2t, 2t + 1, each in float.
//
// What of float32 is said in tf32.cuh. There a register is one number, so that a left matrix is 16 × 8.
//
// Source: NVIDIA, PTX ISA 9.7.15: mma.m16n8k16, ldmatrix; 9.7.9: cp.async
#ifndef WARP_MATRICES_CUH
#define WARP_MATRICES_CUH

#include "numbers.cuh"
#include "tf32.cuh"

// (A test that runs the kernels without a GPU brings its own versions.)
#ifndef WARP_MATRICES

template <class V> struct TensorCore;

#if __CUDA_ARCH__ >= 800
template <> struct TensorCore<Half> {
    __device__ static void add(float (&c)[4], const unsigned int (&a)[4], unsigned int b0, unsigned int b1)
    {
        asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
                     "{%0, %1, %2, %3};" : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                     : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
    }
    __device__ static unsigned int pair(float low, float high)
    {
        unsigned int both;
        asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(high), "f"(low));
        return both;
    }
};

template <> struct TensorCore<BFloat16> {
    __device__ static void add(float (&c)[4], const unsigned int (&a)[4], unsigned int b0, unsigned int b1)
    {
        asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
                     "{%8, %9}, {%0, %1, %2, %3};" : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                     : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
    }
    __device__ static unsigned int pair(float low, float high)
    {
        unsigned int both;
        asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(high), "f"(low));
        return both;
    }
};
#else
// The first GPUs with these instructions know float16 only, and a left matrix of 8 columns: two steps.
template <> struct TensorCore<Half> {
    __device__ static void half_step(float (&c)[4], unsigned int a0, unsigned int a1, unsigned int b)
    {
        asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, "
                     "{%0, %1, %2, %3};" : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                     : "r"(a0), "r"(a1), "r"(b));
    }
    __device__ static void add(float (&c)[4], const unsigned int (&a)[4], unsigned int b0, unsigned int b1)
    {
        half_step(c, a[0], a[1], b0);
        half_step(c, a[2], a[3], b1);
    }
    __device__ static unsigned int pair(float low, float high)
    {
        return half_of_float(low) | (unsigned int)half_of_float(high) << 16;
    }
};
#endif

// The place in shared memory that a pointer means.
__device__ inline unsigned int shared_address(const void* pointer)
{
    unsigned int address;
    asm("{ .reg .u64 place; cvta.to.shared.u64 place, %1; cvt.u32.u64 %0, place; }" : "=r"(address) : "l"(pointer));
    return address;
}

// Four matrices of 8 × 8 halves: lane l points at the 16 bytes of row l % 8 of matrix l / 8, and register m gets two
// neighbours of row g of matrix m; transposed: of column g.
__device__ inline void load_matrices(unsigned int (&to)[4], const void* row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3]) : "r"(shared_address(row)) : "memory");
}

__device__ inline void load_transposed(unsigned int (&to)[4], const void* row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3]) : "r"(shared_address(row)) : "memory");
}

// 16 bytes from global to shared memory, or zeros. They are there after `wait_for_copies` and a barrier.
#if __CUDA_ARCH__ >= 800
__device__ inline void copy_later(void* to, const void* from, bool there)
{
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
                 :: "r"(shared_address(to)), "l"(from), "r"(there ? 16 : 0) : "memory");
}

// What was copied since the last call is one group.
__device__ inline void end_group() { asm volatile("cp.async.commit_group;" ::: "memory"); }

// All groups but the last LEFT.
template <int LEFT> __device__ void wait_for_copies()
{
    asm volatile("cp.async.wait_group %0;" :: "n"(LEFT) : "memory");
}
#else
struct alignas(16) Bytes16 { unsigned int at[4]; };

__device__ inline void copy_later(void* to, const void* from, bool there)
{
    Bytes16 nothing = {};
    *(Bytes16*)to = there ? *(const Bytes16*)from : nothing;
}
__device__ inline void end_group() {}
template <int LEFT> __device__ void wait_for_copies() {}
#endif

// 2^x, by the instruction: relative error 2^-22. exp2f also serves numbers that are nearly zero.
__device__ inline float power_of_two(float x)
{
    float made;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(made) : "f"(x));
    return made;
}

#endif

// float32 by tensor cores that know TF32, nearly in full: a number is a TF32 number and a rest that is nearly one, and
// three of the four products of those count: the last is 2^-22 of the whole. Infinity times such a number is NaN.
//
// Source: Ootomo & Yokota (2022), arXiv:2203.03341
template <> struct TensorCore<float> {
    __device__ static void split(unsigned int number, unsigned int& large, unsigned int& rest)
    {
        large = number & 0xffffe000;
        // Rounded: what tensor cores are given they cut off, which loses half a last place on average.
        rest = __float_as_uint(__uint_as_float(number) - __uint_as_float(large)) + 0x1000;
    }
    __device__ static void add(float (&c)[4], const unsigned int (&a)[4], unsigned int b0, unsigned int b1)
    {
        unsigned int large[4], rest[4], large0, large1, rest0, rest1;
        #pragma unroll
        for (int m = 0; m < 4; ++m) split(a[m], large[m], rest[m]);
        split(b0, large0, rest0);
        split(b1, large1, rest1);
        add_tf32_product(c, rest, large0, large1);
        add_tf32_product(c, large, rest0, rest1);
        add_tf32_product(c, large, large0, large1);
    }
};

#endif
