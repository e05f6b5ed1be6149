// Lists the plans that are worth a try for a convolution, and checks plans.
#include "plan.hpp"

#include <algorithm>
#include <stdexcept>

#include "winograd_tiles.hpp"

namespace featherbench {
namespace {

// From this number of filters per group on, plans along rows never won where plans across filters could read in place.
constexpr int kManyFilters = 64;

bool within(int value, int max_value) { return value >= 1 && value <= max_value; }

// Whether each kernel column that meets padding meets it only at the row's first output, or only at its last.
bool suits_direct(const Geometry& g) {
    for (int j = 0; j < g.kernel_w; ++j) {
        const auto padding = [&](int column) {
            const int at = column * g.stride_w - g.left + j * g.dilation_w;
            return at < 0 || at >= g.w;
        };
        if (g.out_w() > 1 && padding(0) && padding(g.out_w() - 1)) return false;
        if (g.out_w() > 2 && (padding(1) || padding(g.out_w() - 2))) return false;
    }
    return g.stride_w <= kMaxPairs;
}

bool three_by_three(const Geometry& g) {
    return g.kernel_h == 3 && g.kernel_w == 3 && g.dilation_h == 1 && g.dilation_w == 1 && g.stride_h == g.stride_w;
}

bool suits_masked(const Geometry& g) { return three_by_three(g) && g.stride_h <= kMaxPairs; }

bool suits_winograd(const Geometry& g) { return three_by_three(g) && g.stride_h == 1; }

bool has_kernel(const Kernels& kernels, int width, const Plan& plan, const Geometry& g) {
    switch (plan.kind) {
        case Plan::Kind::out_channels:
        case Plan::Kind::out_channels_inplace:
            if (plan.kind == Plan::Kind::out_channels_inplace && !suits_direct(g)) return false;
            return within(plan.filters, kMaxPairs) && within(plan.rows, kMaxPairs) &&
                   within(plan.columns, kMaxColumns) &&
                   kernels.filters->of[width][plan.filters][plan.rows][1][plan.columns];
        case Plan::Kind::depthwise:
            return g.channels() == 1 && g.filters() == 1 && within(plan.columns, kMaxColumns) &&
                   kernels.depthwise->groups[width][plan.columns];
        case Plan::Kind::winograd:
            return suits_winograd(g) && (plan.rows == 2 || plan.rows == 4) && within(plan.filters, kMaxVectors) &&
                   within(plan.columns, kMaxTiles) && kernels.winograd->products[width][plan.filters][plan.columns];
        case Plan::Kind::rows_inplace:
            if (!suits_masked(g)) return false;
            if (g.channels() == 1) {
                return within(plan.rows, kMaxMasked) && kernels.depthwise->masked[width][g.stride_h][plan.rows];
            }
            [[fallthrough]];
        default:
            return within(plan.filters, kMaxFilters) && within(plan.rows, kMaxRows) &&
                   kernels.rows->of[width][0][plan.filters][plan.rows];
    }
}

}  // namespace

std::string Plan::text() const {
    using std::to_string;
    switch (kind) {
        case Kind::rows:
            return to_string(lanes) + " columns a vector, " + to_string(filters) + " filters x " + to_string(rows) +
                   " rows a tile";
        case Kind::flat_rows:
            return to_string(lanes) + " positions a vector, " + to_string(filters) + " filters x " + to_string(rows) +
                   " vectors a tile";
        case Kind::out_channels:
        case Kind::out_channels_inplace:
            return to_string(lanes) + " filters a vector" +
                   (kind == Kind::out_channels_inplace ? " from where inputs lie, " : ", ") + to_string(filters) +
                   " vectors x " + to_string(rows) + " rows x " + to_string(columns) + " columns a tile";
        case Kind::rows_inplace:
            return to_string(lanes) + " columns a vector from where inputs lie, " + to_string(filters) + " filters x " +
                   to_string(rows) + " rows a tile";
        case Kind::winograd:
            return "Winograd's " + to_string(rows) + " x " + to_string(rows) + " outputs, " + to_string(lanes) +
                   " filters a vector, " + to_string(filters) + " vectors x " + to_string(columns) +
                   " transforms a tile";
        default:
            return to_string(lanes) + " groups a vector, " + to_string(columns) + " columns a tile";
    }
}

int width_of(const Plan& plan, const Geometry& geometry, const Kernels& kernels) {
    for (int width = 0; width < kWidths; ++width) {
        if (plan.lanes > 0 && kernels.lanes[width] == plan.lanes && has_kernel(kernels, width, plan, geometry))
            return width;
    }
    throw std::invalid_argument(std::string(kernels.isa) + " has no kernel for this convolution with " + plan.text());
}

std::vector<Plan> candidates(const Geometry& g, const Kernels& kernels) {
    std::vector<Plan> plans;
    const int max_sums = kernels.rows->max_sums;
    for (int width = 0; width < kWidths && kernels.lanes[width]; ++width) {
        const int lanes = kernels.lanes[width];
        const int max_filters = g.filters() < kManyFilters ? std::min(kMaxFilters, g.filters()) : 0;
        for (int filters = 1; filters <= max_filters; ++filters) {
            const int blocks = ceil_div(g.filters(), filters);
            if (ceil_div(g.filters(), blocks) != filters) continue;  // the same blocks as with fewer
            for (const Plan::Kind kind : {Plan::Kind::rows, Plan::Kind::rows_inplace, Plan::Kind::flat_rows}) {
                if (kind == Plan::Kind::rows_inplace && (g.channels() == 1 || !suits_masked(g))) continue;
                const int extent = kind == Plan::Kind::flat_rows ? ceil_div(g.out_h() * g.out_w(), lanes) : g.out_h();
                const int rows = std::min({kMaxRows, max_sums / filters, extent});
                if (filters * rows < std::min(8, max_sums / 2) && filters < std::min(4, g.filters())) continue;
                for (const int row_deficit : {0, 1}) {
                    if (row_deficit == 0 || rows > 2) plans.push_back({kind, lanes, filters, rows - row_deficit, 1});
                }
            }
        }
        for (int vectors = 1; vectors <= kMaxPairs; ++vectors) {
            if (vectors > 1 ? g.filters() <= lanes : g.filters() < lanes / 2) continue;
            for (int rows = 1; rows <= std::min(kMaxPairs, g.out_h()); ++rows) {
                int columns = std::min(kMaxColumns, g.out_w());
                while (columns && !kernels.filters->of[width][vectors][rows][1][columns]) --columns;
                if (!columns) continue;
                plans.push_back({Plan::Kind::out_channels, lanes, vectors, rows, columns});
                if (suits_direct(g)) plans.push_back({Plan::Kind::out_channels_inplace, lanes, vectors, rows, columns});
            }
        }
        if (g.channels() == 1 && g.filters() == 1) {
            int columns = std::min(kMaxColumns, g.out_w());
            while (!kernels.depthwise->groups[width][columns]) --columns;
            plans.push_back({Plan::Kind::depthwise, lanes, 1, 1, columns});
        }
        for (int tiles = 1; g.channels() == 1 && suits_masked(g) && tiles <= g.out_h(); ++tiles) {
            const int rows = ceil_div(g.out_h(), tiles);
            if (rows > kMaxMasked || !kernels.depthwise->masked[width][g.stride_h][rows]) continue;
            plans.push_back({Plan::Kind::rows_inplace, lanes, 1, rows, 1});
            if (rows <= 4) break;
        }
    }
    return plans;
}

std::vector<Plan> winograd_candidates(const Geometry& g, const Kernels& kernels) {
    std::vector<Plan> plans;
    for (int width = 0; suits_winograd(g) && width < kWidths && kernels.lanes[width]; ++width) {
        const int lanes = kernels.lanes[width];
        for (const int outputs : {2, 4}) {
            const int filters = std::min(kMaxVectors, ceil_div(g.filters(), lanes));
            int tiles = std::min(kMaxTiles, ceil_div(g.out_h(), outputs) * ceil_div(g.out_w(), outputs));
            while (!kernels.winograd->products[width][filters][tiles]) --tiles;
            plans.push_back({Plan::Kind::winograd, lanes, filters, outputs, tiles});
        }
    }
    return plans;
}

}  // namespace featherbench
