// Transposes square blocks of vectors.

#pragma once

#include "simd.hpp"

namespace FEATHERBENCH_ISA {

// Transposes L x L numbers in log2(L) stages; each exchanges the halves of ever larger blocks between two vectors.
template <int L, int Half>
[[gnu::always_inline]] inline void transpose_stage(V<L> (&v)[L]) {
    typename Vector<L>::Index low{}, high{};
#pragma GCC unroll 16
    for (int i = 0; i < L; ++i) {
        low[i] = i & Half ? L + i - Half : i;
        high[i] = i & Half ? L + i : i + Half;
    }
#pragma GCC unroll 16
    for (int i = 0; i < L; ++i) {
        if (i & Half) continue;
        const V<L> a = v[i], b = v[i + Half];
        v[i] = __builtin_shuffle(a, b, low);
        v[i + Half] = __builtin_shuffle(a, b, high);
    }
    if constexpr (Half * 2 < L) transpose_stage<L, Half * 2>(v);
}

}  // namespace FEATHERBENCH_ISA
