// Number formats, and the few operations that only a GPU can do. Tests compile the kernels for the CPU too, with a
// header of their own that replaces what is under __CUDACC__ here.
#pragma once

using u16 = unsigned short;
using u32 = unsigned int;
using u64 = unsigned long long;

// A format says which type is stored and how many numbers a 32-bit word of the tensor cores' operands holds.
struct Float {  // products and sums in float32, without tensor cores
    using Stored = float;
    static constexpr int per_word = 1;
};
struct Tf32 {  // stored as float32, multiplied with 10 bits of mantissa
    using Stored = float;
    static constexpr int per_word = 1;
};
struct Half {
    using Stored = u16;
    static constexpr int per_word = 2;
};
struct Bfloat16 {
    using Stored = u16;
    static constexpr int per_word = 2;
};

#ifdef __CUDACC__

// Pointer to a vector in memory; the address must be a multiple of the vector's size.
template <class Vector>
__device__ inline Vector* vector_at(const void* place) {
    return static_cast<Vector*>(const_cast<void*>(place));
}

__device__ inline u32 as_bits(float value) { return __float_as_uint(value); }
__device__ inline float as_float(u32 value) { return __uint_as_float(value); }

__device__ inline u32 rounded_to_tf32(float value) {
    u32 word;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(word) : "f"(value));
    return word;
}

template <class Format>
__device__ inline typename Format::Stored from_float(float value) {
    return value;
}
template <>
__device__ inline u16 from_float<Half>(float value) {
    u16 stored;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(stored) : "f"(value));
    return stored;
}
template <>
__device__ inline u16 from_float<Bfloat16>(float value) {
    u16 stored;
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(stored) : "f"(value));
    return stored;
}

template <class Format>
__device__ inline float to_float(typename Format::Stored stored) {
    return stored;
}
template <>
__device__ inline float to_float<Half>(u16 stored) {
    float value;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(stored));
    return value;
}
template <>
__device__ inline float to_float<Bfloat16>(u16 stored) {
    return as_float(static_cast<u32>(stored) << 16);
}

// A warp adds a b to the 16 x 8 outputs d; a is 16 rows of 8 words, b is 8 words by 8 columns.
template <class Format>
__device__ inline void multiply(float (&d)[4], const u32 (&a)[4], const u32 (&b)[2]);

#define MULTIPLY(FORMAT, INSTRUCTION)                                                               \
    template <>                                                                                     \
    __device__ inline void multiply<FORMAT>(float (&d)[4], const u32(&a)[4], const u32(&b)[2]) {    \
        asm volatile(INSTRUCTION " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};" \
                     : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])                               \
                     : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));           \
    }
MULTIPLY(Tf32, "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32")
MULTIPLY(Half, "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32")
MULTIPLY(Bfloat16, "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32")
#undef MULTIPLY

#endif
