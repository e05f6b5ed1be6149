// Grouped convolution on NCHW arrays, by tiles along the output or across filters.

#pragma once

#include <vector>

#include "memory.hpp"
#include "plan.hpp"

namespace featherbench {

class Convolution final : public Packed {
public:
    Convolution(const Geometry& geometry, const Kernels& kernels, int threads, const Plan& plan, const float* weight,
                const float* bias, bool relu);

    void run(const Input& x, int n, float* y) override;
    std::size_t packed_bytes() const override { return packed_.bytes() + bias_.bytes(); }
    std::size_t workspace_bytes() const override { return space_.bytes(); }

private:
    struct Block {  // filters of a tile
        int first, count;
        std::ptrdiff_t weight;  // within a group's packed weights
    };

    bool across() const { return plan_.kind == Plan::Kind::filters; }
    bool flat() const { return plan_.kind == Plan::Kind::flat; }
    int block_lanes(const Block& block) const;
    Span rows_of(const Span& strip) const;
    void pack(const float* weight, const float* bias);
    void lay_out();
    void copy_strip(const Input& x, const float* from, int channels, const Span& strip, const Span& columns,
                    float* space) const;
    void compute(float* y, int group, const Block& block, const Span& strip, const Span& columns,
                 const float* space) const;
    void compute_rows(RowTile tile, int filters, const Span& strip, const Span& columns, const float* space,
                      float* y) const;
    void compute_flat(RowTile tile, int filters, int positions, const float* space, float* y) const;
    void compute_filters(FilterTile tile, int vectors, const Span& strip, const Span& columns, const float* space,
                         float* y) const;

    Geometry g_;
    const Kernels& kernels_;
    int threads_;
    Plan plan_;
    bool relu_;
    int width_;  // index into the kernels' lanes
    Reach reach_;
    // In a strip, neighbouring outputs' inputs lie `step_` apart, and neighbouring floats are `thin_` input columns
    // apart.
    int step_, thin_;
    std::vector<Block> blocks_;
    Floats packed_, bias_, space_;
    std::ptrdiff_t group_weights_ = 0, group_bias_ = 0;
    std::vector<Span> tiles_;    // of rows
    std::vector<Span> strips_;   // of tiles
    std::vector<Span> columns_;  // of a strip
    int bundle_ = 1;             // groups of a strip
    // A strip holds, channel by channel, one plane for each copy; a plane has rows of `pitch_` floats.
    struct Copy {
        int column;  // the first input column, padding included, of the first output column
        int phase;   // the first input row likewise; flat: of every row
    };
    std::vector<Copy> copies_;
    std::vector<std::ptrdiff_t> taps_;     // where each kernel position reads, from a tile's first input
    std::vector<std::ptrdiff_t> filters_;  // where each filter's output plane lies, from a tile's first
    int lead_ = 0, pitch_ = 0;
    std::ptrdiff_t plane_ = 0, channel_ = 0, space_each_ = 0;
};

}  // namespace featherbench
