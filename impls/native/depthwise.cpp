#include "depthwise.hpp"

#include <algorithm>

#include "threads.hpp"

namespace featherbench {
namespace {

// A strip's inputs and outputs should stay in the first-level cache.
constexpr std::ptrdiff_t kStripFloats = 8 << 10;

}  // namespace

Depthwise::Depthwise(const Geometry& geometry, const Kernels& kernels, int threads, const Plan& plan,
                     const float* weight, const float* bias, bool relu)
    : g_(geometry),
      kernels_(kernels),
      threads_(threads),
      plan_(plan),
      relu_(relu),
      width_(width_of(plan, geometry, kernels)),
      columns_(g_.left + g_.w + g_.right) {
    const int lanes = plan.lanes, taps = g_.taps(), blocks = ceil_div(g_.groups, lanes);
    weight_ = Floats(std::size_t(blocks) * taps * lanes);
    if (bias) bias_ = Floats(std::size_t(blocks) * lanes);
    for (int group = 0; group < g_.groups; ++group) {
        const int block = group / lanes, lane = group % lanes;
        for (int tap = 0; tap < taps; ++tap)
            weight_.data()[(block * taps + tap) * lanes + lane] = weight[group * taps + tap];
        if (bias) bias_.data()[group] = bias[group];
    }
    for (int i = 0; i < g_.kernel_h; ++i) {
        for (int j = 0; j < g_.kernel_w; ++j) {
            taps_.push_back((std::ptrdiff_t{i} * g_.dilation_h * columns_ + j * g_.dilation_w) * lanes);
        }
    }
    const auto floats = [&](int out_rows) {
        const int rows = (out_rows - 1) * g_.stride_h + g_.dilation_h * (g_.kernel_h - 1) + 1;
        return (std::ptrdiff_t{rows} * columns_ + std::ptrdiff_t{out_rows} * g_.out_w()) * lanes;
    };
    int most = 1;
    while (most < g_.out_h() && floats(most + 1) <= kStripFloats) ++most;
    in_parts(g_.out_h(), most, [&](int first, int count) { strips_.push_back({first, count}); });
    space_each_ = floats(most);
    outputs_ = space_each_ - std::ptrdiff_t{most} * g_.out_w() * lanes;
    space_ = Floats(space_each_ * threads_);
}

void Depthwise::run(const Input& x, int n, float* y) {
    const int lanes = plan_.lanes, blocks = ceil_div(g_.groups, lanes), strips = int(strips_.size());
    const std::ptrdiff_t plane = std::ptrdiff_t{g_.out_h()} * g_.out_w();
    share(threads_, n * blocks * strips, [&](int unit, int thread) {
        const Span& rows = strips_[unit % strips];
        const int block = unit / strips % blocks, image = unit / strips / blocks;
        const int first = block * lanes, planes = std::min(lanes, g_.groups - first);
        float* strip = space_.data() + thread * space_each_;
        float* outputs = strip + outputs_;
        turn(x.data + image * x.image + first * x.channel, x, planes, rows, strip);
        compute(block, rows, strip, outputs);
        const Exchange back{plane, planes, rows.count * g_.out_w(), 0, 0};
        kernels_.scatter[width_](
            outputs, back,
            y + (std::ptrdiff_t{image} * g_.groups + first) * plane + std::ptrdiff_t{rows.first} * g_.out_w());
    });
}

// The input rows that some output rows need, padding left out.
Span Depthwise::in_rows(const Span& out_rows) const {
    const int first = out_rows.first * g_.stride_h - g_.top;
    const int end = first + (out_rows.count - 1) * g_.stride_h + g_.dilation_h * (g_.kernel_h - 1) + 1;
    const int begin = std::clamp(first, 0, g_.h);
    return {begin, std::clamp(end, begin, g_.h) - begin};
}

// Rows of some planes into a strip, whose padding columns are zero from the start, and whose padding rows are never
// read.
void Depthwise::turn(const float* x, const Input& steps, int planes, const Span& out_rows, float* strip) const {
    const Span rows = in_rows(out_rows);
    const int above = rows.first - (out_rows.first * g_.stride_h - g_.top);
    float* to = strip + (std::ptrdiff_t{above} * columns_ + g_.left) * plan_.lanes;
    const float* from = x + rows.first * steps.row;
    if (steps.column == 1 && steps.row == g_.w) {
        const Exchange all{steps.channel, planes, rows.count * g_.w, g_.w, g_.left + g_.right};
        if (rows.count > 0) kernels_.gather[width_](from, all, to);
        return;
    }
    for (int row = 0; row < rows.count; ++row, from += steps.row, to += std::ptrdiff_t{columns_} * plan_.lanes) {
        if (steps.column == 1) {
            kernels_.gather[width_](from, {steps.channel, planes, g_.w, g_.w, 0}, to);
            continue;
        }
        for (int column = 0; column < g_.w; ++column) {
            for (int k = 0; k < planes; ++k)
                to[column * plan_.lanes + k] = from[k * steps.channel + column * steps.column];
        }
    }
}

void Depthwise::compute(int block, const Span& rows, const float* strip, float* outputs) const {
    const int lanes = plan_.lanes;
    const float* weight = weight_.data() + std::ptrdiff_t{block} * g_.taps() * lanes;
    GroupTile tile{nullptr, std::ptrdiff_t{g_.stride_w} * lanes,
                   nullptr, nullptr,
                   0,       bias_.bytes() ? bias_.data() + block * lanes : nullptr,
                   nullptr, relu_};
    for (int row = 0; row < rows.count; ++row) {
        const Span kernel = kernel_rows(g_, {rows.first + row, 1});
        tile.taps = taps_.data() + kernel.first * g_.kernel_w;
        tile.weight = weight + kernel.first * g_.kernel_w * lanes;
        tile.tap_count = kernel.count * g_.kernel_w;
        in_parts(g_.out_w(), plan_.columns, [&](int first, int count) {
            tile.x = strip + (std::ptrdiff_t{row} * g_.stride_h * columns_ + first * g_.stride_w) * lanes;
            tile.y = outputs + (std::ptrdiff_t{row} * g_.out_w() + first) * lanes;
            kernels_.groups[width_][count](tile);
        });
    }
}

}  // namespace featherbench
