#include "convolution.hpp"

#include <algorithm>

#include "threads.hpp"

namespace featherbench {
namespace {

// A strip of padded input should stay in the first-level cache while all filters pass over it ...
constexpr std::ptrdiff_t kStripFloats = 6 << 10;
// ... and where a single tile's rows are more than that already, its columns are cut so that it stays in the second.
constexpr std::ptrdiff_t kMostStripFloats = 96 << 10;

int floor_mod(int a, int b) { return (a % b + b) % b; }

// Of `wanted` positions `step` apart, of which the first lies `before` positions before the first of `size` inputs:
// those that hold inputs.
Span inputs_of(int before, int size, int step, int wanted) {
    const int low = std::clamp(ceil_div(std::max(before, 0), step), 0, wanted);
    const int high = std::clamp(before + size > 0 ? ceil_div(before + size, step) : 0, low, wanted);
    return {low, high - low};
}

Reach reach_of(const Geometry& g, Plan::Kind kind) {
    if (kind != Plan::Kind::down || g.kernel_h != 3 || g.dilation_h != 1 || g.stride_h > 2) return Reach::any;
    return g.stride_h == 1 ? Reach::sliding1 : Reach::sliding2;
}

}  // namespace

Convolution::Convolution(const Geometry& geometry, const Kernels& kernels, int threads, const Plan& plan,
                         const float* weight, const float* bias, bool relu)
    : g_(geometry),
      kernels_(kernels),
      threads_(threads),
      plan_(plan),
      relu_(relu),
      width_(width_of(plan, geometry, kernels)),
      reach_(reach_of(geometry, plan.kind)),
      // Across filters, each input is a number of its own, and may lie anywhere; a vector of inputs must lie side by
      // side.
      step_(across() && g_.stride_w <= kMostPairs ? g_.stride_w : 1),
      thin_(g_.stride_w / step_) {
    pack(weight, bias);
    lay_out();
    for (int k = 0; k < std::max(kMostFilters, kMostPairs * plan_.lanes); ++k) {
        filters_.push_back(std::ptrdiff_t{k} * g_.out_h() * g_.out_w());
    }
}

// How many weights of each tap stand beside one another.
int Convolution::block_lanes(const Block& block) const {
    return across() ? round_up(block.count, plan_.lanes) : block.count;
}

void Convolution::pack(const float* weight, const float* bias) {
    const int taps = g_.taps(), channels = g_.channels();
    if (across()) {
        const int most = plan_.filters * plan_.lanes;
        for (int first = 0; first < g_.filters(); first += most) {
            blocks_.push_back({first, std::min(most, g_.filters() - first), 0});
        }
    } else {
        in_parts(g_.filters(), plan_.filters, [&](int first, int count) { blocks_.push_back({first, count, 0}); });
    }
    for (Block& block : blocks_) {
        block.weight = group_weights_;
        group_weights_ += std::ptrdiff_t{block_lanes(block)} * channels * taps;
        group_bias_ = block.first + block_lanes(block);
    }
    packed_ = Floats(group_weights_ * g_.groups);
    if (bias) bias_ = Floats(group_bias_ * g_.groups);
    for (int group = 0; group < g_.groups; ++group) {
        for (const Block& block : blocks_) {
            const std::ptrdiff_t first = std::ptrdiff_t{group} * g_.filters() + block.first;
            float* to = packed_.data() + group * group_weights_ + block.weight;
            for (int c = 0; c < channels; ++c) {
                for (int i = 0; i < taps; ++i, to += block_lanes(block)) {
                    // The sliding kernels go through a kernel column at a time.
                    const int tap = reach_ == Reach::any ? i : i % g_.kernel_h * g_.kernel_w + i / g_.kernel_h;
                    for (int k = 0; k < block.count; ++k) to[k] = weight[((first + k) * channels + c) * taps + tap];
                }
            }
            for (int k = 0; bias && k < block.count; ++k) {
                bias_.data()[group * group_bias_ + block.first + k] = bias[first + k];
            }
        }
    }
}

void Convolution::lay_out() {
    const int lanes = plan_.lanes, widest = kernels_.lanes[0];
    const int out_w = g_.out_w();
    in_parts(g_.out_h(), flat() ? 1 : plan_.rows, [&](int first, int count) { tiles_.push_back({first, count}); });

    // Flat: a copy for each kernel column, and each of the row stride's phases. Else kernel columns share copies, of
    // which there is one where no columns are left out.
    const auto tap_column = [&](int j) { return j * g_.dilation_w; };
    const auto tap_copy = [&](int i, int j) {
        const Copy wanted =
            flat() ? Copy{tap_column(j), i * g_.dilation_h % g_.stride_h} : Copy{tap_column(j) % thin_, 0};
        for (std::size_t at = 0; at < copies_.size(); ++at) {
            if (copies_[at].column == wanted.column && copies_[at].phase == wanted.phase) return at;
        }
        copies_.push_back(wanted);
        return copies_.size() - 1;
    };
    for (int i = 0; i < g_.kernel_h; ++i) {
        for (int j = 0; j < g_.kernel_w; ++j) tap_copy(i, j);
    }

    const int reach_w = flat() ? 0 : tap_column(g_.kernel_w - 1) / thin_;  // floats beyond the last output's first
    lead_ =
        plan_.kind == Plan::Kind::down && thin_ == 1 ? floor_mod(-g_.left, widest) : 0;  // inputs begin at a cache line
    const auto pitch = [&](int columns) {
        if (flat()) return columns;
        const int needed = (columns - 1) * step_ + 1 + reach_w;
        if (columns < out_w) return round_up(lead_ + needed, widest);
        int least = 0;  // the zeros on a row's right may be those on the next row's left
        for (const Copy& copy : copies_) {
            const Span inputs = inputs_of(g_.left - copy.column, g_.w, thin_, needed);
            least = std::max({least, needed - inputs.first, inputs.first + inputs.count});
        }
        return across() ? least : round_up(least, widest);
    };
    const auto in_rows = [&](int out_rows) {
        const int below = g_.dilation_h * (g_.kernel_h - 1);
        return flat() ? out_rows + below / g_.stride_h : (out_rows - 1) * g_.stride_h + below + 1;
    };
    const auto plane = [&](int out_rows, int columns) {
        return round_up(lead_ + in_rows(out_rows) * pitch(columns) + reach_w + 2 * widest, widest);
    };
    const auto strip_floats = [&](int out_rows, int columns) {
        return std::ptrdiff_t(copies_.size()) * g_.channels() * plane(out_rows, columns);
    };

    int columns = out_w;
    while (columns > lanes && strip_floats(tiles_[0].count, columns) > kMostStripFloats) {
        columns = round_up(ceil_div(columns, 2), lanes);
    }
    for (int first = 0; first < out_w; first += columns) columns_.push_back({first, std::min(columns, out_w - first)});

    // Flat strips are one row high where columns are cut, since rows no longer lie end to end in the output; else high
    // enough to fill a tile.
    int most = 1;
    const int least = flat() && columns_.size() == 1 ? ceil_div(plan_.rows * lanes, out_w) : 1;
    while (most < int(tiles_.size()) && (!flat() || columns_.size() == 1)) {
        const std::ptrdiff_t next = strip_floats((most + 1) * tiles_[0].count, columns);
        if (next > (most < least ? kMostStripFloats : kStripFloats)) break;
        ++most;
    }
    int out_rows = 0;
    in_parts(int(tiles_.size()), most, [&](int first, int count) {
        strips_.push_back({first, count});
        out_rows = std::max(out_rows, rows_of(strips_.back()).count);
    });

    pitch_ = pitch(columns);
    plane_ = plane(out_rows, columns);
    channel_ = plane_ * std::ptrdiff_t(copies_.size());
    const std::ptrdiff_t group = channel_ * g_.channels();
    const int enough = threads_ == 1 ? g_.groups : std::max(g_.groups * int(strips_.size()) / (4 * threads_), 1);
    bundle_ = int(std::clamp<std::ptrdiff_t>(kStripFloats / group, 1, std::min(enough, g_.groups)));
    space_each_ = group * bundle_ + widest;
    space_ = Floats(space_each_ * threads_);

    for (int i = 0; i < (reach_ == Reach::any ? g_.kernel_h : 1); ++i) {
        for (int j = 0; j < g_.kernel_w; ++j) {
            const int row = i * g_.dilation_h / (flat() ? g_.stride_h : 1);
            const int column = flat() ? 0 : tap_column(j) / thin_;
            taps_.push_back(std::ptrdiff_t(tap_copy(i, j)) * plane_ + std::ptrdiff_t{row} * pitch_ + column);
        }
    }
}

Span Convolution::rows_of(const Span& strip) const {
    const Span &begin = tiles_[strip.first], &end = tiles_[strip.first + strip.count - 1];
    return {begin.first, end.first + end.count - begin.first};
}

void Convolution::run(const Input& x, int n, float* y) {
    const int strips = int(strips_.size() * columns_.size()), bundles = ceil_div(g_.groups, bundle_);
    const int wholes = n * bundles * strips;
    const int blocks = int(blocks_.size());
    // Where there are few strips, threads share one's filters.
    const int parts = threads_ == 1 ? 1 : std::clamp(ceil_div(4 * threads_, std::max(wholes, 1)), 1, blocks);
    const std::ptrdiff_t plane = std::ptrdiff_t{g_.out_h()} * g_.out_w();
    std::vector<int> held(threads_, -1);  // whose strip each thread has
    share(threads_, wholes * parts, [&](int unit, int thread) {
        const int whole = unit / parts, part = unit % parts;
        const int strip = whole % strips, image = whole / strips / bundles;
        const int first = whole / strips % bundles * bundle_, end = std::min(first + bundle_, g_.groups);
        const Span& columns = columns_[strip % columns_.size()];
        const Span& tiles = strips_[strip / columns_.size()];
        float* space = space_.data() + thread * space_each_;
        if (held[thread] != whole) {
            const float* from = x.data + image * x.image + std::ptrdiff_t{first} * g_.channels() * x.channel;
            copy_strip(x, from, (end - first) * g_.channels(), tiles, columns, space);
        }
        held[thread] = whole;
        for (int group = first; group < end; ++group) {
            float* to = y + (std::ptrdiff_t{image} * g_.cout + std::ptrdiff_t{group} * g_.filters()) * plane;
            const float* own = space + (group - first) * g_.channels() * channel_;
            for (int b = part * blocks / parts; b < (part + 1) * blocks / parts; ++b) {
                compute(to, group, blocks_[b], tiles, columns, own);
            }
        }
    });
}

// In each plane, position i holds input column columns.first * stride + column - left + i * thin; its row r is input
// row rows.first * stride + phase - top + r, or + r * stride where flat.
void Convolution::copy_strip(const Input& x, const float* from, int channels, const Span& strip, const Span& columns,
                             float* space) const {
    const Span rows = rows_of(strip);
    const int below = g_.dilation_h * (g_.kernel_h - 1);
    const int row_step = flat() ? g_.stride_h : 1;
    const int wanted_rows = flat() ? rows.count + below / g_.stride_h : (rows.count - 1) * g_.stride_h + below + 1;
    const int thin = flat() ? g_.stride_w : thin_;
    const int wanted =
        flat() ? columns.count : (columns.count - 1) * step_ + 1 + g_.dilation_w * (g_.kernel_w - 1) / thin_;
    // What lies beside the inputs is zero from the start, and stays so unless another strip's inputs lay there.
    const bool other_rows = strips_.size() > 1, other_columns = columns_.size() > 1;
    if (other_columns) std::fill(space, space + channels * channel_, 0.0f);

    for (std::size_t i = 0; i < copies_.size(); ++i) {
        const int top = rows.first * g_.stride_h + copies_[i].phase - g_.top;
        const Span inside_h = inputs_of(-top, g_.h, row_step, wanted_rows);
        const int left = columns.first * g_.stride_w + copies_[i].column - g_.left;
        const Span inside_w = inputs_of(-left, g_.w, thin, wanted);
        float* to = space + std::ptrdiff_t(i) * plane_ + lead_ + inside_w.first;
        for (int c = 0; other_rows && !other_columns && c < channels; ++c) {
            for (int row = 0; row < wanted_rows; ++row) {
                float* empty = to + c * channel_ + row * pitch_;
                if (row < inside_h.first || row >= inside_h.first + inside_h.count)
                    std::fill(empty, empty + inside_w.count, 0.0f);
            }
        }
        if (inside_h.count == 0 || inside_w.count == 0) continue;
        const std::ptrdiff_t source = (top + std::ptrdiff_t{inside_h.first} * row_step) * x.row +
                                      (left + std::ptrdiff_t{inside_w.first} * thin) * x.column;
        kernels_.copy[width_]({from + source, x.channel, x.row * row_step, x.column * thin, channels, inside_h.count,
                               inside_w.count, to + inside_h.first * pitch_, channel_, pitch_});
    }
}

void Convolution::compute(float* y, int group, const Block& block, const Span& strip, const Span& columns,
                          const float* space) const {
    const std::ptrdiff_t plane = std::ptrdiff_t{g_.out_h()} * g_.out_w();
    const Span rows = rows_of(strip);
    const float* weight = packed_.data() + group * group_weights_ + block.weight;
    const float* bias = bias_.bytes() ? bias_.data() + group * group_bias_ + block.first : nullptr;
    float* to = y + block.first * plane + std::ptrdiff_t{rows.first} * g_.out_w() + columns.first;
    if (across()) {
        const int lanes = block_lanes(block);
        const FilterTile tile{nullptr,
                              channel_,
                              std::ptrdiff_t{g_.stride_h} * pitch_,
                              taps_.data(),
                              g_.taps(),
                              g_.channels(),
                              weight,
                              std::ptrdiff_t{lanes} * g_.taps(),
                              bias,
                              nullptr,
                              filters_.data(),
                              g_.out_w(),
                              block.count,
                              relu_};
        compute_filters(tile, lanes / plan_.lanes, strip, columns, space, to);
        return;
    }
    RowTile tile{nullptr,         channel_, 0, taps_.data(), int(taps_.size()), g_.channels(), weight, bias, nullptr,
                 filters_.data(), 0,        0, relu_};
    if (flat()) {
        compute_flat(tile, block.count, columns_.size() == 1 ? rows.count * columns.count : columns.count, space, to);
    } else {
        compute_rows(tile, block.count, strip, columns, space, to);
    }
}

void Convolution::compute_rows(RowTile tile, int filters, const Span& strip, const Span& columns, const float* space,
                               float* y) const {
    const int top = tiles_[strip.first].first;
    tile.x_row = std::ptrdiff_t{pitch_} * (reach_ == Reach::any ? g_.stride_h : 1);
    tile.y_row = g_.out_w();
    for (int t = strip.first; t < strip.first + strip.count; ++t) {
        const Span& rows = tiles_[t];
        const std::ptrdiff_t below = rows.first - top;
        for (int at = 0; at < columns.count;) {
            int width = width_;
            while (width + 1 < kWidths && kernels_.lanes[width + 1] >= columns.count - at) ++width;
            tile.x = space + below * g_.stride_h * pitch_ + lead_ + at;
            tile.y = y + below * g_.out_w() + at;
            tile.columns = std::min(columns.count - at, kernels_.lanes[width]);
            kernels_.rows[width][int(reach_)][filters][rows.count](tile);
            at += kernels_.lanes[width];
        }
    }
}

void Convolution::compute_flat(RowTile tile, int filters, int positions, const float* space, float* y) const {
    tile.x_row = tile.y_row = tile.columns = plan_.lanes;
    const auto* kernels = kernels_.rows[width_][int(Reach::any)][filters];
    const auto run = [&](int at, int vectors) {
        tile.x = space + at;
        tile.y = y + at;
        kernels[vectors](tile);
    };
    in_parts(positions / plan_.lanes, plan_.rows, [&](int first, int vectors) { run(first * plan_.lanes, vectors); });
    tile.columns = positions % plan_.lanes;
    if (tile.columns) run(positions - tile.columns, 1);
}

void Convolution::compute_filters(FilterTile tile, int vectors, const Span& strip, const Span& columns,
                                  const float* space, float* y) const {
    const int top = tiles_[strip.first].first;
    const std::ptrdiff_t* taps = tile.taps;
    const float* weight = tile.weight;
    const std::ptrdiff_t tap_weights = tile.weight_channel / g_.taps();
    for (int t = strip.first; t < strip.first + strip.count; ++t) {
        const Span& rows = tiles_[t];
        const Span kernel = kernel_rows(g_, rows);
        tile.taps = taps + kernel.first * g_.kernel_w;
        tile.weight = weight + kernel.first * g_.kernel_w * tap_weights;
        tile.tap_count = kernel.count * g_.kernel_w;
        const auto* kernels = kernels_.filters[width_][vectors][rows.count][step_];
        const std::ptrdiff_t below = rows.first - top;
        in_parts(columns.count, plan_.columns, [&](int at, int count) {
            tile.x = space + below * g_.stride_h * pitch_ + lead_ + at * step_;
            tile.y = y + below * g_.out_w() + at;
            kernels[count](tile);
        });
    }
}

}  // namespace featherbench
