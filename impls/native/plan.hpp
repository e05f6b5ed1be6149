// A plan cuts a convolution into tiles that stay in registers; candidates are the plans that are worth a try.

#pragma once

#include <array>
#include <string>
#include <vector>

#include "geometry.hpp"
#include "tiles.hpp"

namespace featherbench {

// README.md in this folder says when each kind is best.
struct Plan {
    enum class Kind {
        rows,                  // vectors along the row, a tile's rows below one another
        flat_rows,             // vectors along rows laid end to end, from one copy of the strip for each kernel column
        out_channels,          // vectors across filters, one for each position
        out_channels_inplace,  // the same, reading inputs in place; only where all padding can be left out
        depthwise,             // vectors across groups, one for each position; only where groups have a single channel
                               // and a single filter
        rows_inplace,          // as rows, reading inputs in place, masked at the edges; only 3 x 3 at dilation 1 and
                               // stride 1 or 2
        winograd,              // Winograd's algorithm, vectors across channels and filters; only 3 x 3 at stride and
                               // dilation 1
    };
    Kind kind = Kind::rows;
    int lanes = 4;
    int filters = 1;  // filters of a tile; out_channels and winograd: vectors of them
    int rows = 1;     // most rows of a tile; flat_rows: vectors; winograd: outputs of a tile's side
    int columns = 1;  // most columns of a tile, out_channels and depthwise; winograd: tiles multiplied together

    std::string text() const;
};
constexpr std::array<const char*, 7> kKinds{"rows",      "flat_rows",    "out_channels", "out_channels_inplace",
                                            "depthwise", "rows_inplace", "winograd"};

inline bool in_place(Plan::Kind kind) {
    return kind == Plan::Kind::out_channels_inplace || kind == Plan::Kind::rows_inplace;
}
inline bool across(Plan::Kind kind) {
    return kind == Plan::Kind::out_channels || kind == Plan::Kind::out_channels_inplace;
}

// Returns the kernels' index of the plan's lanes. Throws std::invalid_argument where they have no such tile.
int width_of(const Plan& plan, const Geometry& geometry, const Kernels& kernels);

// Returns the plans that may be the fastest for a geometry, at most a few dozen.
std::vector<Plan> candidates(const Geometry& geometry, const Kernels& kernels);
// Returns the plans of Winograd's algorithm, which rounds worse; none where it cannot compute the geometry.
std::vector<Plan> winograd_candidates(const Geometry& geometry, const Kernels& kernels);

}  // namespace featherbench
