// Kernels of indirect convolutions: sums of products with listed inputs. Compiled once for each instruction set; see
// kernels.cpp.

#include "blocked_tiles.hpp"
#include "simd.hpp"

namespace FEATHERBENCH_ISA {

using featherbench::InputStride;
using featherbench::kMaxBundle;
using featherbench::kMaxSumColumns;
using featherbench::SumKernels;
using featherbench::SumTile;

constexpr int kL = kWidest;
// Sums stay in registers, beside a vector of weights for each block and an input.
constexpr bool fits(int blocks, int columns) { return blocks * columns + blocks + 1 <= kRegisters; }

// Computes Q blocks of filters at R columns. Each listed input takes Q loads of weights and R of inputs for Q * R
// products.
template <int Q, int R, int Between>
void sums(const SumTile& t) {
    V<kL> sum[Q][R];
#pragma GCC unroll 4
    for (int q = 0; q < Q; ++q) {
        const V<kL> bias = load<kL>(t.bias + q * kL);
#pragma GCC unroll 14
        for (int r = 0; r < R; ++r) sum[q][r] = bias;
    }
    const float* w = t.weight;
    for (const std::int32_t *at = t.offsets, *end = at + t.count; at < end; ++at, w += Q * kL) {
        const float* x = t.x + *at;
        V<kL> v[Q];
#pragma GCC unroll 4
        for (int q = 0; q < Q; ++q) v[q] = load<kL>(w + q * kL);
#pragma GCC unroll 14
        for (int r = 0; r < R; ++r) {
            const V<kL> input = broadcast<kL>(x[r * Between]);
#pragma GCC unroll 4
            for (int q = 0; q < Q; ++q) sum[q][r] += v[q] * input;
        }
    }
    const V<kL> low = broadcast<kL>(t.low), high = broadcast<kL>(t.high);
#pragma GCC unroll 4
    for (int q = 0; q < Q; ++q) {
        if (t.residual) {
#pragma GCC unroll 14
            for (int r = 0; r < R; ++r) sum[q][r] += load<kL>(t.residual + q * t.residual_block + r * kL);
        }
#pragma GCC unroll 14
        for (int r = 0; r < R; ++r) store<kL>(t.y + q * t.y_block + r * kL, clamped<kL>(sum[q][r], low, high));
    }
}

template <int Q, int R>
constexpr void add_sums(SumKernels& all) {
    if constexpr (fits(Q, R)) {
        all.of[int(InputStride::block)][Q][R] = sums<Q, R, kL>;
        all.of[int(InputStride::two_blocks)][Q][R] = sums<Q, R, 2 * kL>;
        all.of[int(InputStride::single)][Q][R] = sums<Q, R, 1>;
        all.of[int(InputStride::two_singles)][Q][R] = sums<Q, R, 2>;
    }
    if constexpr (R < kMaxSumColumns) {
        add_sums<Q, R + 1>(all);
    } else if constexpr (Q < kMaxBundle) {
        add_sums<Q + 1, 1>(all);
    }
}

constexpr SumKernels make_kernels() {
    SumKernels all{};
    add_sums<1, 1>(all);
    return all;
}

extern constinit const SumKernels offered_sums = make_kernels();

}  // namespace FEATHERBENCH_ISA
