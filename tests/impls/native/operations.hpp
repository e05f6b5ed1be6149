// The operations of networks in double, and the engine's steps that compute them.

#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "arrays.hpp"
#include "cases.hpp"
#include "images.hpp"
#include "network/elementwise_step.hpp"
#include "network/grouped_step.hpp"
#include "network/step.hpp"
#include "network/sum_step.hpp"
#include "network/winograd_step.hpp"

namespace featherbench {

struct Image {  // a value of a network
    int channels, h, w;
    Margins margins{};
    bool planar = false, strip = false;
    std::vector<double> numbers{};  // [channel][row][column]
    // How far these may be off in float32: where the inputs are right, and after all operations before.
    double rounding = 0, error = 0;
    std::unique_ptr<Images> given{};  // of an input

    bool as_large_as(const Image& other) const { return h == other.h && w == other.w; }
    double at(int channel, int row, int column) const {
        if (row < 0 || row >= h || column < 0 || column >= w) return 0;
        return numbers[(std::size_t(channel) * h + row) * w + column];
    }
    std::string text() const {
        return std::to_string(channels) + " channels of " + std::to_string(h) + " x " + std::to_string(w);
    }
};

using Steps = std::vector<std::unique_ptr<Step>>;

class Operation {
public:
    Operation(std::vector<int> inputs, int output) : inputs(std::move(inputs)), output(output) {}
    virtual ~Operation() = default;

    // Returns steps that all compute it.
    virtual Steps steps(const std::vector<Value>& values, const Kernels& kernels) const = 0;
    virtual std::string text() const = 0;
    // Whether it computes each output from one position, the same as its own.
    virtual bool is_local() const { return true; }
    // Whether it can read an input that is stored channel by channel.
    virtual bool reads_planar(int) const { return false; }
    // Returns the zeros that it needs around its first input.
    virtual Margins margins(const std::vector<Image>&) const { return {}; }

    void compute(std::vector<Image>& images) const {
        Image& y = images[output];
        for (int channel = 0; channel < y.channels; ++channel) {
            for (int row = 0; row < y.h; ++row) {
                for (int column = 0; column < y.w; ++column) {
                    const double number = result(images, channel, row, column);
                    y.rounding = std::max(y.rounding, 1e-5 * std::abs(number));
                    y.numbers.push_back(activated(number));
                }
            }
        }
        y.error = y.rounding;
        for (const int input : inputs) y.error += growth(images) * images[input].error;
    }

    const std::vector<int> inputs;
    const int output;

private:
    virtual double result(const std::vector<Image>& images, int channel, int row, int column) const = 0;
    virtual double activated(double number) const { return number; }
    virtual double growth(const std::vector<Image>&) const { return 4; }  // of errors; rather too large
};

inline double clamped(double number, const Bounds& bounds) {
    return std::min(std::max(number, double{bounds.low}), double{bounds.high});
}

class Convolution final : public Operation {
public:
    // shuffled: groups smaller than a block; winograd: with or without `sums` as another way.
    enum class Kind { sums, shuffled, winograd };
    struct Sizes {
        Kind kind;
        int filters, channels, groups;  // channels that each filter reads
        Window window;
        Bounds bounds;
        std::vector<int> tiles;  // of Winograd's algorithm
        bool sums;
    };

    Convolution(Random& random, Sizes sizes, std::vector<int> reads, int x, int residual, int y)
        : Operation(residual < 0 ? std::vector{x} : std::vector{x, residual}, y),
          sizes_(std::move(sizes)),
          residual_(residual),
          reads_(std::move(reads)),
          weight_(reads_.size() * sizes_.window.taps()),
          bias_(sizes_.filters) {
        const float scale = 1 / (5 * std::sqrt(float(sizes_.channels * sizes_.window.taps())));
        for (float& weight : weight_) weight = random.small() * scale;
        bias_.fill(random);
    }

