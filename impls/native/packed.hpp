// A convolution with packed weights, ready to run as often as wanted.

#pragma once

#include <memory>

#include "memory.hpp"
#include "plan.hpp"

namespace featherbench {

struct Setting {
    Geometry geometry;
    const Kernels& kernels;
    int threads;
    Plan plan;
    bool relu;
};

class Packed {
public:
    virtual ~Packed() = default;
    // `y` is (n, cout, out_h, out_w), contiguous.
    virtual void run(const Input& x, int n, float* y) = 0;

    std::size_t packed_bytes() const { return weight_.bytes() + bias_.bytes(); }
    // Bytes of the memory, besides `y`, that calls write to. In-place plans have none until they get inputs whose
    // columns lie apart.
    std::size_t workspace_bytes() const { return space_.bytes(); }

protected:
    explicit Packed(const Setting& setting)
        : g_(setting.geometry),
          kernels_(setting.kernels),
          threads_(setting.threads),
          plan_(setting.plan),
          relu_(setting.relu),
          width_(width_of(plan_, g_, kernels_)) {}

    std::ptrdiff_t plane() const { return std::ptrdiff_t{g_.out_h()} * g_.out_w(); }  // floats of an output plane
    float* outputs(float* y, int image, int filter) const {
        return y + (std::ptrdiff_t{image} * g_.cout + filter) * plane();
    }

    Geometry g_;
    const Kernels& kernels_;
    int threads_;
    Plan plan_;
    bool relu_;
    int width_;  // index into the kernels' lanes
    Floats weight_, bias_, space_;
};

// Packs a convolution's weights. `weight` is (cout, cin / groups, kernel_h, kernel_w), `bias` (cout) or null; neither
// is read again later. Throws std::invalid_argument where the kernels have no such plan.
std::unique_ptr<Packed> packed(const Setting& setting, const float* weight, const float* bias);

}  // namespace featherbench
