// The steps of a network. A step computes rows of one value from others.

#pragma once

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "value.hpp"

namespace featherbench {

class Step {
public:
    Step(std::vector<int> inputs, int output) : inputs(std::move(inputs)), output(output) {}
    virtual ~Step() = default;

    // Adapts the step to how its values are stored. Called again whenever that has changed, as with another strip size.
    virtual void lay_out(const std::vector<Value>&) {}
    // Returns how many floats of workspace `run` needs with the current layout, whatever choice is made.
    virtual std::ptrdiff_t workspace_floats() const { return 0; }
    // Computes rows of the output.
    virtual void run(const Frame& frame, const Span& rows) = 0;

    // Choices, such as tile sizes, differ only in speed. `choose` selects one; `freeze` keeps the current choice and
    // frees what the others need.
    virtual int choices() const { return 1; }
    virtual void choose(int) {}
    virtual void freeze() {}
    virtual std::string text() const = 0;            // what it computes
    virtual std::string way() const { return {}; }   // the current choice
    virtual int row_multiple() const { return 1; }   // strips must start at multiples of it
    virtual std::size_t bytes() const { return 0; }  // of weights

    const std::vector<int> inputs;
    const int output;
};

struct Bounds {  // of outputs
    float low = -std::numeric_limits<float>::infinity(), high = std::numeric_limits<float>::infinity();
    bool operator==(const Bounds&) const = default;
};

// A kernel's or pooling's window, and how it moves over the inputs. `top` and `left` are padding.
struct Window {
    int kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, top, left;
    int taps() const { return kernel_h * kernel_w; }
    std::string text() const {
        const auto pair = [](int h, int w) { return std::to_string(h) + " x " + std::to_string(w); };
        const bool dilated = dilation_h > 1 || dilation_w > 1;
        return pair(kernel_h, kernel_w) + ", stride " + pair(stride_h, stride_w) +
               (dilated ? ", dilation " + pair(dilation_h, dilation_w) : "");
    }
};

// A convolution's weights: [filter][channel][kernel row][kernel column]. Filters are in the order of the output's
// channels. Each may read other channels of the input; their numbers are in `reads`: [filter][channel].
struct Weights {
    int filters, channels;
    const float* weight;
    const int* reads;
    const float* bias;  // one for each filter
};

}  // namespace featherbench
