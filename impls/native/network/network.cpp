// A network: chains of steps that run one after another, on values in one arena.
#include "network.hpp"

#include <algorithm>
#include <chrono>
#include <climits>
#include <cstring>
#include <numeric>

#include "interleave.hpp"
#include "threads.hpp"

namespace featherbench {
namespace {

constexpr std::ptrdiff_t kAlignment = kLine / sizeof(float);
constexpr std::size_t kMaxColdFloats = 16 << 20;  // most floats to read before a timing: 64 MiB exceed most caches
constexpr int kTimings = 3;                       // runs of a chain for one timing; the fastest counts
constexpr int kFinalists = 3;                     // candidates that are timed again
constexpr int kRounds = 2;                        // how often each finalist is timed again

std::ptrdiff_t aligned(std::ptrdiff_t floats) { return (floats + kAlignment - 1) / kAlignment * kAlignment; }

int row_multiple(const Chain& chain) {
    int multiple = 1;
    for (const Place& place : chain.places) {
        for (const auto& step : place.steps) multiple = std::lcm(multiple, step->row_multiple());
    }
    return multiple;
}

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
    for (const Place& place : chain.places) {
        for (const auto& step : place.steps) step->lay_out(values_);
    }
}

void Network::finish(bool tuned) {
    assign();
    if (tuned) other_weights_ = Floats(std::min(packed_bytes() / sizeof(float), kMaxColdFloats));
    std::map<std::string, Tuning> tunings;
    for (Chain& chain : chains_) {
        const std::string key = this->key(chain);
        const auto known = tunings.find(key);
        if (known != tunings.end()) {
            apply(chain, known->second);
        } else {
            apply(chain, tunings[key] = tuned ? tune(chain) : untuned(chain));
        }
    }
    other_weights_ = {};
}

// Returns a text of what the speed of a chain mostly depends on. Chains with equal keys are tuned once.
std::string Network::key(const Chain& chain) const {
    std::string key;
    const auto add = [&](int id) {
        const Value& v = values_[id];
        for (int number : {v.channels, v.h, v.w, v.margins.top, v.margins.bottom, v.margins.left, v.margins.right,
                           v.lanes, int(v.strip)}) {
            key += std::to_string(number) + ' ';
        }
    };
    for (const Place& place : chain.places) {
        for (const auto& step : place.steps) {
            key += step->text() + ": ";
            for (int id : step->inputs) add(id);
            add(step->output);
        }
    }
    return key;
}

void Network::apply(Chain& chain, const Tuning& tuning) {
    for (std::size_t i = 0; i < chain.places.size(); ++i) {
        Place& place = chain.places[i];
        const auto [step, choice] = tuning.places[i];
        std::swap(place.steps[0], place.steps[step]);
        place.steps.resize(1);
        place.active = 0;
        place.step().choose(choice);
        place.step().settle();
    }
    assign_strips(chain, tuning.strip_rows);
}

// Finds the fastest strips with the first alternatives, then the fastest alternative of each step, one step after
// another, and then the fastest strips again.
Network::Tuning Network::tune(Chain& chain) {
    const int h = values_[chain.places.back().step().output].h, multiple = row_multiple(chain);
    const auto tune_strips = [&] {
        std::vector<int> strips;
        for (int count = 1; count <= ceil_div(h, multiple); count *= 2) {
            const int rows = round_up(ceil_div(h, count), multiple);
            if (strips.empty() || strips.back() != rows) strips.push_back(rows);
        }
        const auto use = [&](int candidate) { assign_strips(chain, strips[candidate]); };
        use(fastest(chain, int(strips.size()), use));
    };
    tune_strips();
    Tuning tuning{};
    for (Place& place : chain.places) {
        std::vector<std::pair<int, int>> ways;
        for (int step = 0; step < int(place.steps.size()); ++step) {
            for (int choice = 0; choice < place.steps[step]->choices(); ++choice) ways.emplace_back(step, choice);
        }
        const auto use = [&](int candidate) {
            place.active = ways[candidate].first;
            place.step().choose(ways[candidate].second);
            place.step().lay_out(values_);
        };
        const int best = fastest(chain, int(ways.size()), use);
        use(best);
        tuning.places.push_back(ways[best]);
    }
    tune_strips();
    tuning.strip_rows = chain.strip_rows;
    return tuning;
}

// Returns the first of all ways, and as many rows at a time as strip_floats_ allows.
Network::Tuning Network::untuned(const Chain& chain) const {
    const Value& last = values_[chain.places.back().step().output];
    const int multiple = row_multiple(chain);
    const int rows = int(std::min<std::ptrdiff_t>(strip_floats_ / (last.blocks() * last.row()), last.h));
    return {std::vector<std::pair<int, int>>(chain.places.size()), round_up(std::max(rows, 1), multiple)};
}

// Returns the candidate with which a chain takes the least time. All are timed once; the fastest of them are timed
// again in rounds, so that a short disturbance of the machine does not decide.
int Network::fastest(Chain& chain, int candidates, const std::function<void(int)>& use) {
    if (candidates == 1) return 0;
    std::vector<double> least(candidates);
    std::vector<int> order(candidates);
    for (int candidate = 0; candidate < candidates; ++candidate) {
        use(candidate);
        least[candidate] = seconds(chain);
        order[candidate] = candidate;
    }
    const auto sort = [&] { std::sort(order.begin(), order.end(), [&](int a, int b) { return least[a] < least[b]; }); };
    sort();
    order.resize(std::min(candidates, kFinalists));
    for (int round = 0; round < kRounds; ++round) {
        for (int candidate : order) {
            use(candidate);
            least[candidate] = std::min(least[candidate], seconds(chain));
        }
    }
    sort();
    return order[0];
}

double Network::seconds(Chain& chain) {
    double best = 1e9;
    for (int i = 0; i < kTimings; ++i) {
        set_caches(chain);
        const auto start = std::chrono::steady_clock::now();
        run(chain);
        best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    return best;
}

// Leaves the caches as the chains before this one would: they hold its inputs, but not its weights if the weights of
// all chains are larger than a cache.
void Network::set_caches(const Chain& chain) {
    float sum = 0;
    const auto read = [&](const float* data, std::ptrdiff_t floats) {
        for (std::ptrdiff_t i = 0; i < floats; i += kAlignment) sum += data[i];
    };
    read(other_weights_.data(), std::ptrdiff_t(other_weights_.bytes() / sizeof(float)));
    for (const Place& place : chain.places) {
        for (int id : place.step().inputs) {
            const Value& value = values_[id];
            if (!value.strip) read(arena_.data() + value.offset, value.floats());
        }
    }
    asm volatile("" : : "g"(sum));  // Otherwise the compiler would remove the reads.
}

std::vector<double> Network::seconds(int calls) {
    std::vector<double> best(chains_.size(), 1e9);
    for (int i = 0; i < calls; ++i) {
        for (std::size_t c = 0; c < chains_.size(); ++c) {
            const auto start = std::chrono::steady_clock::now();
            run(chains_[c]);
            const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
            best[c] = std::min(best[c], elapsed.count());
        }
    }
    return best;
}

void Network::run(Chain& chain) {
    const Value& last = values_[chain.places.back().step().output];
    const int h = last.h, strips = ceil_div(h, chain.strip_rows);
    const std::ptrdiff_t scratch = scratch_.bytes() / sizeof(float) / threads_;
    parallel_for(threads_, strips, [&](int strip, int thread) {
        const int first = strip * chain.strip_rows;
        const Span rows{first, std::min(chain.strip_rows, h - first)};
        const Frame frame{values_, arena_.data(), scratch_.data() + thread * scratch, first};
        for (const Place& place : chain.places) {
            place.step().run(frame, rows, thread);
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
