// Winograd's algorithm F(2 x 2, 3 x 3) and F(4 x 4, 3 x 3): strips, transforms and products.
#include "winograd.hpp"

#include <algorithm>

#include "threads.hpp"
#include "winograd_weights.hpp"

namespace featherbench {
namespace {

// A strip's transformed inputs, and a bundle's products, should stay in the second-level cache while all filters pass.
constexpr std::ptrdiff_t kStripFloats = 192 << 10;
constexpr int kMinTiles = 4;  // fewest of a strip, however large: each strip reads the weights of all points

}  // namespace

struct Winograd::Space {
    float *interleaved, *inputs, *products;
};

Winograd::Winograd(const Setting& setting, const float* weight, const float* bias)
    : Packed(setting),
      channel_blocks_(ceil_div(g_.channels(), plan_.lanes)),
      filter_blocks_(ceil_div(g_.filters(), plan_.lanes)),
      bundles_(ceil_div(filter_blocks_, plan_.filters)) {
    pack(weight, bias);
    split();
}

// The order is [group][bundle of filter blocks][point][channel][filter]. A last bundle of fewer blocks has narrower
// rows.
void Winograd::pack(const float* weight, const float* bias) {
    const int lanes = plan_.lanes, channels = g_.channels();
    weight_ = Floats(std::size_t(g_.groups) * filter_blocks_ * lanes * channels * points());
    if (bias) bias_ = Floats(std::size_t(g_.groups) * filter_blocks_ * lanes);
    float* to = weight_.data();
    for (int group = 0; group < g_.groups; ++group) {
        for (int bundle = 0; bundle < bundles_; ++bundle) {
            const int first = bundle * plan_.filters, blocks = std::min(plan_.filters, filter_blocks_ - first);
            const int filters = std::min(blocks * lanes, g_.filters() - first * lanes);
            for (int point = 0; point < points(); ++point) {
                for (int c = 0; c < channels; ++c, to += blocks * lanes) {
                    for (int k = 0; k < filters; ++k) {
                        const std::ptrdiff_t filter = std::ptrdiff_t{group} * g_.filters() + first * lanes + k;
                        to[k] = winograd_weight(plan_.rows, point, weight + (filter * channels + c) * 9);
                    }
                }
            }
        }
        for (int k = 0; bias && k < g_.filters(); ++k) {
            bias_.data()[group * filter_blocks_ * lanes + k] = bias[group * g_.filters() + k];
        }
    }
}

// Cuts the tiles into strips whose transformed inputs fit a cache.
void Winograd::split() {
    const int lanes = plan_.lanes, m = plan_.rows;
    const int rows = ceil_div(g_.out_h(), m), columns = ceil_div(g_.out_w(), m);
    const std::ptrdiff_t tile = std::ptrdiff_t{points()} * (channel_blocks_ + plan_.filters) * lanes;
    const int max_count = std::max(int(kStripFloats / tile), kMinTiles);
    in_parts(rows, std::max(max_count / columns, 1), [&](int row, int row_count) {
        in_parts(columns, max_count,
                 [&](int column, int column_count) { strips_.push_back({{row, row_count}, {column, column_count}}); });
    });
    for (const Area& strip : strips_) {
        const std::ptrdiff_t in = std::ptrdiff_t{strip.rows.count * m + 2} * (strip.columns.count * m + 2);
        interleaved_ = std::max(interleaved_, in * lanes);  // also holds outputs, of which there are fewer
        inputs_ = std::max(inputs_, points() * point(channel_blocks_, strip));
        products_ = std::max(products_, points() * point(plan_.filters, strip));
    }
    space_ = Floats((interleaved_ + inputs_ + products_) * threads_);
}

// Returns the floats between points: an odd number of vectors, so that points do not all map to the same cache sets.
std::ptrdiff_t Winograd::point(int blocks, const Area& strip) const {
    return std::ptrdiff_t{(blocks * strip.positions()) | 1} * plan_.lanes;
}

Winograd::Space Winograd::space(int thread) {
    float* interleaved = space_.data() + thread * (interleaved_ + inputs_ + products_);
    return {interleaved, interleaved + interleaved_, interleaved + interleaved_ + inputs_};
}

void Winograd::run(const Input& x, int n, float* y) {
    const int strips = int(strips_.size()), jobs = n * g_.groups * strips;
    // Where there are few strips, threads share the filters of a strip.
    const int parts = parts_of_each(jobs, threads_, bundles_);
    std::vector<int> loaded(threads_, -1);  // the strip whose inputs each thread has transformed
    parallel_for(threads_, jobs * parts, [&](int unit, int thread) {
        const int job = unit / parts, part = unit % parts;
        const Area& strip = strips_[job % strips];
        const int group = job / strips % g_.groups, image = job / strips / g_.groups;
        const Space own = space(thread);
        if (loaded[thread] != job) transform_inputs(x.from(image, group * g_.channels()), strip, own);
        loaded[thread] = job;
        float* to = outputs(y, image, group * g_.filters());
        for (int bundle = part * bundles_ / parts; bundle < (part + 1) * bundles_ / parts; ++bundle) {
            multiply(group, bundle, strip, own);
            const int end = std::min((bundle + 1) * plan_.filters, filter_blocks_);
            for (int block = bundle * plan_.filters; block < end; ++block) {
                transform_outputs(group, block, strip, own, to);
            }
        }
    });
}

void Winograd::transform_inputs(const Input& x, const Area& strip, const Space& space) const {
    const int lanes = plan_.lanes, m = plan_.rows;
    const Area area{{strip.rows.first * m - g_.top, strip.rows.count * m + 2},
                    {strip.columns.first * m - g_.left, strip.columns.count * m + 2}};
    const std::ptrdiff_t pitch = std::ptrdiff_t{area.columns.count} * lanes;
    std::fill(space.interleaved, space.interleaved + area.positions() * lanes, 0.0f);  // the padding
    const std::ptrdiff_t point = this->point(channel_blocks_, strip);
    for (int block = 0; block < channel_blocks_; ++block) {
        const int first = block * lanes, planes = std::min(lanes, g_.channels() - first);
        interleave(kernels_, width_, x.from(0, first), planes, g_.h, g_.w, area, space.interleaved);
        float* to = space.inputs + std::ptrdiff_t{block} * strip.positions() * lanes;
        for (int row = 0; row < strip.rows.count; ++row, to += strip.columns.count * lanes) {
            kernels_.winograd->inputs[width_][winograd_size(m)](
                {space.interleaved + row * m * pitch, pitch, strip.columns.count, to, point});
        }
    }
}

void Winograd::multiply(int group, int bundle, const Area& strip, const Space& space) const {
    const int lanes = plan_.lanes, channels = g_.channels();
    const int first = bundle * plan_.filters, blocks = std::min(plan_.filters, filter_blocks_ - first);
    const float* weight =
        weight_.data() + (std::ptrdiff_t{group} * filter_blocks_ + first) * lanes * channels * points();
    const std::ptrdiff_t in = point(channel_blocks_, strip), out = point(plan_.filters, strip);
    for (int i = 0; i < points(); ++i, weight += std::ptrdiff_t{blocks} * lanes * channels) {
        in_parts(strip.positions(), plan_.columns, [&](int tile, int tiles) {
            kernels_.winograd->products[width_][blocks][tiles](
                {space.inputs + i * in + tile * lanes, std::ptrdiff_t{strip.positions()} * lanes, channels, weight,
                 space.products + i * out + tile * lanes, std::ptrdiff_t{strip.positions()} * lanes});
        });
    }
}

void Winograd::transform_outputs(int group, int block, const Area& strip, const Space& space, float* y) const {
    const int lanes = plan_.lanes, m = plan_.rows;
    Area area{{strip.rows.first * m, strip.rows.count * m}, {strip.columns.first * m, strip.columns.count * m}};
    area.rows.count = std::min(area.rows.count, g_.out_h() - area.rows.first);
    area.columns.count = std::min(area.columns.count, g_.out_w() - area.columns.first);
    const float* from = space.products + std::ptrdiff_t{block % plan_.filters} * strip.positions() * lanes;
    const float* bias = bias_.bytes() ? bias_.data() + (group * filter_blocks_ + block) * lanes : nullptr;
    const std::ptrdiff_t pitch = std::ptrdiff_t{area.columns.count} * lanes;
    for (int row = 0; row < area.rows.count; row += m, from += strip.columns.count * lanes) {
        kernels_.winograd->outputs[width_][winograd_size(m)]({from, point(plan_.filters, strip), bias, relu_,
                                                              std::min(m, area.rows.count - row), area.columns.count,
                                                              space.interleaved + row * pitch, pitch});
    }
    deinterleave(kernels_, width_, space.interleaved, std::min(lanes, g_.filters() - block * lanes), g_.out_h(),
                 g_.out_w(), area, outputs(y, 0, block * lanes));
}

}  // namespace featherbench
