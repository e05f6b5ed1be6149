// Compares random small networks of the engine's steps, on every instruction set of this processor, with plain loops in
// double:
//
//     check_network [CASES [SEED [FIRST]]]
//
// First each step runs by itself, in each of its ways, on values that each have memory of their own, so that accesses
// beyond a value are detected, and writes to what is not the step's to write. Then the whole network runs. The program
// prints the first failure in one line and ends.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "arrays.hpp"
#include "cases.hpp"
#include "network/network.hpp"
#include "networks.hpp"
#include "operations.hpp"

namespace featherbench {
namespace {

std::map<std::string, long> runs_of_kind;  // of steps
long network_runs;

const char* kind_of(const Step& step) {
    if (dynamic_cast<const SumStep*>(&step)) return "sums";
    if (dynamic_cast<const GroupedStep*>(&step)) return "shuffled groups";
    if (dynamic_cast<const WinogradStep*>(&step)) return "winograd";
    if (dynamic_cast<const ElementwiseStep*>(&step)) return "elementwise";
    return dynamic_cast<const PoolStep*>(&step) ? "pools" : "copies of channels";
}

// The memory of a value, or of the rows that a strip holds. At first all is NaN.
class Memory {
public:
    Memory(const Image& image, const Value& value) : image_(image), value_(value), floats_(value.floats()) {}

    // Leaves all as at first.
    void clear() { floats_.fill(NAN); }

    // Writes the image, from `first_row` on.
    void fill(int first_row) {
        each(first_row,
             [&](float& number, int channel, int row, int column) { number = stored(channel, row, column); });
    }

    // Ends the program unless all is as `fill` left it.
    void check_unchanged(int first_row) {
        each(first_row, [&](float& number, int channel, int row, int column) {
            compare(number, stored(channel, row, column), "an input", index(number), 0);
        });
    }

    // Ends the program unless the rows before `end_row` are those of the image, and all else is as at first.
    void check_written(int first_row, int end_row) {
        each(first_row, [&](float& number, int channel, int row, int column) {
            const bool written = exists(row, column) && row < end_row;
            if (written && channel >= image_.channels) return;
            compare(number, written ? image_.at(channel, row, column) : NAN, "y", index(number), image_.rounding);
        });
    }

    float* data() { return floats_.data(); }

private:
    bool exists(int row, int column) const { return row >= 0 && row < image_.h && column >= 0 && column < image_.w; }
    std::size_t index(const float& number) const { return std::size_t(&number - floats_.data()); }

    // Channels that do not exist, and rows of a strip that do not, may hold anything.
    float stored(int channel, int row, int column) const {
        if (!exists(row, column)) return value_.strip ? NAN : 0;
        return channel < image_.channels ? float(image_.at(channel, row, column)) : NAN;
    }

    template <class Each>
    void each(int first_row, const Each& each) {
        const Margins& m = value_.margins;
        float* number = floats_.data();
        for (int block = 0; block < value_.blocks(); ++block) {
            for (int row = -m.top; row < value_.rows_held + m.bottom; ++row) {
                for (int column = -m.left; column < value_.w + m.right; ++column) {
                    for (int lane = 0; lane < value_.lanes; ++lane)
                        each(*number++, block * value_.lanes + lane, first_row + row, column);
                }
            }
        }
    }

