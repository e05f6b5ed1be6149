// Grouped convolution on NCHW arrays, by tiles along the output or across filters.

#pragma once

#include <vector>

#include "packed.hpp"
#include "strips.hpp"

namespace featherbench {

class Convolution final : public Packed {
public:
    Convolution(const Setting& setting, const float* weight, const float* bias);

    void run(const Input& x, int n, float* y) override;

private:
    struct Block {  // filters of a tile
        int first, count;
        std::ptrdiff_t weight;  // offset within a group's packed weights
    };

    struct View {        // the inputs of some outputs
        const float* x;  // first kernel position of the first output in the first channel; may be padding
        std::ptrdiff_t channel, row;
        int step;                    // floats between the inputs of neighbouring output columns
        const std::ptrdiff_t* taps;  // offset of each kernel position from an output's first input, run by run
        Reach reach;
    };

    void make_space();
    int block_lanes(const Block& block) const;
    void pack(const float* weight, const float* bias);
    std::vector<std::ptrdiff_t> taps(std::ptrdiff_t row) const;
    void compute(float* y, int group, const Block& block, const Strips::Part& part, const View& view) const;
    void compute_rows(RowTile tile, int filters, const Strips::Part& part, const View& view, float* y) const;
    void compute_flat(RowTile tile, int filters, int positions, const View& view, float* y) const;
    int sort_runs(FilterTile& tile, const Span& columns) const;
    void compute_filters(FilterTile tile, int vectors, const Strips::Part& part, const View& view, float* y) const;

    Reach reach_;
    Strips strips_;
    int run_columns_;  // kernel columns of a run of taps
    std::vector<Block> blocks_;
    std::ptrdiff_t group_weights_ = 0, group_bias_ = 0;
    std::vector<std::ptrdiff_t> taps_;     // offsets in a strip
    std::vector<std::ptrdiff_t> filters_;  // offset of each filter's output plane from a tile's first
};

}  // namespace featherbench
