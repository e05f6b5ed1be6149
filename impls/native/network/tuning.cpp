// The choice of a network's steps and strips, by timing them.

#include <algorithm>
#include <chrono>
#include <map>
#include <numeric>

#include "network.hpp"

namespace featherbench {
namespace {

constexpr std::size_t kMaxColdFloats = 16 << 20;  // most floats to read before a timing: 64 MiB exceed most caches
constexpr int kTimings = 3;                       // runs of a chain for one timing; the fastest counts
constexpr int kFinalists = 3;                     // candidates that are timed again
constexpr int kRounds = 2;                        // how often each finalist is timed again

int row_multiple(const Chain& chain) {
    int multiple = 1;
    for (const Place& place : chain.places) {
        for (const auto& step : place.steps) multiple = std::lcm(multiple, step->row_multiple());
    }
    return multiple;
}

}  // namespace

// Chains with equal keys are tuned once.
void Network::tune() {
    other_weights_ = Floats(std::min(packed_bytes() / sizeof(float), kMaxColdFloats));
    std::map<std::string, Tuning> tunings;
    for (Chain& chain : chains_) {
        const std::string key = this->key(chain);
        if (!tunings.contains(key)) tunings[key] = tune(chain);
        apply(chain, tunings[key]);
    }
    other_weights_ = {};
}

// Returns a text of what the speed of a chain mostly depends on.
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

}  // namespace featherbench
