// Steps without a matrix product: activations, sums and products of two values, poolings and copies of channels.

#pragma once

#include <optional>

#include "blocked_tiles.hpp"
#include "memory.hpp"
#include "step.hpp"
#include "tiles.hpp"

namespace featherbench {

// y = activation((a op b) * scale + shift).
class ElementwiseStep final : public Step {
public:
    // `b` is -1 where there is none; for `gate` it has one position. `scale` and `shift` have a number for each
    // channel, or are both null.
    ElementwiseStep(const std::vector<Value>& values, const Kernels& kernels, int a, int b, BinaryOp second, int y,
                    const float* scale, const float* shift, Activation activation, const Bounds& bounds);

    void run(const Frame& frame, const Span& rows) override;
    std::string text() const override { return "elementwise"; }
    std::size_t bytes() const override { return scale_.bytes() + shift_.bytes(); }

private:
    const BinaryOp op_;
    const Activation activation_;
    const Bounds bounds_;
    const Kernels& kernels_;
    Floats scale_, shift_;
};

class PoolStep final : public Step {
public:
    // With `padded`, means divide by all positions of a window, otherwise by those inside the input.
    PoolStep(const Kernels& kernels, int x, int y, const Window& window, bool mean, bool padded);

    void run(const Frame& frame, const Span& rows) override;
    std::string text() const override { return (mean_ ? "average pooling " : "max pooling ") + window_.text(); }

private:
    const Window window_;
    const bool mean_, padded_;
    const Kernels& kernels_;
};

// Copies channels of several values, in a given order: concatenations, splits and shuffles.
class GatherStep final : public Step {
public:
    struct Source {
        int input, channel;  // index in the step's inputs; channel of that input
    };
    GatherStep(std::vector<int> inputs, int y, std::vector<Source> sources);

    void run(const Frame& frame, const Span& rows) override;
    std::string text() const override { return "copies of channels"; }

private:
    const std::vector<Source> sources_;
};

}  // namespace featherbench