    Steps steps(const std::vector<Value>& values, const Kernels& kernels) const override {
        const auto& [kind, filters, channels, groups, window, bounds, tiles, sums] = sizes_;
        const int lanes = kernels.lanes[0];
        Steps steps;
        if (kind == Kind::shuffled && GroupedStep::supports(kernels, channels, window)) {
            steps.push_back(std::make_unique<GroupedStep>(values, kernels, inputs[0], output, residual_, channels,
                                                          weight_.data(), bias_.data(), window, bounds));
            return steps;
        }
        const bool whole_blocks = channels % lanes == 0 && filters / groups % lanes == 0;
        if (kind != Kind::winograd || sums || !whole_blocks) {
            const Weights weights{filters, channels, weight_.data(), reads_.data(), bias_.data()};
            steps.push_back(
                std::make_unique<SumStep>(values, kernels, inputs[0], output, residual_, weights, window, bounds));
        }
        if (!whole_blocks) return steps;
        for (const int tile : tiles) {
            steps.push_back(std::make_unique<WinogradStep>(values, kernels, inputs[0], output, residual_, groups, tile,
                                                           weight_.data(), bias_.data(), bounds));
        }
        return steps;
    }

    std::string text() const override {
        const Window& w = sizes_.window;
        return std::to_string(sizes_.filters) + " filters on " + std::to_string(sizes_.channels) + " channels each, " +
               w.text() + ", dilation " + std::to_string(w.dilation_h) + " x " + std::to_string(w.dilation_w) +
               ", padding " + std::to_string(w.top) + " " + std::to_string(w.left) +
               (residual_ < 0 ? "" : ", residual");
    }
    bool is_local() const override {
        const Window& w = sizes_.window;
        return w.taps() == 1 && w.stride_h == 1 && w.stride_w == 1 && w.top == 0 && w.left == 0;
    }
    bool reads_planar(int input) const override { return sizes_.kind == Kind::sums && input != residual_; }

    Margins margins(const std::vector<Image>& images) const override {
        const Image &x = images[inputs[0]], &y = images[output];
        const Window& w = sizes_.window;
        Margins margins{w.top, std::max((y.h - 1) * w.stride_h + (w.kernel_h - 1) * w.dilation_h - w.top - x.h + 1, 0),
                        w.left,
                        std::max((y.w - 1) * w.stride_w + (w.kernel_w - 1) * w.dilation_w - w.left - x.w + 1, 0)};
        for (const int tile : sizes_.tiles) {
            const Margins needed = WinogradStep::margins(tile, x.h, x.w);
            margins.bottom = std::max(margins.bottom, needed.bottom);
            margins.right = std::max(margins.right, needed.right);
        }
        return margins;
    }

private:
    double result(const std::vector<Image>& images, int channel, int row, int column) const override {
        const Window& w = sizes_.window;
        double sum = bias_[channel];
        for (int c = 0; c < sizes_.channels; ++c) {
            const std::size_t read = std::size_t(channel) * sizes_.channels + c;
            for (int i = 0; i < w.kernel_h; ++i) {
                for (int j = 0; j < w.kernel_w; ++j) {
                    sum += double{weight_[read * w.taps() + i * w.kernel_w + j]} *
                           images[inputs[0]].at(reads_[read], row * w.stride_h - w.top + i * w.dilation_h,
                                                column * w.stride_w - w.left + j * w.dilation_w);
                }
            }
        }
        return residual_ < 0 ? sum : sum + images[residual_].at(channel, row, column);
    }
    double activated(double number) const override { return clamped(number, sizes_.bounds); }

    const Sizes sizes_;
    const int residual_;
    const std::vector<int> reads_;
    Array weight_, bias_;
};

class ElementwiseOperation final : public Operation {
public:
    // `b` is -1 where there is none.
    ElementwiseOperation(Random& random, int a, int b, BinaryOp second, int y, int channels, bool scaled,
                         Activation activation, const Bounds& bounds)
        : Operation(b < 0 ? std::vector{a} : std::vector{a, b}, y),
          second_(second),
          activation_(activation),
          bounds_(bounds),
          scale_(scaled ? channels : 0),
          shift_(scaled ? channels : 0) {
        for (float& scale : scale_) scale = random.small() / 8;
        shift_.fill(random);
    }

    Steps steps(const std::vector<Value>& values, const Kernels& kernels) const override {
        Steps steps;
        const bool scaled = scale_.size() > 0;
        steps.push_back(std::make_unique<ElementwiseStep>(
            values, kernels, inputs[0], inputs.size() > 1 ? inputs[1] : -1, second_, output,
            scaled ? scale_.data() : nullptr, scaled ? shift_.data() : nullptr, activation_, bounds_));
        return steps;
    }

