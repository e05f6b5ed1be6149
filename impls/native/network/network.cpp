// A network: chains of steps that run one after another, on values in one arena.
#include "network.hpp"

#include <algorithm>
#include <climits>
#include <cstring>

#include "interleave.hpp"
#include "threads.hpp"

namespace featherbench {
namespace {

std::ptrdiff_t aligned(std::ptrdiff_t floats) { return (floats + kAlignment - 1) / kAlignment * kAlignment; }

}  // namespace

Network::Network(const Kernels& kernels, int threads) : kernels_(kernels), threads_(threads) {}

int Network::add_value(int channels, int h, int w, const Margins& margins, bool planar, bool strip) {
    values_.push_back({channels, h, w, margins, planar ? 1 : kernels_.lanes[0], strip, h});
    return int(values_.size()) - 1;
}

void Network::add(std::unique_ptr<Step> step, bool alternative) {
    auto& places = chains_.back().places;
    if (!alternative) places.emplace_back();
    places.back().steps.push_back(std::move(step));
}

// Values that exist at the same time get different memory. The largest are placed first, each in the first gap that
// is large enough.
void Network::assign() {
    struct Life {
        int id, first = INT_MAX, last = -1;
    };
    std::vector<Life> lives;
    for (int id = 0; id < int(values_.size()); ++id) lives.push_back({id});
    const auto exists = [&](int id, int when) {
        lives[id].first = std::min(lives[id].first, when);
        lives[id].last = std::max(lives[id].last, when);
    };
    for (int id : inputs_) exists(id, 0);
    for (int i = 0; i < int(chains_.size()); ++i) {
        for (const Place& place : chains_[i].places) {
            for (int id : place.step().inputs) exists(id, i);
            exists(place.step().output, i);
        }
    }
    for (int id : outputs_) exists(id, int(chains_.size()));
    std::erase_if(lives, [&](const Life& life) { return values_[life.id].strip || life.last < 0; });
    std::stable_sort(lives.begin(), lives.end(),
                     [&](const Life& a, const Life& b) { return values_[a.id].floats() > values_[b.id].floats(); });
    std::ptrdiff_t total = 0;
    std::vector<Life> placed;
    for (const Life& life : lives) {
        Value& value = values_[life.id];
        std::vector<std::pair<std::ptrdiff_t, std::ptrdiff_t>> taken;
        for (const Life& other : placed) {
            if (other.last < life.first || life.last < other.first) continue;
            const Value& v = values_[other.id];
            taken.emplace_back(v.offset, v.offset + aligned(v.floats()));
        }
        std::sort(taken.begin(), taken.end());
        value.offset = 0;
        for (const auto& [begin, end] : taken) {
            if (begin >= value.offset + aligned(value.floats())) break;
            value.offset = std::max(value.offset, end);
        }
        total = std::max(total, value.offset + aligned(value.floats()));
        placed.push_back(life);
    }
    arena_ = Floats(total);
}

void Network::assign_strips(Chain& chain, int strip_rows) {
    chain.strip_rows = strip_rows;
    std::ptrdiff_t floats = 0;
    for (const Place& place : chain.places) {
        Value& value = values_[place.step().output];
        if (!value.strip) continue;
        value.rows_held = strip_rows;
        value.offset = floats;
        floats += aligned(value.floats());
    }
    if (std::size_t(floats * threads_) * sizeof(float) > scratch_.bytes()) scratch_ = Floats(floats * threads_);
    std::ptrdiff_t workspace = 0;
    for (const Place& place : chain.places) {
        for (const auto& step : place.steps) {
            step->lay_out(values_);
            workspace = std::max(workspace, aligned(step->workspace_floats()));
        }
    }
    if (std::size_t(workspace * threads_) * sizeof(float) > workspace_.bytes())
        workspace_ = Floats(workspace * threads_);
}

void Network::finish(bool tuned) {
    assign();
    if (tuned) {
        tune();
    } else {
        for (Chain& chain : chains_) apply(chain, untuned(chain));
    }
    // What alternatives needed is not needed any more.
    scratch_ = {};
    workspace_ = {};
    for (Chain& chain : chains_) assign_strips(chain, chain.strip_rows);
}

void Network::apply(Chain& chain, const Tuning& tuning) {
    for (std::size_t i = 0; i < chain.places.size(); ++i) {
        Place& place = chain.places[i];
        const auto [step, choice] = tuning.places[i];
        std::swap(place.steps[0], place.steps[step]);
        place.steps.resize(1);
        place.active = 0;
        place.step().choose(choice);
        place.step().freeze();
    }
    assign_strips(chain, tuning.strip_rows);
}

void Network::run(Chain& chain) {
    const Value& last = values_[chain.places.back().step().output];
    const int h = last.h, strips = ceil_div(h, chain.strip_rows);
    const std::ptrdiff_t scratch = scratch_.bytes() / sizeof(float) / threads_;
    const std::ptrdiff_t workspace = workspace_.bytes() / sizeof(float) / threads_;
    parallel_for(threads_, strips, [&](int strip, int thread) {
        const int first = strip * chain.strip_rows;
        const Span rows{first, std::min(chain.strip_rows, h - first)};
        const Frame frame{values_, arena_.data(), scratch_.data() + thread * scratch, first,
                          workspace_.data() + thread * workspace};
        for (const Place& place : chain.places) {
            place.step().run(frame, rows);
            const Value& value = values_[place.step().output];
            if (!value.strip && value.margins.any()) clear_margins(value, rows);
        }
    });
}

// Zeroes the margins beside some rows; with the first or last row of the image, also those above or below it.
void Network::clear_margins(const Value& value, const Span& rows) {
    const Margins& m = value.margins;
    for (int block = 0; block < value.blocks(); ++block) {
        float* base = arena_.data() + value.offset + block * value.block();
        const auto clear = [&](int row, int column, int columns) {
            float* from = base + (m.top + row) * value.row() + std::ptrdiff_t{m.left + column} * value.lanes;
            std::memset(from, 0, sizeof(float) * columns * value.lanes);
        };
        for (int row = rows.first; row < end(rows); ++row) {
            if (m.left) clear(row, -m.left, m.left);
            if (m.right) clear(row, value.w, m.right);
        }
        const int width = m.left + value.w + m.right;
        if (rows.first == 0 && m.top) clear(-m.top, -m.left, m.top * width);
        if (end(rows) == value.h && m.bottom) clear(value.h, -m.left, m.bottom * width);
    }
}

void Network::import(const Input& x, const Value& value) {
    const Margins& m = value.margins;
    float* to = arena_.data() + value.offset;
    if (m.any() || value.channels % value.lanes) std::memset(to, 0, sizeof(float) * value.floats());
    if (value.lanes > 1) {
        const Area area{{-m.top, m.top + value.h + m.bottom}, {-m.left, m.left + value.w + m.right}};
        for (int block = 0; block < value.blocks(); ++block, to += value.block()) {
            const int first = block * value.lanes;
            interleave(kernels_, 0, x.from(0, first), std::min(value.lanes, value.channels - first), value.h, value.w,
                       area, to);
        }
        return;
    }
    to += m.top * value.row() + m.left;
    for (int channel = 0; channel < value.channels; ++channel) {
        for (int row = 0; row < value.h; ++row) {
            const float* from = x.data + channel * x.channel + row * x.row;
            float* row_to = to + channel * value.block() + row * value.row();
            if (x.column == 1) {
                std::memcpy(row_to, from, sizeof(float) * value.w);
            } else {
                for (int column = 0; column < value.w; ++column) row_to[column] = from[column * x.column];
            }
        }
    }
}

void Network::export_to(float* y, const Value& value) const {
    const Margins& m = value.margins;
    const float* from = arena_.data() + value.offset + m.top * value.row() + m.left * value.lanes;
    const std::ptrdiff_t plane = std::ptrdiff_t{value.h} * value.w;
    const bool whole = m.left + m.right == 0;
    const int columns = whole ? value.h * value.w : value.w;
    for (int block = 0; block < value.blocks(); ++block, from += value.block()) {
        const int first = block * value.lanes, planes = std::min(value.lanes, value.channels - first);
        for (int row = 0; row < (whole ? 1 : value.h); ++row) {
            kernels_.copies->scatter[0](from + row * value.row(), {plane, planes, columns, 0, 0},
                                        y + first * plane + std::ptrdiff_t{row} * value.w);
        }
    }
}

void Network::run(const std::vector<Input>& inputs, const std::vector<float*>& outputs) {
    for (std::size_t i = 0; i < inputs.size(); ++i) import(inputs[i], values_[inputs_[i]]);
    for (Chain& chain : chains_) run(chain);
    for (std::size_t i = 0; i < outputs.size(); ++i) export_to(outputs[i], values_[outputs_[i]]);
}

std::size_t Network::packed_bytes() const {
    std::size_t bytes = 0;
    for (const Chain& chain : chains_) {
        for (const Place& place : chain.places) bytes += place.step().bytes();
    }
    return bytes;
}

std::vector<std::string> Network::texts() const {
    std::vector<std::string> texts;
    for (const Chain& chain : chains_) {
        std::string text;
        for (const Place& place : chain.places) {
            if (!text.empty()) text += " -> ";
            text += place.step().text();
            if (const std::string way = place.step().way(); !way.empty()) text += " (" + way + ")";
        }
        texts.push_back(text + "; strips of " + std::to_string(chain.strip_rows) + " rows");
    }
    return texts;
}

}  // namespace featherbench
