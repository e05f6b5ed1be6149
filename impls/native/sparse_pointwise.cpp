// Products with a sparse matrix, planned once for its pattern, and the gradient of the matrix.
#include "sparse_pointwise.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#include "threads.hpp"

namespace featherbench {
namespace {

// A strip of inputs should stay in the second-level cache while all tiles pass over it; tiles read most of it only
// once.
constexpr int kFewInputs = 8;
constexpr std::ptrdiff_t kStripFloats = 16 << 10;
// A gradient's strip, which also holds outputs, may fill the cache: the longer its rows, the fewer sums must be added
// up at their ends.
constexpr std::ptrdiff_t kGradientFloats = 96 << 10;
constexpr int kMaxImages = 16;

// Returns the union of the columns of `count` rows of the order.
std::vector<int> together(const CsrPattern& pattern, int first, int count) {
    std::vector<int> columns;
    for (int i = first; i < first + count; ++i) {
        const int row = pattern.order[i];
        columns.insert(columns.end(), pattern.columns.begin() + pattern.starts[row],
                       pattern.columns.begin() + pattern.starts[row + 1]);
    }
    std::sort(columns.begin(), columns.end());
    columns.erase(std::unique(columns.begin(), columns.end()), columns.end());
    return columns;
}

std::int32_t entry_at(const CsrPattern& pattern, int row, int column) {
    const auto begin = pattern.columns.begin() + pattern.starts[row],
               end = pattern.columns.begin() + pattern.starts[row + 1];
    const auto at = std::lower_bound(begin, end, column);
    return at == end || *at != column ? -1 : pattern.entries[at - pattern.columns.begin()];
}

// Whether planes can be read in place. They must consist of whole vectors, and an output must read so few of them that
// the planes of a tile do not evict one another from the first-level cache, however far apart they lie.
bool readable_in_place(const CsrPattern& pattern, int positions, int lanes) {
    int max_inputs = 0;
    for (int row = 0; row < pattern.outputs; ++row)
        max_inputs = std::max(max_inputs, pattern.starts[row + 1] - pattern.starts[row]);
    return positions >= lanes && positions % lanes == 0 && max_inputs <= kFewInputs;
}

}  // namespace

SparsePointwise::SparsePointwise(const CsrPattern& pattern, int positions, const Kernels& kernels, int threads)
    : inputs_(pattern.inputs),
      outputs_(pattern.outputs),
      positions_(positions),
      weights_(pattern.entries.size()),
      kernels_(kernels),
      threads_(threads),
      in_place_(readable_in_place(pattern, positions, kernels.lanes[0])) {
    const int lanes = kernels.lanes[0];
    chunk_ = std::max(positions, 1);
    const int together = in_place_ ? kFewInputs : inputs_;  // planes whose chunks should fit the cache together
    while (chunk_ > lanes && std::ptrdiff_t{chunk_} * together > kStripFloats)
        chunk_ = round_up(ceil_div(chunk_, 2), lanes);
    images_ = in_place_ || chunk_ < positions
                  ? 1
                  : int(std::clamp<std::ptrdiff_t>(kStripFloats / (std::ptrdiff_t{chunk_} * inputs_), 1, kMaxImages));
    image_ = chunk_;
    plane_ = in_place_ ? positions : round_up(images_ * chunk_ + lanes, lanes);
    space_each_ = in_place_ ? 0 : plane_ * inputs_ + lanes;
    space_ = Floats(space_each_ * threads_);
    split(pattern);
    packed_ = Floats(source_.size());
}

namespace {

// Estimates the cycles of a tile: two products or two loads per cycle for each of its inputs, four cycles between two
// uses of an accumulator, and an overhead. Fitted to measurements of tiles of all shapes on a Zen 5 core.
double cycles(int inputs, int products, int loads) {
    return inputs * std::max({products / 2.0, loads / 2.0, 4.0}) + 20;
}
constexpr double kVectorFromAfar = 1;  // input vectors come from the second-level cache, weights from the first
constexpr double kStore = 3,
                 kTurnedStore = 100;  // for a vector, and for as many vectors as are interleaved together

}  // namespace

SparsePointwise::Choice SparsePointwise::along_positions(int outputs, int inputs) const {
    const int vectors = ceil_div(chunk_, kernels_.lanes[0]);
    const int rows = std::min({kMaxRows, kernels_.rows->max_sums / outputs, vectors});
    const int tiles = ceil_div(vectors, rows), each = ceil_div(vectors, tiles);
    const double tile =
        cycles(inputs, outputs * each, outputs + each) + kVectorFromAfar * inputs * each + kStore * outputs * each;
    return {tiles * tile, outputs, rows, false};
}

SparsePointwise::Choice SparsePointwise::across_outputs(int outputs, int inputs) const {
    const int vectors = ceil_div(outputs, kernels_.lanes[0]);
    int columns = std::min(chunk_, kMaxColumns);
    const int images = images_ > 1 && kernels_.filters->of[0][vectors][2][1][columns] ? 2 : 1;
    while (!kernels_.filters->of[0][vectors][images][1][columns]) --columns;
    const int tiles = ceil_div(chunk_, columns), each = ceil_div(chunk_, tiles);
    const double tile =
        cycles(inputs, vectors * images * each, vectors + images * each) + kTurnedStore * vectors * images;
    return {tiles * tile / images, outputs, images, true};
}

// Cuts the rows of the order into tiles with the fewest estimated cycles, by dynamic programming.
void SparsePointwise::split(const CsrPattern& pattern) {
    const int max_outputs = std::max(kMaxFilters, kMaxPairs * kernels_.lanes[0]);
    std::vector<Choice> best(outputs_ + 1, Choice{std::numeric_limits<double>::infinity(), 0, 0, false});
    best[outputs_].cycles = 0;
    std::vector<char> seen(inputs_);
    for (int first = outputs_ - 1; first >= 0; --first) {
        std::fill(seen.begin(), seen.end(), 0);
        int columns = 0;
        const auto consider = [&](Choice choice) {
            choice.cycles += best[first + choice.count].cycles;
            if (choice.cycles < best[first].cycles) best[first] = choice;
        };
        for (int count = 1; count <= std::min(max_outputs, outputs_ - first); ++count) {
            const int row = pattern.order[first + count - 1];
            for (int e = pattern.starts[row]; e < pattern.starts[row + 1]; ++e) {
                columns += !seen[pattern.columns[e]];
                seen[pattern.columns[e]] = 1;
            }
            if (count <= kMaxFilters) consider(along_positions(count, columns));
            consider(across_outputs(count, columns));
        }
    }
    for (int first = 0; first < outputs_; first += best[first].count) add(pattern, first, best[first]);
}

void SparsePointwise::add(const CsrPattern& pattern, int first, const Choice& choice) {
    const int widest = kernels_.lanes[0], lanes = choice.across ? round_up(choice.count, widest) : choice.count;
    Tile tile{};
    tile.weight = std::ptrdiff_t(source_.size());
    tile.bias = std::ptrdiff_t(bias_source_.size());
    tile.vectors = choice.across ? lanes / widest : 0;
    tile.rows = choice.rows;
    for (int k = 0; k < choice.count; ++k)
        tile.outputs.push_back(std::ptrdiff_t{pattern.order[first + k]} * positions_);
    for (const int column : together(pattern, first, choice.count)) {
        tile.taps.push_back(column * plane_);
        for (int k = 0; k < lanes; ++k) {
            source_.push_back(k < choice.count ? entry_at(pattern, pattern.order[first + k], column) : -1);
        }
    }
    for (int k = 0; k < lanes; ++k) bias_source_.push_back(k < choice.count ? pattern.order[first + k] : -1);
    // The weights of each tile begin at a cache line.
    source_.resize(round_up(int(source_.size()), widest), -1);
    bias_source_.resize(round_up(int(bias_source_.size()), widest), -1);
    tiles_.push_back(std::move(tile));
}

void SparsePointwise::pack(const float* weight, const float* bias, bool keep) {
    if (!keep || !kept_.bytes() || std::memcmp(kept_.data(), weight, kept_.bytes())) pack_weight(weight, keep);
    pack_bias(bias);
}

void SparsePointwise::pack_weight(const float* weight, bool keep) {
    for (std::size_t i = 0; i < source_.size(); ++i) packed_.data()[i] = source_[i] < 0 ? 0 : weight[source_[i]];
    if (!keep) {
        kept_ = Floats();
        return;
    }
    if (!kept_.bytes()) kept_ = Floats(weights_);
    std::copy(weight, weight + weights_, kept_.data());
}

void SparsePointwise::pack_bias(const float* bias) {
    if (!bias) {
        bias_ = Floats();
        return;
    }
    if (!bias_.bytes()) bias_ = Floats(bias_source_.size());
    for (std::size_t i = 0; i < bias_source_.size(); ++i)
        bias_.data()[i] = bias_source_[i] < 0 ? 0 : bias[bias_source_[i]];
}

void SparsePointwise::freeze() {
    source_ = decltype(source_)();  // `= {}` would keep the memory
    bias_source_ = decltype(bias_source_)();
}

void SparsePointwise::multiply(const float* x, int n, float* y) {
    const int chunks = ceil_div(positions_, chunk_), groups = ceil_div(n, images_), jobs = chunks * groups;
    const int tiles = int(tiles_.size());
    const int parts = parts_of_each(jobs, threads_, tiles);
    std::vector<int> loaded(threads_, -1);
    parallel_for(threads_, jobs * parts, [&](int unit, int thread) {
        const int job = unit / parts, part = unit % parts;
        const int start = job % chunks * chunk_, first = job / chunks * images_;
        const int count = std::min(chunk_, positions_ - start), images = std::min(images_, n - first);
        const std::ptrdiff_t image = std::ptrdiff_t{inputs_} * positions_;
        const float* from = x + first * image + start;
        float* space = space_.data() + thread * space_each_;
        for (int i = 0; !in_place_ && loaded[thread] != job && i < images; ++i) {
            kernels_.copies->copy[0]({.from = from + i * image,
                                      .plane = 0,
                                      .row = positions_,
                                      .column = 1,
                                      .planes = 1,
                                      .rows = inputs_,
                                      .count = count,
                                      .to = space + i * image_,
                                      .to_plane = 0,
                                      .to_row = plane_});
        }
        loaded[thread] = job;
        float* to = y + std::ptrdiff_t{first} * outputs_ * positions_ + start;
        for (int t = part * tiles / parts; t < (part + 1) * tiles / parts; ++t)
            compute(tiles_[t], in_place_ ? from : space, images, count, to);
    });
}

void SparsePointwise::compute(const Tile& tile, const float* space, int images, int count, float* y) const {
    const std::ptrdiff_t image = std::ptrdiff_t{outputs_} * positions_;
    const float* weight = packed_.data() + tile.weight;
    const float* bias = bias_.bytes() ? bias_.data() + tile.bias : nullptr;
    const int lanes = kernels_.lanes[0];
    if (tile.vectors) {
        FilterTile block{};
        block.x_row = image_;
        block.taps = tile.taps.data();
        block.tap_count = int(tile.taps.size());
        block.whole = block.channels = 1;
        block.weight = weight;
        block.bias = bias;
        block.y_filters = tile.outputs.data();
        block.y_row = image;
        block.filters = int(tile.outputs.size());
        in_parts(images, tile.rows, [&](int first, int rows) {
            int max_columns = kMaxColumns;
            while (!kernels_.filters->of[0][tile.vectors][rows][1][max_columns]) --max_columns;
            in_parts(count, max_columns, [&](int at, int columns) {
                block.x = space + first * image_ + at;
                block.y = y + first * image + at;
                kernels_.filters->of[0][tile.vectors][rows][1][columns](block);
            });
        });
        return;
    }
    RowTile block{};
    block.x_row = block.y_row = lanes;
    block.taps = tile.taps.data();
    block.tap_count = int(tile.taps.size());
    block.channels = 1;
    block.weight = weight;
    block.bias = bias;
    block.y_filters = tile.outputs.data();
    const auto& kernels = kernels_.rows->of;
    for (int i = 0; i < images; ++i) {
        const auto run = [&](int at, int width, int vectors) {
            block.x = space + i * image_ + at;
            block.y = y + i * image + at;
            kernels[width][int(Reach::any)][tile.outputs.size()][vectors](block);
        };
        block.columns = lanes;
        in_parts(count / lanes, tile.rows, [&](int first, int vectors) { run(first * lanes, 0, vectors); });
        if (const int rest = count % lanes) {
            int width = 0;
            while (width + 1 < kWidths && kernels_.lanes[width + 1] >= rest) ++width;
            block.columns = rest;
            run(count - rest, width, 1);
        }
    }
}

SparsePointwiseGradient::SparsePointwiseGradient(const CsrPattern& pattern, const Kernels& kernels, int threads)
    : inputs_(pattern.inputs), outputs_(pattern.outputs), kernels_(kernels), threads_(threads) {
    for (int first = 0; first < outputs_; first += kDots) {
        const int count = std::min(kDots, outputs_ - first);
        const std::vector<int> columns = together(pattern, first, count);
        for (int c = 0; c < int(columns.size()); c += kDots) {
            Tile tile;
            for (int i = 0; i < kDots; ++i) {
                tile.outputs[i] = pattern.order[first + std::min(i, count - 1)];
                tile.inputs[i] = columns[std::min(c + i, int(columns.size()) - 1)];
            }
            for (int i = 0; i < kDots * kDots; ++i) {
                const int m = i / kDots, k = i % kDots;
                const bool wanted = c + m < int(columns.size()) && k < count;
                tile.entry[i] = wanted ? entry_at(pattern, tile.outputs[k], tile.inputs[m]) : -1;
            }
            tiles_.push_back(tile);
        }
    }
    sums_ = Floats(tiles_.size() * kDots * kDots);
}

void SparsePointwiseGradient::compute(const float* x, const float* dy, int n, int positions, float* weight) {
    const int lanes = kernels_.lanes[0], planes = inputs_ + outputs_;
    // A strip is a range of an image's positions, or several whole images. Each row is padded with zeros to whole
    // vectors.
    const int max_length = std::max(int(kGradientFloats / planes) / lanes * lanes, lanes);
    const int chunk = std::min(positions, max_length),
              images = std::clamp(max_length / std::max(positions, 1), 1, std::max(n, 1));
    const int pitch = round_up(images * chunk, lanes) + lanes;
    if (space_.bytes() < sizeof(float) * planes * pitch) space_ = Floats(std::size_t(planes) * pitch);
    std::fill(sums_.data(), sums_.data() + sums_.bytes() / sizeof(float), 0.0f);

    float *xs = space_.data(), *dys = xs + std::ptrdiff_t{inputs_} * pitch;
    for (int first = 0; first < n; first += images) {
        for (int start = 0; start < positions; start += chunk) {
            const int count = std::min(chunk, positions - start), image_count = std::min(images, n - first);
            const int length = round_up(image_count * count, lanes);
            const auto fill = [&](const float* from, int rows, float* to) {
                for (int i = 0; i < image_count; ++i) {
                    kernels_.copies->copy[0]({.from = from + std::ptrdiff_t{first + i} * rows * positions + start,
                                              .plane = 0,
                                              .row = positions,
                                              .column = 1,
                                              .planes = 1,
                                              .rows = rows,
                                              .count = count,
                                              .to = to + i * count,
                                              .to_plane = 0,
                                              .to_row = pitch});
                }
                for (int row = 0; row < rows; ++row)
                    std::fill(to + row * pitch + image_count * count, to + row * pitch + length, 0.0f);
            };
            fill(x, inputs_, xs);
            fill(dy, outputs_, dys);
            parallel_for(threads_, int(tiles_.size()), [&](int t, int) {
                std::ptrdiff_t outputs[kDots], inputs[kDots];
                for (int i = 0; i < kDots; ++i) {
                    outputs[i] = std::ptrdiff_t{tiles_[t].outputs[i]} * pitch;
                    inputs[i] = std::ptrdiff_t{tiles_[t].inputs[i]} * pitch;
                }
                DotTile block{};
                block.a = dys;
                block.a_rows = outputs;
                block.b = xs;
                block.b_rows = inputs;
                block.count = length;
                block.sums = sums_.data() + std::ptrdiff_t{t} * kDots * kDots;
                kernels_.dots(block);
            });
        }
    }
    for (std::size_t t = 0; t < tiles_.size(); ++t) {
        for (int i = 0; i < kDots * kDots; ++i) {
            const std::int32_t entry = tiles_[t].entry[i];
            if (entry >= 0) weight[entry] = sums_.data()[t * kDots * kDots + i];
        }
    }
}

}  // namespace featherbench