    std::string text() const override {
        static constexpr std::array kBinaryOps{"one value", "sum", "product", "gate"};
        static constexpr std::array kNames{"clamp", "hardswish", "hardsigmoid", "sigmoid", "silu"};
        return std::string(kBinaryOps[int(second_)]) + (scale_.size() ? ", scaled, " : ", ") + kNames[int(activation_)];
    }
    bool gates_with(int input) const { return second_ == BinaryOp::gate && inputs[1] == input; }

private:
    double result(const std::vector<Image>& images, int channel, int row, int column) const override {
        double number = images[inputs[0]].at(channel, row, column);
        switch (second_) {
            case BinaryOp::none:
                break;
            case BinaryOp::add:
                number += images[inputs[1]].at(channel, row, column);
                break;
            case BinaryOp::multiply:
                number *= images[inputs[1]].at(channel, row, column);
                break;
            case BinaryOp::gate:
                number *= images[inputs[1]].at(channel, 0, 0);
                break;
        }
        return scale_.size() ? number * scale_[channel] + shift_[channel] : number;
    }

    double activated(double number) const override {
        const double hard = std::clamp(number + 3, 0.0, 6.0) / 6, soft = 1 / (1 + std::exp(-number));
        switch (activation_) {
            case Activation::hardswish:
                return number * hard;
            case Activation::hardsigmoid:
                return hard;
            case Activation::sigmoid:
                return soft;
            case Activation::silu:
                return number * soft;
            default:
                return clamped(number, bounds_);
        }
    }

    double growth(const std::vector<Image>& images) const override {
        double growth = 4;
        if (second_ < BinaryOp::multiply) return growth;
        for (const int input : inputs) growth = std::max(growth, 4 * largest(images[input].numbers));
        return growth;
    }

    const BinaryOp second_;
    const Activation activation_;
    const Bounds bounds_;
    Array scale_, shift_;
};

class Pool final : public Operation {
public:
    Pool(int x, int y, const Window& window, bool mean, bool padded)
        : Operation({x}, y), window_(window), mean_(mean), padded_(padded) {}

    Steps steps(const std::vector<Value>&, const Kernels& kernels) const override {
        Steps steps;
        steps.push_back(std::make_unique<PoolStep>(kernels, inputs[0], output, window_, mean_, padded_));
        return steps;
    }
    std::string text() const override {
        return std::string(mean_ ? padded_ ? "means with padding" : "means" : "maxima") + ", " + window_.text() +
               ", padding " + std::to_string(window_.top) + " " + std::to_string(window_.left);
    }
    bool is_local() const override { return false; }

private:
    double result(const std::vector<Image>& images, int channel, int row, int column) const override {
        const Image& x = images[inputs[0]];
        const int top = row * window_.stride_h - window_.top, left = column * window_.stride_w - window_.left;
        double most = -INFINITY, sum = 0;
        int count = 0;
        for (int i = std::max(top, 0); i < std::min(top + window_.kernel_h, x.h); ++i) {
            for (int j = std::max(left, 0); j < std::min(left + window_.kernel_w, x.w); ++j, ++count) {
                most = std::max(most, x.at(channel, i, j));
                sum += x.at(channel, i, j);
            }
        }
        return mean_ ? sum / (padded_ ? window_.taps() : count) : most;
    }

    const Window window_;
    const bool mean_, padded_;
};

class Gather final : public Operation {
public:
    Gather(std::vector<int> inputs, int y, std::vector<GatherStep::Source> sources)
        : Operation(std::move(inputs), y), sources_(std::move(sources)) {}

    Steps steps(const std::vector<Value>&, const Kernels&) const override {
        Steps steps;
        steps.push_back(std::make_unique<GatherStep>(inputs, output, sources_));
        return steps;
    }
    std::string text() const override { return "channels of " + std::to_string(inputs.size()) + " values"; }

private:
    double result(const std::vector<Image>& images, int channel, int row, int column) const override {
        const auto& [input, source] = sources_[channel];
        return images[inputs[input]].at(source, row, column);
    }

    const std::vector<GatherStep::Source> sources_;
};

}  // namespace featherbench
