// Winograd's algorithm for 3 x 3 kernels at stride 1. Inputs are interleaved so that channels lie side by side. Tiles
// of inputs are transformed, multiplied by the transformed weights at each point, and transformed back.

#pragma once

#include <vector>

#include "interleave.hpp"
#include "packed.hpp"
#include "winograd_tiles.hpp"

namespace featherbench {

class Winograd final : public Packed {
public:
    Winograd(const Setting& setting, const float* weight, const float* bias);

    void run(const Input& x, int n, float* y) override;

private:
    struct Space;  // a thread's workspace

    int side() const { return plan_.rows + 2; }  // side of a tile's inputs
    int points() const { return side() * side(); }
    void pack(const float* weight, const float* bias);
    void split();
    Space space(int thread);
    std::ptrdiff_t point(int blocks, const Area& strip) const;
    void transform_inputs(const Input& x, const Area& strip, const Space& space) const;
    void multiply(int group, int bundle, const Area& strip, const Space& space) const;
    void transform_outputs(int group, int block, const Area& strip, const Space& space, float* y) const;

    int channel_blocks_, filter_blocks_;                          // blocks of a group
    int bundles_;                                                 // bundles of `plan.filters` filter blocks each
    std::vector<Area> strips_;                                    // areas of tiles
    std::ptrdiff_t interleaved_ = 0, inputs_ = 0, products_ = 0;  // floats of a thread's workspace
};

}  // namespace featherbench
