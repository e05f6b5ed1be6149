// Winograd's algorithm for kernels of 3 x 3 at stride 1: inputs are turned so that channels lie side by side, tiles of
// them are transformed, multiplied by the transformed weights at each point, and transformed back.

#pragma once

#include <vector>

#include "packed.hpp"
#include "turn.hpp"
#include "winograd_tiles.hpp"

namespace featherbench {

class Winograd final : public Packed {
public:
    Winograd(const Setting& setting, const float* weight, const float* bias);

    void run(const Input& x, int n, float* y) override;

private:
    struct Space;  // of a thread

    int side() const { return plan_.rows + 2; }  // of a tile's inputs
    int points() const { return side() * side(); }
    void pack(const float* weight, const float* bias);
    void cut();
    Space space(int thread);
    std::ptrdiff_t point(int blocks, const Area& strip) const;
    void transform_inputs(const Input& x, const Area& strip, const Space& space) const;
    void multiply(int group, int bundle, const Area& strip, const Space& space) const;
    void transform_outputs(int group, int block, const Area& strip, const Space& space, float* y) const;

    int channel_blocks_, filter_blocks_;                     // of a group
    int bundles_;                                            // of filter blocks, `plan.filters` in each
    std::vector<Area> strips_;                               // of tiles
    std::ptrdiff_t turned_ = 0, inputs_ = 0, products_ = 0;  // floats of a thread's space
};

}  // namespace featherbench
