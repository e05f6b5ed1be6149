// The innermost kernels. Compiled once for each instruction set, with FEATHERBENCH_ISA as its namespace.
//
// Nothing here may call a function of the standard library: the linker keeps one copy of each inline function, and must
// not keep one that was compiled for an instruction set that the processor may lack.

#include "simd.hpp"
#include "tiles.hpp"

namespace FEATHERBENCH_ISA {

using featherbench::CopyKernel;
using featherbench::DotTile;
using featherbench::Exchange;
using featherbench::FilterKernel;
using featherbench::FilterTile;
using featherbench::GroupKernel;
using featherbench::GroupTile;
using featherbench::kDots;
using featherbench::Kernels;
using featherbench::kMostColumns;
using featherbench::kMostFilters;
using featherbench::kMostMasked;
using featherbench::kMostPairs;
using featherbench::kMostRows;
using featherbench::MaskedTile;
using featherbench::Planes;
using featherbench::Reach;
using featherbench::RowKernel;
using featherbench::RowTile;
using featherbench::WinogradKernels;

// Of a RowTile: they leave room for an input and a weight.
constexpr int kMostSums = kRegisters == 32 ? 24 : 12;

template <int L, int K, int R>
[[gnu::always_inline]] inline void begin(const RowTile& t, V<L> (&sum)[R][K]) {
#pragma GCC unroll 8
    for (int k = 0; k < K; ++k) {
        const V<L> first = t.bias ? broadcast<L>(t.bias[k]) : V<L>{};
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r) sum[r][k] = first;
    }
}

template <int L, int K, int R>
[[gnu::always_inline]] inline void finish(const RowTile& t, V<L> (&sum)[R][K]) {
    const bool whole = t.columns == L;
#pragma GCC unroll 8
    for (int k = 0; k < K; ++k) {
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r) {
            const V<L> v = t.relu ? rectified<L>(sum[r][k]) : sum[r][k];
            float* to = t.y + t.y_filters[k] + r * t.y_row;
            if (whole) {
                store<L>(to, v);
            } else {
                store_part<L>(to, v, t.columns);
            }
        }
    }
}

// Any kernel: each tap loads R rows and K weights for R * K products.
template <int L, int K, int R>
void rows_any(const RowTile& tile) {
    const RowTile t = tile;
    V<L> sum[R][K];
    begin<L, K, R>(t, sum);
    const float* w = t.weight;
    for (int c = 0; c < t.channels; ++c) {
        for (int j = 0; j < t.tap_count; ++j, w += K) {
            const float* x = t.x + c * t.x_channel + t.taps[j];
#pragma GCC unroll 8
            for (int r = 0; r < R; ++r) {
                const V<L> v = load<L>(x + r * t.x_row);
#pragma GCC unroll 8
                for (int k = 0; k < K; ++k) sum[r][k] += v * factor<L, K>(w, k);
            }
        }
    }
    finish<L, K, R>(t, sum);
}

// Three kernel rows: an input row is loaded once for all output rows that it reaches.
template <int L, int K, int R, int Stride>
void rows_sliding(const RowTile& tile) {
    const RowTile t = tile;
    V<L> sum[R][K];
    begin<L, K, R>(t, sum);
    const float* w = t.weight;
    for (int c = 0; c < t.channels; ++c) {
        for (int j = 0; j < t.tap_count; ++j, w += 3 * K) {
            const float* x = t.x + c * t.x_channel + t.taps[j];
#pragma GCC unroll 32
            for (int i = 0; i < (R - 1) * Stride + 3; ++i) {
                const V<L> v = load<L>(x + i * t.x_row);
#pragma GCC unroll 3
                for (int h = 0; h < 3; ++h) {
                    const int r = (i - h) / Stride;
                    if (i < h || (i - h) % Stride || r >= R) continue;
#pragma GCC unroll 8
                    for (int k = 0; k < K; ++k) sum[r][k] += v * factor<L, 3 * K>(w, h * K + k);
                }
            }
        }
    }
    finish<L, K, R>(t, sum);
}

// Three kernel columns each read the lanes that there are.
template <int L, int Stride>
struct Edges {
    Lanes<L> lanes[3][Stride];

