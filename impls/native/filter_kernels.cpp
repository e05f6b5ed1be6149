// Kernels whose vectors hold filters. Compiled once for each instruction set; see kernels.cpp.

#include "simd.hpp"
#include "tiles.hpp"
#include "transpose.hpp"

namespace FEATHERBENCH_ISA {

using featherbench::FilterKernels;
using featherbench::FilterTile;
using featherbench::kMaxColumns;
using featherbench::kMaxPairs;

// Stores P vectors of L filters each as L rows of P floats.
template <int L, int P>
[[gnu::always_inline]] inline void store_transposed(const V<L>* by_column, float* to, const std::ptrdiff_t* filters,
                                                    int count) {
    static_assert(P <= L);
    V<L> block[L];
#pragma GCC unroll 16
    for (int p = 0; p < L; ++p) block[p] = p < P ? by_column[p < P ? p : 0] : V<L>{};
    transpose_stage<L, 1>(block);
#pragma GCC unroll 16
    for (int k = 0; k < L; ++k) {
        if (k >= count) break;
        if constexpr (P == L) {
            store<L>(to + filters[k], block[k]);
        } else {
            store_part<L>(to + filters[k], block[k], P);
        }
    }
}

// Adds the products of some runs of taps, over all channels, to output columns Begin to End. Advances to the next run.
template <int L, int Q, int R, int P, int Stride, int Begin, int End>
[[gnu::always_inline]] inline void add_runs(FilterTile& t, int runs, V<L> (&sum)[Q][R * P]) {
    for (int run = 0; run < runs; ++run, t.taps += t.taps_run, t.weight += t.weight_run) {
        for (int c = 0; c < t.channels; ++c) {
            const float* w = t.weight + c * t.weight_channel;
            for (int i = 0; i < t.tap_count; ++i, w += Q * L) {
                const float* x = t.x + c * t.x_channel + t.taps[i];
                V<L> v[Q];
#pragma GCC unroll 2
                for (int q = 0; q < Q; ++q) v[q] = load<L>(w + q * L);
#pragma GCC unroll 2
                for (int r = 0; r < R; ++r) {
#pragma GCC unroll 16
                    for (int p = Begin; p < End; ++p) {
                        const V<L> input = broadcast<L>(x[r * t.x_row + p * Stride]);
#pragma GCC unroll 2
                        for (int q = 0; q < Q; ++q) sum[q][r * P + p] += v[q] * input;
                    }
                }
            }
        }
    }
}

// Computes Q vectors of filters, R rows and P columns at a stride: each tap loads Q vectors of weights and R * P inputs
// for Q * R * P products.
template <int L, int Q, int R, int P, int Stride>
void filters_any(const FilterTile& tile) {
    FilterTile t = tile;
    V<L> sum[Q][R * P];
#pragma GCC unroll 2
    for (int q = 0; q < Q; ++q) {
        const V<L> first = t.bias ? load<L>(t.bias + q * L) : V<L>{};
#pragma GCC unroll 32
        for (int p = 0; p < R * P; ++p) sum[q][p] = first;
    }
    if constexpr (P > 1) add_runs<L, Q, R, P, Stride, 1, P>(t, t.not_first, sum);
    add_runs<L, Q, R, P, Stride, 0, P>(t, t.whole, sum);
    if constexpr (P > 1) add_runs<L, Q, R, P, Stride, 0, P - 1>(t, t.not_last, sum);
#pragma GCC unroll 2
    for (int q = 0; q < Q; ++q) {
        const std::ptrdiff_t* filters = t.y_filters + q * L;
        const int count = t.filters - q * L;
        if (t.relu) {
#pragma GCC unroll 32
            for (int p = 0; p < R * P; ++p) sum[q][p] = rectified<L>(sum[q][p]);
        }
        if constexpr (R > 1 && R * P <= L) {
            if (t.y_row == P) {  // the rows lie end to end
                store_transposed<L, R * P>(sum[q], t.y, filters, count);
                continue;
            }
        }
#pragma GCC unroll 2
        for (int r = 0; r < R; ++r) store_transposed<L, P>(sum[q] + r * P, t.y + r * t.y_row, filters, count);
    }
}

template <int L, int Q, int R, int P>
constexpr void add_filters(FilterKernels& all, int width) {
    if constexpr (P <= L && Q * R * P <= (kRegisters == 32 ? 28 : 12)) {
        all.of[width][Q][R][1][P] = filters_any<L, Q, R, P, 1>;
        all.of[width][Q][R][2][P] = filters_any<L, Q, R, P, 2>;
    }
    if constexpr (P < kMaxColumns) {
        add_filters<L, Q, R, P + 1>(all, width);
    } else if constexpr (R < kMaxPairs) {
        add_filters<L, Q, R + 1, 1>(all, width);
    } else if constexpr (Q < kMaxPairs) {
        add_filters<L, Q + 1, 1, 1>(all, width);
    }
}

template <int... L>
constexpr FilterKernels make_kernels() {
    FilterKernels all{};
    int width = 0;
    ((add_filters<L, 1, 1, 1>(all, width), ++width), ...);
    return all;
}

extern constinit const FilterKernels offered_filters = make_kernels<FEATHERBENCH_WIDTHS>();

}  // namespace FEATHERBENCH_ISA
