// Vectors of L floats, in the compiler's own vector extensions, so that one source serves every instruction set.
//
// This file is included once for each instruction set that the kernels are compiled for, in a namespace of its own.

#pragma once

#include <cstddef>
#include <cstring>

#if defined(__AVX2__) || defined(__AVX512F__)
#include <immintrin.h>
#endif

namespace FEATHERBENCH_ISA {

// FEATHERBENCH_WIDTHS lists the lanes of the vectors that kernels are instantiated for, widest first.
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
    return value - V<L>{};  // Adding would turn -0 into 0, so a compiler could not leave it out.
}

// Returns factor i of N neighbouring ones, in all lanes.
template <int L, int N>
[[gnu::always_inline]] inline V<L> factor(const float* from, int i) {
#if defined(__aarch64__)
    // Products read the factor from a lane: registers that each hold L factors leave more registers for sums.
    if (i / L < N / L) {
        return __builtin_shuffle(load<L>(from + i / L * L), typename Vector<L>::Index{} + i % L);
    }
#endif
    return broadcast<L>(from[i]);
}

template <int L>
[[gnu::always_inline]] inline V<L> rectified(V<L> v) {
    return v < V<L>{} ? V<L>{} : v;  // NaN stays
}

// Returns v where it lies between low and high, otherwise the nearer of these; NaN stays.
template <int L>
[[gnu::always_inline]] inline V<L> clamped(V<L> v, V<L> low, V<L> high) {
    v = v < low ? low : v;
    return v > high ? high : v;
}

// Returns every second of 2 L floats.
template <int L>
[[gnu::always_inline]] inline V<L> even(V<L> a, V<L> b) {
    typename Vector<L>::Index index{};
#pragma GCC unroll 16
    for (int i = 0; i < L; ++i) index[i] = 2 * i;
    return __builtin_shuffle(a, b, index);
}

// Loads `count` floats, at most L, and fills the other lanes with zeros. Reads no memory beyond them.
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

// Keeps a value in a register, so that the compiler does not load it again for each use.
template <class Type>
[[gnu::always_inline]] inline Type kept(Type v) {
#if defined(__x86_64__)
    asm("" : "+v"(v));
#else
    asm("" : "+w"(v));
#endif
    return v;
}

// Moves a pointer to the next row, and keeps the compiler from computing the addresses of all rows beforehand, for
// which it lacks registers.
template <class Float>
[[gnu::always_inline]] inline void go_on(Float*& at, std::ptrdiff_t by) {
    at += by;
    asm("" : "+r"(at));
}

// A range of neighbouring lanes. Loads read no memory beyond them, and leave zeros in the other lanes.
template <int L>
struct Lanes {
    int first, end;
};

template <int L>
[[gnu::always_inline]] inline Lanes<L> lanes_between(int first, int end) {
    return {first < 0 ? 0 : first, end > L ? L : end};
}

template <int L>
[[gnu::always_inline]] inline V<L> load_lanes(const float* from, Lanes<L> lanes) {
    if (lanes.first == 0 && lanes.end == L) return load<L>(from);
    V<L> v{};
    for (int i = lanes.first; i < lanes.end; ++i) v[i] = from[i];
    return v;
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
template <int Bits>
[[gnu::always_inline]] inline unsigned bits_between(int first, int end) {
    const auto below = [](int bit) { return bit <= 0 ? 0u : bit >= Bits ? (1u << Bits) - 1 : (1u << bit) - 1; };
    return below(end) & ~below(first);
}
template <>
struct Lanes<16> {
    __mmask16 mask;
};
template <>
[[gnu::always_inline]] inline Lanes<16> lanes_between<16>(int first, int end) {
    return {static_cast<__mmask16>(bits_between<16>(first, end))};
}
template <>
[[gnu::always_inline]] inline V<16> load_lanes<16>(const float* from, Lanes<16> lanes) {
    return _mm512_maskz_loadu_ps(lanes.mask, from);
}
template <>
struct Lanes<8> {
    __mmask8 mask;
};
template <>
[[gnu::always_inline]] inline Lanes<8> lanes_between<8>(int first, int end) {
    return {static_cast<__mmask8>(bits_between<8>(first, end))};
}
template <>
[[gnu::always_inline]] inline V<8> load_lanes<8>(const float* from, Lanes<8> lanes) {
    return _mm256_maskz_loadu_ps(lanes.mask, from);
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
template <>
struct Lanes<8> {
    __m256i mask;
};
template <>
[[gnu::always_inline]] inline Lanes<8> lanes_between<8>(int first, int end) {
    const auto below = [](int lane) { return first_of_8(lane < 0 ? 0 : lane > 8 ? 8 : lane); };
    return {_mm256_andnot_si256(below(first), below(end))};
}
template <>
[[gnu::always_inline]] inline V<8> load_lanes<8>(const float* from, Lanes<8> lanes) {
    return _mm256_maskload_ps(from, lanes.mask);
}
#endif

}  // namespace FEATHERBENCH_ISA