    [[gnu::always_inline]] Edges(int column, int width) {
#pragma GCC unroll 3
        for (int j = 0; j < 3; ++j) {
#pragma GCC unroll 2
            for (int i = 0; i < Stride; ++i) {
                const int first = column + j + i * L;
                lanes[j][i] = lanes_between<L>(-first, width - first);
            }
        }
    }

    // What kernel column j reads, of which x is the first, or would be.
    [[gnu::always_inline]] V<L> load(const float* x, int j) const {
        const V<L> v = load_lanes<L>(x, lanes[j][0]);
        if constexpr (Stride == 1) {
            return v;
        } else {
            return even<L>(v, load_lanes<L>(x + L, lanes[j][1]));
        }
    }
};

// As rows_sliding, from inputs where they lie.
template <int L, int K, int R, int Stride>
void rows_masked(const RowTile& tile) {
    const RowTile t = tile;
    const Edges<L, Stride> edges(t.column, t.width);
    V<L> sum[R][K];
    begin<L, K, R>(t, sum);
    const float* w = t.weight;
    for (int c = 0; c < t.channels; ++c) {
#pragma GCC unroll 3
        for (int j = 0; j < 3; ++j, w += 3 * K) {
            V<L> weight[3][K];
#pragma GCC unroll 24
            for (int i = 0; i < 3 * K; ++i) weight[i / K][i % K] = kept(broadcast<L>(w[i]));
            const float* x = t.x + c * t.x_channel + j;
#pragma GCC unroll 32
            for (int i = 0; i < (R - 1) * Stride + 3; ++i, go_on(x, t.x_row)) {
                if (i < t.first_row || i >= t.end_row) continue;
                const V<L> v = edges.load(x, j);
#pragma GCC unroll 3
                for (int h = 0; h < 3; ++h) {
                    const int r = (i - h) / Stride;
                    if (i < h || (i - h) % Stride || r >= R) continue;
#pragma GCC unroll 8
                    for (int k = 0; k < K; ++k) sum[r][k] += v * weight[h][k];
                }
            }
        }
    }
    finish<L, K, R>(t, sum);
}

// L x L, in log2(L) stages: each exchanges the halves of ever larger blocks between two vectors.
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

// P vectors of L filters each become L rows of P floats.
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

// Products of some runs of taps, over all channels, with output columns Begin to End. Goes on to the run behind them.
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

// Q vectors of filters, R rows, P columns at a stride: each tap loads Q vectors of weights and R * P inputs for Q * R *
// P products.
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

template <int L, int P>
void groups_any(const GroupTile& tile) {
    const GroupTile t = tile;
    V<L> sum[P];
    const V<L> first = t.bias ? load<L>(t.bias) : V<L>{};
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) sum[p] = first;
    for (int j = 0; j < t.tap_count; ++j) {
        const float* x = t.x + t.taps[j];
        const V<L> w = load<L>(t.weight + j * L);
#pragma GCC unroll 16
        for (int p = 0; p < P; ++p) sum[p] += w * load<L>(x + p * t.x_column);
    }
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) store<L>(t.y + p * L, t.relu ? rectified<L>(sum[p]) : sum[p]);
}

