// The arguments of the innermost kernels, and the tables of the kernels of each instruction set.

#pragma once

#include <cstddef>

namespace featherbench {

// A block of the output that stays in registers, with vectors along the output: `rows` vectors for each of some
// filters. Distances are in floats.
struct RowTile {
    const float* x;  // first input of the first output, in the padded strip; `rows_inplace`: where it would be
    std::ptrdiff_t x_channel;    // between input channels
    std::ptrdiff_t x_row;        // between the inputs of neighbouring vectors; for `sliding`, between input rows
    const std::ptrdiff_t* taps;  // offset of each kernel position; for `sliding`, of each kernel column
    int tap_count;
    int channels;
    const float* weight;  // in order of use: [channel][tap][filter]; `sliding`: [..][kernel row][filter]
    const float* bias;    // one for each filter; or null
    float* y;
    const std::ptrdiff_t* y_filters;  // offset of each filter's outputs from y
    std::ptrdiff_t y_row;
    int columns;  // columns to store of each vector
    bool relu;
    // For `rows_inplace`: the first and the end of the tile's input rows that exist, the column that the first kernel
    // position reads, and the number of input columns.
    int first_row, end_row, column, width;
};

// A block of the output in which each vector holds one position's outputs, for as many filters as it has lanes. Taps
// come in runs: one for each kernel column, or one for all.
struct FilterTile {
    const float* x;
    std::ptrdiff_t x_channel;
    std::ptrdiff_t x_row;        // between the inputs of two output rows
    const std::ptrdiff_t* taps;  // offsets of those of the first run that meet inputs, not only padding
    int tap_count, taps_run;     // taps of a run, and distance to those of the next
    // Numbers of runs, in this order: those that meet only padding at the tile's first output column, those that meet
    // inputs at both ends, and those that meet only padding at its last.
    int not_first, whole, not_last;
    int channels;
    const float* weight;  // [run][channel][tap][filter]
    std::ptrdiff_t weight_run, weight_channel;
    const float* bias;  // one for each filter, padded with zeros; or null
    float* y;
    const std::ptrdiff_t* y_filters;  // offset of each filter's outputs from y
    std::ptrdiff_t y_row;
    int filters;  // filters to store
    bool relu;
};

// Outputs of as many groups as a vector has lanes, each of one input channel and one filter. Inputs and outputs are
// stored position by position, the groups of each side by side.
struct GroupTile {
    const float* x;
    std::ptrdiff_t x_column;     // between the inputs of neighbouring output columns
    const std::ptrdiff_t* taps;  // offsets of those that meet inputs, not only padding
    const float* weight;         // [tap][group]
    int tap_count;
    const float* bias;  // one for each group; or null
    float* y;
    bool relu;
};

// Outputs of 3 x 3 filters on one channel each, a vector for each of some rows. Inputs are read in place. Positions
// beyond the inputs are padding, and never read.
struct MaskedTile {
    int planes;
    const float* x;  // first kernel position of the first output; may be padding
    std::ptrdiff_t x_plane, x_row;
    int first_row, end_row;  // the input rows of a tile that exist
    int column, width;       // column of the first kernel position; width of the inputs
    const float* weight;     // [plane][kernel row][kernel column]
    const float* bias;       // one for each plane; or null
    float* y;
    std::ptrdiff_t y_plane, y_row;
    int columns;  // columns to store of each vector
    bool relu;
};

// Scalar products of each of kDots rows with each of up to kDots others, in whole vectors.
struct DotTile {
    const float* a;
    const std::ptrdiff_t* a_rows;  // offset of each row from a
    const float* b;
    const std::ptrdiff_t* b_rows;
    int count;    // floats of a row; a multiple of the vector's lanes
    float* sums;  // [row of b][row of a]: kDots x kDots sums, which are added to
};

constexpr int kDots = 4;
constexpr int kMaxFilters = 8;   // filters of a RowTile
constexpr int kMaxRows = 8;      // vectors of a RowTile
constexpr int kMaxColumns = 16;  // columns of a FilterTile
constexpr int kMaxMasked = 14;   // rows of a MaskedTile
constexpr int kMaxPairs = 2;     // vectors of filters, rows, and column stride of a FilterTile
constexpr int kWidths = 2;       // vectors of different widths

// sliding: three kernel rows at a row stride of 1 or 2 and dilation 1. masked: the same with three kernel columns;
// inputs are read in place, and columns beyond an edge are left out.
enum class Reach { any, sliding1, sliding2, masked1, masked2 };
constexpr int kReaches = 5;

using RowKernel = void (*)(const RowTile&);
using FilterKernel = void (*)(const FilterTile&);
using GroupKernel = void (*)(const GroupTile&);
using MaskedKernel = void (*)(const MaskedTile&);
using DotKernel = void (*)(const DotTile&);

// A copy of planes: `count` floats of each row, followed by zeros up to a multiple of the vector's lanes.
struct StridedCopy {
    const float* from;
    std::ptrdiff_t plane, row, column;  // between planes, between rows, and between the floats of a row
    int planes, rows, count;
    float* to;
    std::ptrdiff_t to_plane, to_row;
};
using CopyKernel = void (*)(const StridedCopy&);

// `count` positions of up to as many planes as a vector has lanes. Gathering copies them from planes, in which
// positions lie side by side, to positions, in which planes do; scattering copies them back. `gap` positions are left
// free after every `row` of the gathered ones.
struct Exchange {
    std::ptrdiff_t plane;  // between planes
    int planes, count, row, gap;
};
using GatherKernel = void (*)(const float* planes, const Exchange&, float* positions);
using ScatterKernel = void (*)(const float* positions, const Exchange&, float* planes);  // ignores the gap

// Tables of kernels by the index of their vectors' width in Kernels::lanes; null where there is none.
struct RowKernels {
    int max_sums;  // most accumulators of a tile
    RowKernel of[kWidths][kReaches][kMaxFilters + 1][kMaxRows + 1];
};
struct FilterKernels {  // indexed by vectors of filters, rows, column stride and columns
    FilterKernel of[kWidths][kMaxPairs + 1][kMaxPairs + 1][kMaxPairs + 1][kMaxColumns + 1];
};
struct DepthwiseKernels {
    GroupKernel groups[kWidths][kMaxColumns + 1];                 // indexed by columns
    MaskedKernel masked[kWidths][kMaxPairs + 1][kMaxMasked + 1];  // indexed by stride and rows
};
struct WinogradKernels;  // winograd_tiles.hpp
struct SumKernels;       // network/blocked_tiles.hpp, as the next two
struct GroupedKernels;
struct ElementwiseKernels;
struct CopyKernels {
    CopyKernel copy[kWidths];
    GatherKernel gather[kWidths];
    ScatterKernel scatter[kWidths];
};

// All kernels of one instruction set.
struct Kernels {
    const char* isa;
    int lanes[kWidths];  // lanes of its vectors, widest first, followed by zeros
    const RowKernels* rows;
    const FilterKernels* filters;
    const DepthwiseKernels* depthwise;
    const WinogradKernels* winograd;
    const CopyKernels* copies;
    DotKernel dots;  // with the widest vectors, as the next ones
    const SumKernels* sums;
    const GroupedKernels* grouped;
    const ElementwiseKernels* elementwise;
};

// The kernels that this processor can run, the best first; or those of the named instruction set.
const Kernels* const* kernels();          // ends with null
const Kernels* kernels(const char* isa);  // null where this processor or this build has none of that name

}  // namespace featherbench
