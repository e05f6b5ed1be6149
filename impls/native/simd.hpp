// Vectors of L floats, in the compiler's own vector extensions, so that one source serves every instruction set.
//
// Included once for each instruction set that the kernels are compiled for, each time in a namespace of its own.

#pragma once

#include <cstddef>
#include <cstring>

#if defined(__AVX2__) || defined(__AVX512F__)
#include <immintrin.h>
#endif

namespace FEATHERBENCH_ISA {

// FEATHERBENCH_WIDTHS: the lanes of the vectors that kernels are made for, widest first.
#if defined(__AVX512VL__)
constexpr int kRegisters = 32, kWidest = 16;
#define FEATHERBENCH_WIDTHS 16, 8
#elif defined(__AVX2__)
constexpr int kRegisters = 16, kWidest = 8;
#define FEATHERBENCH_WIDTHS 8
#elif defined(__aarch64__)
constexpr int kRegisters = 32, kWidest = 4;
#define FEATHERBENCH_WIDTHS 4
#else
constexpr int kRegisters = 16, kWidest = 4;
#define FEATHERBENCH_WIDTHS 4
#endif

template <int L>
struct Vector {
    typedef float Type __attribute__((vector_size(L * sizeof(float))));
    typedef int Index __attribute__((vector_size(L * sizeof(int))));
};
template <int L>
using V = typename Vector<L>::Type;

template <int L>
[[gnu::always_inline]] inline V<L> load(const float* from) {
    V<L> v;
    std::memcpy(&v, from, sizeof v);
    return v;
}

template <int L>
[[gnu::always_inline]] inline void store(float* to, V<L> v) {
    std::memcpy(to, &v, sizeof v);
}

template <int L>
[[gnu::always_inline]] inline V<L> broadcast(float value) {
    return value - V<L>{};  // Adding would turn -0 into 0, which no compiler may leave out.
}

template <int L>
[[gnu::always_inline]] inline V<L> rectified(V<L> v) {
    return v < V<L>{} ? V<L>{} : v;  // NaN stays
}

// The first `count` floats, at most L, and zeros. Touches no memory beyond them.
template <int L>
[[gnu::always_inline]] inline V<L> load_part(const float* from, int count) {
    V<L> v{};
    for (int i = 0; i < count; ++i) v[i] = from[i];
    return v;
}

template <int L>
[[gnu::always_inline]] inline void store_part(float* to, V<L> v, int count) {
    for (int i = 0; i < count; ++i) to[i] = v[i];
}

#if defined(__AVX512VL__)
template <>
[[gnu::always_inline]] inline V<16> load_part<16>(const float* from, int count) {
    return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1), from);
}
template <>
[[gnu::always_inline]] inline V<8> load_part<8>(const float* from, int count) {
    return _mm256_maskz_loadu_ps(static_cast<__mmask8>((1u << count) - 1), from);
}
template <>
[[gnu::always_inline]] inline void store_part<16>(float* to, V<16> v, int count) {
    _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1u << count) - 1), v);
}
template <>
[[gnu::always_inline]] inline void store_part<8>(float* to, V<8> v, int count) {
    _mm256_mask_storeu_ps(to, static_cast<__mmask8>((1u << count) - 1), v);
}
#elif defined(__AVX2__)
[[gnu::always_inline]] inline __m256i first_of_8(int count) {
    alignas(32) static constexpr int kOnesThenZeros[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kOnesThenZeros + 8 - count));
}
template <>
[[gnu::always_inline]] inline V<8> load_part<8>(const float* from, int count) {
    return _mm256_maskload_ps(from, first_of_8(count));
}
template <>
[[gnu::always_inline]] inline void store_part<8>(float* to, V<8> v, int count) {
    _mm256_maskstore_ps(to, first_of_8(count), v);
}
#endif

}  // namespace FEATHERBENCH_ISA
