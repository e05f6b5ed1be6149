// Steps without a matrix product: activations, sums and products of two values, poolings and copies of channels.
#include "elementwise_step.hpp"

#include <algorithm>
#include <cstring>

namespace featherbench {

ElementwiseStep::ElementwiseStep(const std::vector<Value>& values, const Kernels& kernels, int a, int b,
                                 BinaryOp second, int y, const float* scale, const float* shift, Activation activation,
                                 const Bounds& bounds)
    : Step(b < 0 ? std::vector{a} : std::vector{a, b}, y),
      op_(second),
      activation_(activation),
      bounds_(bounds),
      kernels_(kernels) {
    if (!scale) return;
    scale_ = Floats(values[y].blocks() * values[y].lanes);
    shift_ = Floats(values[y].blocks() * values[y].lanes);
    std::copy(scale, scale + values[y].channels, scale_.data());
    std::copy(shift, shift + values[y].channels, shift_.data());
}

void ElementwiseStep::run(const Frame& frame, const Span& rows) {
    const View a = frame.view(inputs[0]), y = frame.view(output);
    const View b = inputs.size() > 1 ? frame.view(inputs[1]) : View{};
    const Value& value = frame.values[output];
    for (int block = 0; block < value.blocks(); ++block) {
        Elementwise tile{};
        if (scale_.bytes()) {
            tile.scale = scale_.data() + block * value.lanes;
            tile.shift = shift_.data() + block * value.lanes;
        }
        tile.positions = value.w;
        tile.low = bounds_.low;
        tile.high = bounds_.high;
        for (int row = rows.first; row < end(rows); ++row) {
            tile.a = a.at(block, row);
            if (b.data) tile.b = b.at(block, op_ == BinaryOp::gate ? 0 : row);
            tile.y = y.at(block, row);
            kernels_.elementwise->of[int(activation_)][int(op_)](tile);
        }
    }
}

PoolStep::PoolStep(const Kernels& kernels, int x, int y, const Window& window, bool mean, bool padded)
    : Step({x}, y), window_(window), mean_(mean), padded_(padded), kernels_(kernels) {}

void PoolStep::run(const Frame& frame, const Span& rows) {
    const View x = frame.view(inputs[0]), y = frame.view(output);
    const Value &from = frame.values[inputs[0]], &to = frame.values[output];
    PoolRow tile{};
    tile.x_row = x.row;
    tile.width = from.w;
    tile.kernel = window_.kernel_w;
    tile.stride = window_.stride_w;
    tile.padding = window_.left;
    tile.mean = mean_;
    tile.padded_rows = padded_ ? window_.kernel_h : 0;
    tile.columns = to.w;
    for (int block = 0; block < to.blocks(); ++block) {
        for (int row = rows.first; row < end(rows); ++row) {
            const int before = row * window_.stride_h - window_.top, first = std::max(before, 0);
            tile.x = x.at(block, first);
            tile.rows = std::min(before + window_.kernel_h, from.h) - first;
            tile.y = y.at(block, row);
            kernels_.elementwise->pool(tile);
        }
    }
}

GatherStep::GatherStep(std::vector<int> inputs, int y, std::vector<Source> sources)
    : Step(std::move(inputs), y), sources_(std::move(sources)) {}

void GatherStep::run(const Frame& frame, const Span& rows) {
    const Value& value = frame.values[output];
    const View y = frame.view(output);
    const int lanes = value.lanes;
    for (int block = 0; block < value.blocks(); ++block) {
        const int first = block * lanes, count = std::min(lanes, value.channels - first);
        // Whether the block is a copy of a whole input block, which then is copied at once.
        bool whole = sources_[first].channel % lanes == 0;
        for (int i = 1; i < count; ++i) {
            whole = whole && sources_[first + i].input == sources_[first].input &&
                    sources_[first + i].channel == sources_[first].channel + i;
        }
        const Value& from = frame.values[inputs[sources_[first].input]];
        whole = whole && (count == lanes || sources_[first].channel + count == from.channels);
        for (int row = rows.first; row < end(rows); ++row) {
            float* to = y.at(block, row);
            if (whole) {
                const View x = frame.view(inputs[sources_[first].input]);
                std::memcpy(to, x.at(sources_[first].channel / lanes, row), sizeof(float) * value.w * lanes);
                continue;
            }
            for (int i = 0; i < lanes; ++i) {
                if (i >= count) {
                    for (int column = 0; column < value.w; ++column) to[column * lanes + i] = 0;
                    continue;
                }
                const Source& source = sources_[first + i];
                const float* x =
                    frame.view(inputs[source.input]).at(source.channel / lanes, row) + source.channel % lanes;
                for (int column = 0; column < value.w; ++column) to[column * lanes + i] = x[column * lanes];
            }
        }
    }
}

}  // namespace featherbench
