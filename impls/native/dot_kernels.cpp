// Scalar products of long rows. Compiled once for each instruction set; see kernels.cpp.

#include "simd.hpp"
#include "tiles.hpp"
#include "transpose.hpp"

namespace FEATHERBENCH_ISA {

using featherbench::DotTile;
using featherbench::kDots;

// kDots x kDots scalar products.
void dots(const DotTile& tile) {
    constexpr int L = kWidest;
    const DotTile t = tile;
    constexpr int kSums = kDots * kDots;
    V<L> sum[kSums]{};
    const float *a[kDots], *b[kDots];
#pragma GCC unroll 4
    for (int i = 0; i < kDots; ++i) {
        a[i] = t.a + t.a_rows[i];
        b[i] = t.b + t.b_rows[i];
    }
    for (int at = 0; at < t.count; at += L) {
        V<L> left[kDots];
#pragma GCC unroll 4
        for (int k = 0; k < kDots; ++k) left[k] = load<L>(a[k] + at);
#pragma GCC unroll 4
        for (int m = 0; m < kDots; ++m) {
            const V<L> right = load<L>(b[m] + at);
#pragma GCC unroll 4
            for (int k = 0; k < kDots; ++k) sum[m * kDots + k] += left[k] * right;
        }
    }
    // After the transposition, the lanes of L products lie in L vectors, whose sum holds the L totals.
#pragma GCC unroll 4
    for (int first = 0; first < kSums; first += L) {
        V<L> block[L];
#pragma GCC unroll 16
        for (int i = 0; i < L; ++i) block[i] = sum[first + i];
        transpose_stage<L, 1>(block);
        V<L> total = load<L>(t.sums + first);
#pragma GCC unroll 16
        for (int i = 0; i < L; ++i) total += block[i];
        store<L>(t.sums + first, total);
    }
}

}  // namespace FEATHERBENCH_ISA
