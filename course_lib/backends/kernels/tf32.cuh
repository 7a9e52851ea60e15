// float32 on tensor cores: TF32, float32 with 10 bits of fraction, as many as float16 has. Products are exact and added
// up in float32.
//
// Lane 4·g + t of a warp (g = 0 … 7, t = 0 … 3) holds, a number in a register,
//   of the left matrix, 16 × 8:   rows g, g + 8, g, g + 8 at the columns t, t, t + 4, t + 4;
//   of the right one, 8 × 8:      column g at the rows t and t + 4;
//   of the product, 16 × 8:       rows g, g, g + 8, g + 8 at the columns 2t, 2t + 1, 2t, 2t + 1.
// In 4-byte words, that is how warp_matrices.cuh has it for halves, of which two are a word.
//
// From compute capability 8.0 on; the loader does not ask older GPUs for it.
// Source: NVIDIA, PTX ISA 9.7.15: mma.m16n8k8
#ifndef TF32_CUH
#define TF32_CUH

// (A test that runs the kernels without a GPU brings its own versions.)
#ifndef TF32
#if __CUDA_ARCH__ >= 800
__device__ inline void add_tf32_product(float (&c)[4], const unsigned int (&a)[4], unsigned int b0, unsigned int b1)
{
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
                 "{%0, %1, %2, %3};" : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// A float32 rounded to TF32, to the nearest, in the middle away from zero. (The tensor cores would cut it off.)
__device__ inline float as_tf32(float value)
{
    unsigned int bits;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(value));
    return __uint_as_float(bits);
}
#else
__device__ inline void add_tf32_product(float (&)[4], const unsigned int (&)[4], unsigned int, unsigned int) {}
__device__ inline float as_tf32(float value) { return value; }
#endif
#endif

#endif
