// What the innermost kernels are given, and the tables in which each instruction set offers its own.

#pragma once

#include <cstddef>

namespace featherbench {

// A block of the output that stays in registers, its vectors along the output: `rows` vectors for each of some filters.
// Distances are in floats.
struct RowTile {
    const float* x;              // first input of the first output, in the padded strip; `masked`: where it would be
    std::ptrdiff_t x_channel;    // between input channels
    std::ptrdiff_t x_row;        // between the inputs of neighbouring vectors; for `sliding`, between input rows
    const std::ptrdiff_t* taps;  // where each kernel position reads; for `sliding`, each kernel column
    int tap_count;
    int channels;
    const float*
        weight;         // in the order in which it is used: [channel][tap][filter]; `sliding`: [..][kernel row][filter]
    const float* bias;  // of the filters, or null
    float* y;
    const std::ptrdiff_t* y_filters;  // where each filter's outputs lie, from y
    std::ptrdiff_t y_row;
    int columns;  // to store of each vector
    bool relu;
    // `masked`: of the input rows that the tile reaches, those that there are; the column that the first kernel
    // position reads, and how many columns the inputs have.
    int first_row, end_row, column, width;
};

// A block of the output in which each vector holds one position's outputs, for as many filters as it has lanes. Taps
// come in runs: of a kernel column, or all in one.
struct FilterTile {
    const float* x;
    std::ptrdiff_t x_channel;
    std::ptrdiff_t x_row;        // between the inputs of two output rows
    const std::ptrdiff_t* taps;  // those of the first run that meet inputs, not padding alone
    int tap_count, taps_run;     // of a run; and to those of the next
    // Runs, in this order: those that meet only padding at the tile's first output column, those that meet inputs at
    // both ends, and those that meet only padding at its last.
    int not_first, whole, not_last;
    int channels;
    const float* weight;  // [run][channel][tap][filter]
    std::ptrdiff_t weight_run, weight_channel;
    const float* bias;  // of the filters, padded with zeros; or null
    float* y;
    const std::ptrdiff_t* y_filters;  // where each filter's outputs lie, from y
    std::ptrdiff_t y_row;
    int filters;  // to store
    bool relu;
};

// Outputs of as many groups as a vector has lanes, each of one input channel and one filter. Inputs and outputs are
// stored position by position, the groups of each side by side.
struct GroupTile {
    const float* x;
    std::ptrdiff_t x_column;     // between the inputs of neighbouring output columns
    const std::ptrdiff_t* taps;  // those that meet inputs, not padding alone
    const float* weight;         // [tap][group]
    int tap_count;
    const float* bias;  // of the groups; or null
    float* y;
    bool relu;
};

// Outputs of filters of 3 x 3 on one channel each, a vector for each of some rows, from inputs where they lie.
// Positions beyond the inputs are padding, and never read.
struct MaskedTile {
    int planes;
    const float* x;  // where the first kernel position of the first output is, or would be
    std::ptrdiff_t x_plane, x_row;
    int first_row, end_row;  // of the input rows that a tile reaches, those that there are
    int column, width;       // of the first kernel position; of the inputs
    const float* weight;     // [plane][kernel row][kernel column]
    const float* bias;       // of the planes; or null
    float* y;
    std::ptrdiff_t y_plane, y_row;
    int columns;  // to store of each vector
    bool relu;
};

// Scalar products of each of kDots rows with each of up to kDots others, over whole vectors.
struct DotTile {
    const float* a;
    const std::ptrdiff_t* a_rows;  // where each row lies, from a
    const float* b;
    const std::ptrdiff_t* b_rows;
    int count;    // floats of a row; a multiple of the vector
    float* sums;  // [row of b][row of a]: kDots x kDots of them; added to
};

constexpr int kDots = 4;
constexpr int kMostFilters = 8;   // of a RowTile
constexpr int kMostRows = 8;      // of a RowTile: its vectors
constexpr int kMostColumns = 16;  // of a FilterTile
constexpr int kMostMasked = 14;   // rows of a MaskedTile
constexpr int kMostPairs = 2;     // of a FilterTile: its vectors of filters, its rows, and the stride of its columns
constexpr int kWidths = 2;        // vectors of different widths

// sliding: three kernel rows at a row stride of 1 or 2, dilation 1. masked: likewise three kernel columns, from inputs
// where they lie, with what lies beyond an edge left out.
enum class Reach { any, sliding1, sliding2, masked1, masked2 };
constexpr int kReaches = 5;

using RowKernel = void (*)(const RowTile&);
using FilterKernel = void (*)(const FilterTile&);
using GroupKernel = void (*)(const GroupTile&);
using MaskedKernel = void (*)(const MaskedTile&);
using DotKernel = void (*)(const DotTile&);

// Planes to copy: `count` floats of each row, and zeros behind them up to a multiple of the vector.
struct Planes {
    const float* from;
    std::ptrdiff_t plane, row, column;  // between planes, between rows, and between the floats of a row
    int planes, rows, count;
    float* to;
    std::ptrdiff_t to_plane, to_row;
};
using CopyKernel = void (*)(const Planes&);

// `count` positions of up to as many planes as a vector has lanes, exchanged between planes, in which positions lie
// side by side, and positions in which planes do. `gap` positions are left free in the latter after every `row` of
// them.
struct Exchange {
    std::ptrdiff_t plane;  // between planes
    int planes, count, row, gap;
};
using GatherKernel = void (*)(const float* planes, const Exchange&, float* positions);
using ScatterKernel = void (*)(const float* positions, const Exchange&, float* planes);  // knows no gap

// What kernels there are for each width of vectors, by its index into Kernels::lanes; null where none was made.
struct RowKernels {
    int most_sums;  // of a tile
    RowKernel of[kWidths][kReaches][kMostFilters + 1][kMostRows + 1];
};
struct FilterKernels {  // of vectors of filters, rows, the stride of columns, and columns
    FilterKernel of[kWidths][kMostPairs + 1][kMostPairs + 1][kMostPairs + 1][kMostColumns + 1];
};
struct DepthwiseKernels {
    GroupKernel groups[kWidths][kMostColumns + 1];                  // of columns
    MaskedKernel masked[kWidths][kMostPairs + 1][kMostMasked + 1];  // of stride and rows
};
struct WinogradKernels;  // winograd_tiles.hpp
struct CopyKernels {
    CopyKernel copy[kWidths];
    GatherKernel gather[kWidths];
    ScatterKernel scatter[kWidths];
};

// All of one instruction set.
struct Kernels {
    const char* isa;
    int lanes[kWidths];  // of its vectors, widest first; zeros behind them
    const RowKernels* rows;
    const FilterKernels* filters;
    const DepthwiseKernels* depthwise;
    const WinogradKernels* winograd;
    const CopyKernels* copies;
    DotKernel dots;  // with the widest vectors
};

// The best that this processor has comes first; every other may be asked for.
const Kernels* const* kernels();          // ends with null
const Kernels* kernels(const char* isa);  // null where this processor or this build has none of that name

}  // namespace featherbench