    const Image& image_;
    const Value value_;
    Array floats_;
};

// Runs a step strip by strip.
void check_step(Random& random, const RandomNetwork& network, Step& step, std::vector<Value> values) {
    const int h = values[step.output].h;
    const int strip_rows = round_up(ceil_div(h, random.pick(1, 4)), step.row_multiple());
    for (Value& value : values) {
        if (value.strip) value.rows_held = strip_rows;
    }
    step.lay_out(values);
    Array workspace(step.workspace_floats());
    Memory y(network.images[step.output], values[step.output]);
    std::map<int, Memory> inputs;
    for (const int id : step.inputs) {
        Memory& memory = inputs.try_emplace(id, network.images[id], values[id]).first->second;
        values[id].offset = memory.data() - y.data();
    }
    for (int first = 0; first < h; first += strip_rows) {
        const Span rows{first, std::min(strip_rows, h - first)};
        const auto first_of = [&](int id) { return values[id].strip ? first : 0; };
        for (auto& [id, memory] : inputs) memory.fill(first_of(id));
        if (values[step.output].strip) y.clear();
        workspace.fill(NAN);
        step.run({values, y.data(), y.data(), first, workspace.data()}, rows);
        y.check_written(first_of(step.output), end(rows));
        for (auto& [id, memory] : inputs) memory.check_unchanged(first_of(id));
    }
}

std::unique_ptr<Network> built(const RandomNetwork& network, const Kernels& kernels, int threads) {
    auto engine = std::make_unique<Network>(kernels, threads);
    for (const Image& image : network.images)
        engine->add_value(image.channels, image.h, image.w, image.margins, image.planar, image.strip);
    for (std::size_t i = 0; i < network.operations.size(); ++i) {
        if (network.begins_chain[i]) engine->begin_chain();
        bool alternative = false;
        for (auto& step : network.operations[i]->steps(engine->values(), kernels)) {
            engine->add(std::move(step), alternative);
            alternative = true;
        }
    }
    engine->set_inputs(network.inputs);
    engine->set_outputs(network.outputs);
    return engine;
}

void check_steps(Random& random, const RandomNetwork& network, const Network& engine) {
    const std::string name = current;
    for (const auto& operation : network.operations) {
        for (const auto& step : operation->steps(engine.values(), engine.kernels())) {
            const int choices = step->choices();
            for (int i = 0; i < std::min(choices, 3); ++i) {
                step->choose(i ? random.pick(0, choices - 1) : 0);
                current = name + "; step " + step->text() + " (" + step->way() + ")";
                check_step(random, network, *step, engine.values());
                ++runs_of_kind[kind_of(*step)];
            }
        }
    }
    current = name;
}

void check_whole(const RandomNetwork& network, Network& engine) {
    std::vector<std::unique_ptr<Array>> spoilt, ys;
    std::vector<Input> spoilt_inputs, inputs;
    for (const int id : network.inputs) {
        const Image& image = network.images[id];
        const std::ptrdiff_t plane = std::ptrdiff_t{image.h} * image.w;
        spoilt.push_back(std::make_unique<Array>(image.channels * plane));
        spoilt_inputs.push_back({spoilt.back()->data(), 0, plane, image.w, 1});
        inputs.push_back(image.given->x);
    }
    std::vector<float*> outputs;
    for (const int id : network.outputs) {
        ys.push_back(std::make_unique<Array>(network.images[id].numbers.size()));
        outputs.push_back(ys.back()->data());
    }
    engine.run(spoilt_inputs, outputs);  // whose NaN must leave no traces
    engine.run(inputs, outputs);
    for (std::size_t i = 0; i < ys.size(); ++i) {
        const Image& image = network.images[network.outputs[i]];
        compare(*ys[i], image.numbers, "y", image.error);
    }
    ++network_runs;
}

void check(Random& random, const std::string& name) {
    const RandomNetwork network(random);
    for (const Kernels* const* kernels = featherbench::kernels(); *kernels; ++kernels) {
        const int threads = random.pick(1, 3);
        const bool tuned = random.one_in(6);
        current = name + ": " + network.text() + "; " + (*kernels)->isa + ", " + std::to_string(threads) + " threads";
        const std::unique_ptr<Network> engine = built(network, **kernels, threads);
        check_steps(random, network, *engine);
        if (tuned) current += ", tuned";
        if (random.one_in(2)) engine->set_strip_floats(random.pick(1, 4000));
        engine->finish(tuned);
        for (const std::string& text : engine->texts()) current += "; " + text;
        check_whole(network, *engine);
    }
}

int run(int count, char** arguments) {
    const std::string right = run_cases(count, arguments, check);
    std::string kinds;
    for (const auto& [kind, runs] : runs_of_kind) kinds += std::to_string(runs) + " steps " + kind + ", ";
    std::printf("%s: %s%ld networks\n", right.c_str(), kinds.c_str(), network_runs);
    return 0;
}

}  // namespace
}  // namespace featherbench

int main(int count, char** arguments) { return featherbench::run(count, arguments); }