// Depthwise, 3 x 3, from where inputs lie: an input row is loaded once for each kernel column, for all output rows that
// it reaches.
template <int L, int R, int Stride>
void depthwise_masked(const MaskedTile& tile) {
    MaskedTile t = tile;
    const Edges<L, Stride> edges(t.column, t.width);
    for (int plane = 0; plane < t.planes; ++plane, t.x += t.x_plane, t.y += t.y_plane, t.weight += 9) {
        V<L> weight[9], sum[R];
#pragma GCC unroll 9
        for (int i = 0; i < 9; ++i) weight[i] = broadcast<L>(t.weight[i]);
        const V<L> first = t.bias ? broadcast<L>(t.bias[plane]) : V<L>{};
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r) sum[r] = first;
        const float* x = t.x;
#pragma GCC unroll 32
        for (int i = 0; i < (R - 1) * Stride + 3; ++i, go_on(x, t.x_row)) {
            if (i < t.first_row || i >= t.end_row) continue;
#pragma GCC unroll 3
            for (int j = 0; j < 3; ++j) {
                const V<L> v = edges.load(x + j, j);
#pragma GCC unroll 3
                for (int h = 0; h < 3; ++h) {
                    const int r = (i - h) / Stride;
                    if (i >= h && (i - h) % Stride == 0 && r < R) sum[r] += v * weight[h * 3 + j];
                }
            }
        }
        float* y = t.y;
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r, go_on(y, t.y_row)) {
            const V<L> v = t.relu ? rectified<L>(sum[r]) : sum[r];
            if (t.columns == L) {
                store<L>(y, v);
            } else {
                store_part<L>(y, v, t.columns);
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

// kDots x kDots scalar products.
template <int L>
void dots_any(const DotTile& tile) {
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
    // Turned, the lanes of L products lie in L vectors: their sum holds the L totals.
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
    const int rest = 2 * (count - i) - 1;  // no float beyond the last that is wanted
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
void copy(const Planes& planes) {
    const Planes t = planes;
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

template <int L, int K, int R>
constexpr void add_rows(Kernels& all, int width) {
    if constexpr (K * R <= kMostSums) {
        const auto of = [&](Reach reach) -> RowKernel& { return all.rows[width][static_cast<int>(reach)][K][R]; };
        of(Reach::any) = rows_any<L, K, R>;
        of(Reach::sliding1) = rows_sliding<L, K, R, 1>;
        of(Reach::sliding2) = rows_sliding<L, K, R, 2>;
        of(Reach::masked1) = rows_masked<L, K, R, 1>;
        of(Reach::masked2) = rows_masked<L, K, R, 2>;
    }
    if constexpr (R < kMostRows) {
        add_rows<L, K, R + 1>(all, width);
    } else if constexpr (K < kMostFilters) {
        add_rows<L, K + 1, 1>(all, width);
    }
}

template <int L, int Q, int R, int P>
constexpr void add_filters(Kernels& all, int width) {
    if constexpr (P <= L && Q * R * P <= (kRegisters == 32 ? 28 : 12)) {
        all.filters[width][Q][R][1][P] = filters_any<L, Q, R, P, 1>;
        all.filters[width][Q][R][2][P] = filters_any<L, Q, R, P, 2>;
    }
    if constexpr (P < kMostColumns) {
        add_filters<L, Q, R, P + 1>(all, width);
    } else if constexpr (R < kMostPairs) {
        add_filters<L, Q, R + 1, 1>(all, width);
    } else if constexpr (Q < kMostPairs) {
        add_filters<L, Q + 1, 1, 1>(all, width);
    }
}

template <int L, int P>
constexpr void add_groups(Kernels& all, int width) {
    if constexpr (P <= (kRegisters == 32 ? kMostColumns : 12)) {
        all.groups[width][P] = groups_any<L, P>;
        if constexpr (P < kMostColumns) add_groups<L, P + 1>(all, width);
    }
}

extern const WinogradKernels offered_winograd;

template <int L, int R>
constexpr void add_masked(Kernels& all, int width) {
    all.masked[width][1][R] = depthwise_masked<L, R, 1>;
    all.masked[width][2][R] = depthwise_masked<L, R, 2>;
    if constexpr (R < (kRegisters == 32 ? kMostMasked : 6)) add_masked<L, R + 1>(all, width);
}

template <int... L>
constexpr Kernels made(const char* isa) {
    Kernels all{};
    all.isa = isa;
    all.most_sums = kMostSums;
    all.dots = dots_any<kWidest>;
    all.winograd = &offered_winograd;
    int width = 0;
    ((all.lanes[width] = L, all.copy[width] = copy<L>, add_rows<L, 1, 1>(all, width),
      add_filters<L, 1, 1, 1>(all, width), add_groups<L, 1>(all, width), add_masked<L, 1>(all, width),
      all.gather[width] = gather<L>, all.scatter[width] = scatter<L>, ++width),
     ...);
    return all;
}

#define FEATHERBENCH_TEXT_(name) #name
#define FEATHERBENCH_TEXT(name) FEATHERBENCH_TEXT_(name)

extern constinit const Kernels offered = made<FEATHERBENCH_WIDTHS>(FEATHERBENCH_TEXT(FEATHERBENCH_ISA));

}  // namespace FEATHERBENCH_ISA
