// The table of the innermost kernels of an instruction set. This file and all *_kernels.cpp are compiled once for each
// instruction set, with FEATHERBENCH_ISA as their namespace.
//
// Code in these files must not call functions of the standard library. The linker keeps one copy of each inline
// function, and must not keep one that was compiled for an instruction set that the processor may lack.

#include "network/blocked_tiles.hpp"
#include "simd.hpp"
#include "tiles.hpp"

namespace FEATHERBENCH_ISA {

extern const featherbench::RowKernels offered_rows;
extern const featherbench::FilterKernels offered_filters;
extern const featherbench::DepthwiseKernels offered_depthwise;
extern const featherbench::WinogradKernels offered_winograd;
extern const featherbench::CopyKernels offered_copies;
extern const featherbench::SumKernels offered_sums;
extern const featherbench::GroupedKernels offered_grouped;
extern const featherbench::ElementwiseKernels offered_elementwise;
void dots(const featherbench::DotTile&);

#define FEATHERBENCH_TEXT_(name) #name
#define FEATHERBENCH_TEXT(name) FEATHERBENCH_TEXT_(name)

extern constinit const featherbench::Kernels offered = {
    .isa = FEATHERBENCH_TEXT(FEATHERBENCH_ISA),
    .lanes = {FEATHERBENCH_WIDTHS},
    .rows = &offered_rows,
    .filters = &offered_filters,
    .depthwise = &offered_depthwise,
    .winograd = &offered_winograd,
    .copies = &offered_copies,
    .dots = dots,
    .sums = &offered_sums,
    .grouped = &offered_grouped,
    .elementwise = &offered_elementwise,
};

}  // namespace FEATHERBENCH_ISA
