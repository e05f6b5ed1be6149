// How a convolution is cut into tiles that stay in registers, and which cuts are worth a try.

#pragma once

#include <array>
#include <string>
#include <vector>

#include "geometry.hpp"
#include "tiles.hpp"

namespace featherbench {

// README.md beside this file says when which is best.
struct Plan {
    enum class Kind {
        down,      // vectors along the row, a tile's rows below one another
        flat,      // vectors along the rows laid end to end, from one copy of the strip for each kernel column
        filters,   // vectors across filters, one for each position
        direct,    // likewise, from where inputs lie; only where all padding can be left out
        groups,    // vectors across groups, one for each position; only where each group has one channel and one filter
        masked,    // as down, from where inputs lie, masked at the edges; only 3 x 3 at dilation 1, stride 1 or 2
        winograd,  // Winograd's algorithm, vectors across channels and filters; only 3 x 3 at stride and dilation 1
    };
    Kind kind = Kind::down;
    int lanes = 4;
    int filters = 1;  // of a tile; filters, direct and winograd: vectors of them
    int rows = 1;     // of a tile, at most; flat: vectors; winograd: outputs of a tile's side
    int columns = 1;  // of a tile, at most; filters, direct and groups; winograd: tiles that are multiplied together

    std::string text() const;
};
constexpr std::array<const char*, 7> kKinds{"down", "flat", "filters", "direct", "groups", "masked", "winograd"};

inline bool in_place(Plan::Kind kind) { return kind == Plan::Kind::direct || kind == Plan::Kind::masked; }
inline bool across(Plan::Kind kind) { return kind == Plan::Kind::filters || kind == Plan::Kind::direct; }

// The kernels' index of vectors with the plan's lanes; std::invalid_argument where they have no such tile.
int width_of(const Plan& plan, const Geometry& geometry, const Kernels& kernels);

// Plans that may be the fastest for a geometry, at most a few dozen.
std::vector<Plan> candidates(const Geometry& geometry, const Kernels& kernels);
// Likewise of Winograd's algorithm, which rounds worse; none where it cannot compute the geometry.
std::vector<Plan> winograd_candidates(const Geometry& geometry, const Kernels& kernels);

}  // namespace featherbench
