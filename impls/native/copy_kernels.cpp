// Kernels that copy numbers to where other kernels read them. Compiled once for each instruction set; see kernels.cpp.

#include "simd.hpp"
#include "tiles.hpp"
#include "transpose.hpp"

namespace FEATHERBENCH_ISA {

using featherbench::CopyKernels;
using featherbench::Exchange;
using featherbench::StridedCopy;

template <int L>
[[gnu::always_inline]] inline void copy_row(const float* from, int count, float* to) {
    int i = 0;
    for (; i + L <= count; i += L) store<L>(to + i, load<L>(from + i));
    if (i < count) store<L>(to + i, load_part<L>(from + i, count - i));
}

template <int L>
[[gnu::always_inline]] inline void copy_every_second(const float* from, int count, float* to) {
    int i = 0;
    for (; i + L < count; i += L) store<L>(to + i, even<L>(load<L>(from + 2 * i), load<L>(from + 2 * i + L)));
    const int rest = 2 * (count - i) - 1;  // reads no float beyond the last that is needed
    if (rest <= 0) return;
    const V<L> low = load_part<L>(from + 2 * i, rest < L ? rest : L);
    const V<L> high = rest > L ? load_part<L>(from + 2 * i + L, rest - L) : V<L>{};
    store<L>(to + i, even<L>(low, high));
}

template <int L>
[[gnu::always_inline]] inline void copy_spread(const float* from, std::ptrdiff_t step, int count, float* to) {
    for (int i = 0; i < count; ++i) to[i] = from[i * step];
    for (int i = count; i % L; ++i) to[i] = 0;
}

template <int L>
void copy(const StridedCopy& strided) {
    const StridedCopy t = strided;
    for (int plane = 0; plane < t.planes; ++plane) {
        for (int row = 0; row < t.rows; ++row) {
            const float* from = t.from + plane * t.plane + row * t.row;
            float* to = t.to + plane * t.to_plane + row * t.to_row;
            if (t.column == 1) {
                copy_row<L>(from, t.count, to);
            } else if (t.column == 2) {
                copy_every_second<L>(from, t.count, to);
            } else {
                copy_spread<L>(from, t.column, t.count, to);
            }
        }
    }
}

template <int L>
void gather(const float* from, const Exchange& exchange, float* to) {
    const Exchange t = exchange;
    int left = t.row;
    for (int at = 0; at < t.count; at += L) {
        const int width = t.count - at < L ? t.count - at : L;
        V<L> block[L];
#pragma GCC unroll 16
        for (int k = 0; k < L; ++k) {
            const float* plane = from + k * t.plane + at;
            block[k] = k >= t.planes ? V<L>{} : width == L ? load<L>(plane) : load_part<L>(plane, width);
        }
        transpose_stage<L, 1>(block);
#pragma GCC unroll 16
        for (int p = 0; p < L; ++p) {
            if (p >= width) break;
            store<L>(to, block[p]);
            to += L;
            if (--left == 0) {
                to += t.gap * L;
                left = t.row;
            }
        }
    }
}

template <int L>
void scatter(const float* from, const Exchange& exchange, float* to) {
    const Exchange t = exchange;
    for (int at = 0; at < t.count; at += L) {
        const int width = t.count - at < L ? t.count - at : L;
        V<L> block[L];
#pragma GCC unroll 16
        for (int p = 0; p < L; ++p) block[p] = p < width ? load<L>(from + (at + p) * L) : V<L>{};
        transpose_stage<L, 1>(block);
#pragma GCC unroll 16
        for (int k = 0; k < L; ++k) {
            if (k >= t.planes) break;
            float* plane = to + k * t.plane + at;
            if (width == L) {
                store<L>(plane, block[k]);
            } else {
                store_part<L>(plane, block[k], width);
            }
        }
    }
}

template <int... L>
constexpr CopyKernels make_kernels() {
    CopyKernels all{};
    int width = 0;
    ((all.copy[width] = copy<L>, all.gather[width] = gather<L>, all.scatter[width] = scatter<L>, ++width), ...);
    return all;
}

extern constinit const CopyKernels offered_copies = make_kernels<FEATHERBENCH_WIDTHS>();

}  // namespace FEATHERBENCH_ISA
