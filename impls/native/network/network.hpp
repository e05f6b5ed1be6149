// A network: chains of steps that run one after another, on values in one arena.

#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "memory.hpp"
#include "step.hpp"
#include "tiles.hpp"

namespace featherbench {

constexpr std::ptrdiff_t kAlignment = kLine / sizeof(float);  // of values in the arena

// Alternative steps, which compute the same in different ways; the active one runs.
struct Place {
    std::vector<std::unique_ptr<Step>> steps;
    int active = 0;
    Step& step() const { return *steps[active]; }
};

// Steps that are computed together, one strip of rows after another, so that a step's output is still in a cache when
// the next one reads it. Each step but the first computes a position from the same position of the output before it;
// all else that it reads was computed before the chain began.
struct Chain {
    std::vector<Place> places;
    int strip_rows = 0;
};

class Network {
public:
    Network(const Kernels& kernels, int threads);

    // Declares a value and returns its number. `planar`: it is stored as planes; `strip`: it exists only in a chain.
    int add_value(int channels, int h, int w, const Margins& margins, bool planar, bool strip);
    void begin_chain() { chains_.emplace_back(); }
    // Adds a step to the last chain; `alternative`: it computes the same as the last step, and one of them will run.
    void add(std::unique_ptr<Step> step, bool alternative);
    void set_inputs(std::vector<int> inputs) { inputs_ = std::move(inputs); }
    void set_outputs(std::vector<int> outputs) { outputs_ = std::move(outputs); }

    // Sets how many floats the outputs of a strip have, at most, in networks that are not tuned.
    void set_strip_floats(std::ptrdiff_t floats) { strip_floats_ = floats; }

    // Assigns memory, and with `tuned` finds the fastest steps and strips by timing them.
    void finish(bool tuned);
    // Computes one image. Inputs may have any distances; outputs are (channels, h, w), contiguous.
    void run(const std::vector<Input>& inputs, const std::vector<float*>& outputs);

    const std::vector<Value>& values() const { return values_; }
    const Kernels& kernels() const { return kernels_; }
    const std::vector<int>& inputs() const { return inputs_; }
    const std::vector<int>& outputs() const { return outputs_; }
    std::size_t packed_bytes() const;
    std::vector<std::string> texts() const;  // a description of each chain
    std::vector<double> seconds(int calls);  // the least time of each chain

private:
    struct Tuning {                               // of a chain
        std::vector<std::pair<int, int>> places;  // which step, and which of its choices
        int strip_rows;
    };

    void assign();                                     // offsets of all values in the arena
    void assign_strips(Chain& chain, int strip_rows);  // offsets of a chain's values in scratch_
    void run(Chain& chain);
    double seconds(Chain& chain);
    void set_caches(const Chain& chain);
    void tune();
    Tuning tune(Chain& chain);
    Tuning untuned(const Chain& chain) const;
    int fastest(Chain& chain, int candidates, const std::function<void(int)>& use);
    std::string key(const Chain& chain) const;
    void apply(Chain& chain, const Tuning& tuning);
    void import(const Input& x, const Value& value);
    void export_to(float* y, const Value& value) const;
    void clear_margins(const Value& value, const Span& rows);

    const Kernels& kernels_;
    const int threads_;
    std::vector<Value> values_;
    std::vector<Chain> chains_;
    std::vector<int> inputs_, outputs_;
    std::ptrdiff_t strip_floats_ = 64 << 10;
    Floats arena_;
    // Each thread has an equal part of them: the values of a strip, and the temporaries of the step that runs.
    Floats scratch_, workspace_;
    Floats other_weights_;  // read before each timing, in place of the weights of all other chains
};

}  // namespace featherbench
