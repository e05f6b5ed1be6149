// Random small networks, as impls/accelerate/lower.py could make them: values that a convolution reads have the margins
// that it needs; values stored channel by channel are inputs that only sums of products read; strips are read by the
// next operation of their chain only, and have no margins.

#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arrays.hpp"
#include "images.hpp"
#include "operations.hpp"

namespace featherbench {

class RandomNetwork {
public:
    explicit RandomNetwork(Random& random) : random_(random) {
        add_input(random_channels(), random_.pick(1, 20), random_.pick(1, 24));
        for (int count = random_.pick(1, 4); int(operations.size()) < count;) {
            std::unique_ptr<Operation> operation = random_operation();
            if (!operation) continue;
            operation->compute(images);
            begins_chain.push_back(!joins_chain(*operation));
            operations.push_back(std::move(operation));
        }
        choose_outputs();
        choose_storage();
    }

    std::string text() const {
        std::string text = "a network";
        for (std::size_t i = 0; i < operations.size(); ++i) {
            const Operation& operation = *operations[i];
            text += begins_chain[i] ? "; " : " -> ";
            for (const int input : operation.inputs) text.append("(").append(images[input].text()).append(") ");
            text += operation.text();
        }
        return text + " (" + images[operations.back()->output].text() + ")";
    }

    std::vector<Image> images;
    std::vector<std::unique_ptr<Operation>> operations;
    std::vector<bool> begins_chain;  // for each operation
    std::vector<int> inputs, outputs;

private:
    int random_channels() {
        if (random_.one_in(3)) return 16 * random_.pick(1, 3);
        return random_.one_in(2) ? 8 * random_.pick(1, 5) : random_.pick(1, 40);
    }

    Bounds random_bounds() {
        constexpr float kInfinity = std::numeric_limits<float>::infinity();
        const std::array<Bounds, 4> all{Bounds{}, {0, kInfinity}, {0, 6}, {-kInfinity, 3}};
        return all[random_.pick(0, 3)];
    }

    int add_image(int channels, int h, int w) {
        images.push_back({channels, h, w});
        return int(images.size()) - 1;
    }

    int add_input(int channels, int h, int w) {
        const int id = add_image(channels, h, w);
        images[id].given = std::make_unique<Images>(random_, 1, channels, h, w);
        for (int channel = 0; channel < channels; ++channel) {
            for (int row = 0; row < h; ++row) {
                for (int column = 0; column < w; ++column)
                    images[id].numbers.push_back(images[id].given->at(0, channel, row, column));
            }
        }
        inputs.push_back(id);
        return id;
    }

    // Returns a value of these sizes: one that exists, or a new input.
    int second_input(int channels, int h, int w) {
        std::vector<int> alike;
        for (int id = 0; id < int(images.size()); ++id) {
            if (images[id].channels == channels && images[id].h == h && images[id].w == w) alike.push_back(id);
        }
        if (alike.empty() || random_.one_in(4)) return add_input(channels, h, w);
        return alike[random_.pick(0, int(alike.size()) - 1)];
    }

    std::unique_ptr<Operation> random_operation() {
        const int last = int(images.size()) - 1, x = random_.one_in(4) ? random_.pick(0, last) : last;
        switch (random_.pick(0, 13)) {  // half of them can be computed together with those before them
            case 0:
            case 1:
                return sums(x);
            case 2:
            case 3:
                return shuffled(x);
            case 4:
            case 5:
                return winograd(x);
            case 6:
                return pool(x);
            case 7:
            case 8:
            case 9:
                return pointwise(x);
            case 10:
            case 11:
            case 12:
                return elementwise(x);
            default:
                return gather(x);
        }
    }

    // Returns the size of an output, or 0 where a window does not fit.
    static int outputs_of(int size, int before, int after, int kernel, int stride, int dilation = 1) {
        const int room = size + before + after - dilation * (kernel - 1) - 1;
        return room < 0 ? 0 : room / stride + 1;
    }

    std::unique_ptr<Operation> convolution(int x, Convolution::Sizes sizes, std::vector<int> reads, int bottom,
                                           int right) {
        const Window& w = sizes.window;
        const int h = outputs_of(images[x].h, w.top, bottom, w.kernel_h, w.stride_h, w.dilation_h);
        const int width = outputs_of(images[x].w, w.left, right, w.kernel_w, w.stride_w, w.dilation_w);
        const double macs = double(reads.size()) * w.taps() * h * width;
        if (macs == 0 || macs > 4e5) return nullptr;
        const int residual = random_.one_in(3) ? second_input(sizes.filters, h, width) : -1;
        const int y = add_image(sizes.filters, h, width);
        return std::make_unique<Convolution>(random_, std::move(sizes), std::move(reads), x, residual, y);
    }

    // Filters read the channels of their groups, or any channels, some twice.
    std::vector<int> random_reads(int filters, int inputs, int groups, int channels) {
        std::vector<int> reads;
        for (int filter = 0; filter < filters; ++filter) {
            for (int c = 0; c < channels; ++c) {
                reads.push_back(groups ? filter / (filters / groups) * channels + c : random_.pick(0, inputs - 1));
            }
        }
        return reads;
    }

    // Returns a number of groups that divides a number of channels.
    int random_groups(int channels) {
        std::vector<int> divisors;
        for (int groups = 1; groups <= channels; ++groups) {
            if (channels % groups == 0) divisors.push_back(groups);
        }
        return divisors[random_.pick(0, int(divisors.size()) - 1)];
    }

    std::unique_ptr<Operation> sums(int x) {
        const int inputs = images[x].channels, groups = random_.one_in(2) ? random_groups(inputs) : 0;
        const int filters = groups ? groups * random_.pick(1, std::max(1, 60 / groups)) : random_channels();
        const int channels = groups ? inputs / groups : random_.pick(1, inputs);
        Window w{};
        for (int* kernel : {&w.kernel_h, &w.kernel_w}) *kernel = random_.pick(1, 5);
        for (int* stride : {&w.stride_h, &w.stride_w}) *stride = random_.pick(1, 2);
        for (int* dilation : {&w.dilation_h, &w.dilation_w}) *dilation = random_.one_in(3) ? random_.pick(2, 3) : 1;
        for (int* padding : {&w.top, &w.left}) *padding = random_.pick(0, 2);
        return convolution(
            x, {Convolution::Kind::sums, filters, channels, std::max(groups, 1), w, random_bounds(), {}, true},
            random_reads(filters, inputs, groups, channels), random_.pick(0, 2), random_.pick(0, 2));
    }

    std::unique_ptr<Operation> pointwise(int x) {
        const int inputs = images[x].channels, groups = random_.one_in(3) ? 0 : random_groups(inputs);
        const int filters = groups ? groups * random_.pick(1, std::max(1, 60 / groups)) : random_channels();
        const int channels = groups ? inputs / groups : random_.pick(1, inputs);
        return convolution(x,
                           {Convolution::Kind::sums,
                            filters,
                            channels,
                            std::max(groups, 1),
                            {1, 1, 1, 1, 1, 1, 0, 0},
                            random_bounds(),
                            {},
                            true},
                           random_reads(filters, inputs, groups, channels), 0, 0);
    }

    std::unique_ptr<Operation> shuffled(int x) {
        const int inputs = images[x].channels, channels = 1 << random_.pick(0, 3);
        if (inputs % channels) return nullptr;
        const int kernel = random_.one_in(3) ? 5 : 3, stride = random_.pick(1, 2);
        const Window w{kernel, kernel, stride, stride, 1, 1, random_.pick(0, 2), random_.pick(0, 2)};
        const int groups = inputs / channels;
        return convolution(x, {Convolution::Kind::shuffled, inputs, channels, groups, w, random_bounds(), {}, true},
                           random_reads(inputs, inputs, groups, channels), random_.pick(0, 2), random_.pick(0, 2));
    }

    std::unique_ptr<Operation> winograd(int x) {
        const int inputs = images[x].channels, groups = random_.one_in(2) ? 1 : random_groups(inputs);
        const int channels = inputs / groups, block = channels % 16 == 0 ? 16 : channels % 8 == 0 ? 8 : 4;
        if (channels % block) return nullptr;
        const int filters = groups * block * random_.pick(1, std::max(1, 64 / block / groups));
        std::vector<int> tiles{2, 4};
        std::shuffle(tiles.begin(), tiles.end(), random_.engine());
        tiles.resize(random_.pick(1, 2));
        return convolution(x,
                           {Convolution::Kind::winograd,
                            filters,
                            channels,
                            groups,
                            {3, 3, 1, 1, 1, 1, 1, 1},
                            random_bounds(),
                            tiles,
                            random_.one_in(4)},
                           random_reads(filters, inputs, groups, channels), 1, 1);
    }

    std::unique_ptr<Operation> elementwise(int a) {
        const int channels = images[a].channels, h = images[a].h, w = images[a].w;
        const auto second = static_cast<BinaryOp>(random_.pick(0, 3));
        int b = -1;
        if (second == BinaryOp::gate) {
            b = second_input(channels, 1, 1);
        } else if (second != BinaryOp::none) {
            b = second_input(channels, h, w);
            if (random_.one_in(2)) std::swap(a, b);
        }
        const auto activation = static_cast<Activation>(random_.pick(0, kActivations - 1));
        const int y = add_image(channels, h, w);
        return std::make_unique<ElementwiseOperation>(random_, a, b, second, y, channels, random_.one_in(3), activation,
                                                      random_bounds());
    }

    std::unique_ptr<Operation> pool(int x) {
        const Image& from = images[x];
        const bool whole = random_.one_in(4), mean = random_.one_in(2), padded = mean && random_.one_in(2);
        Window w{whole ? from.h : random_.pick(1, 5), whole ? from.w : random_.pick(1, 5), 1, 1, 1, 1, 0, 0};
        for (int* stride : {&w.stride_h, &w.stride_w}) *stride = random_.pick(1, 3);
        w.top = random_.pick(0, w.kernel_h / 2);
        w.left = random_.pick(0, w.kernel_w / 2);
        // The last windows may reach beyond the padding, but none lies in it.
        const auto outputs = [&](int size, int padding, int kernel, int stride) {
            const int beyond = padded || random_.one_in(2) ? 0 : stride - 1;
            const int count = outputs_of(size, padding, padding + beyond, kernel, stride);
            return count > 1 && (count - 1) * stride >= size + padding ? count - 1 : count;
        };
        const int h = outputs(from.h, w.top, w.kernel_h, w.stride_h),
                  width = outputs(from.w, w.left, w.kernel_w, w.stride_w);
        if (h == 0 || width == 0) return nullptr;
        return std::make_unique<Pool>(x, add_image(from.channels, h, width), w, mean, padded);
    }

    std::unique_ptr<Operation> gather(int x) {
        const int h = images[x].h, w = images[x].w;
        std::vector<int> from{x};
        for (int more = random_.pick(0, 2); more > 0; --more) {
            const int id = second_input(random_.one_in(2) ? images[x].channels : random_channels(), h, w);
            if (std::find(from.begin(), from.end(), id) == from.end()) from.push_back(id);
        }
        std::vector<GatherStep::Source> sources;
        for (int input = 0; input < int(from.size()); ++input) {
            for (int channel = 0; channel < images[from[input]].channels; ++channel)
                sources.push_back({input, channel});
        }
        // All in turn, some in turn, or any in any order.
        const int way = random_.pick(0, 2), all = int(sources.size());
        if (way == 1) {
            const int first = random_.one_in(2) ? random_.pick(0, (all - 1) / 16) * 16 : random_.pick(0, all - 1);
            sources = {sources.begin() + first, sources.begin() + random_.pick(first + 1, all)};
        } else if (way == 2) {
            std::shuffle(sources.begin(), sources.end(), random_.engine());
        }
        const int y = add_image(int(sources.size()), h, w);
        return std::make_unique<Gather>(std::move(from), y, std::move(sources));
    }

    // Whether an operation is computed together with those before it.
    bool joins_chain(const Operation& operation) {
        if (operations.empty() || !operation.is_local() || random_.one_in(6)) return false;
        std::vector<int> written;
        for (std::size_t i = operations.size(); i > 0;) {
            written.push_back(operations[--i]->output);
            if (begins_chain[i]) break;
        }
        const int last = written.front();
        const auto* elementwise = dynamic_cast<const ElementwiseOperation*>(&operation);
        if (elementwise && elementwise->gates_with(last)) return false;
        bool reads_last = false;
        for (const int input : operation.inputs) {
            if (input == last) {
                reads_last = true;
            } else if (std::find(written.begin(), written.end(), input) != written.end()) {
                return false;
            }
        }
        return reads_last;
    }

    int uses(int id) const {
        int uses = 0;
        for (const auto& operation : operations) {
            uses += int(std::count(operation->inputs.begin(), operation->inputs.end(), id));
        }
        return uses;
    }

    void choose_outputs() {
        for (const auto& operation : operations) {
            if (uses(operation->output) == 0 || random_.one_in(4)) outputs.push_back(operation->output);
        }
    }

    void choose_storage() {
        const auto is_output = [&](int id) { return std::count(outputs.begin(), outputs.end(), id) > 0; };
        for (const auto& operation : operations) {
            Margins& margins = images[operation->inputs[0]].margins;
            const Margins needed = operation->margins(images);
            margins = {std::max(margins.top, needed.top), std::max(margins.bottom, needed.bottom),
                       std::max(margins.left, needed.left), std::max(margins.right, needed.right)};
        }
        for (std::size_t i = 1; i < operations.size(); ++i) {
            const int id = operations[i - 1]->output;
            const auto& reads = operations[i]->inputs;
            images[id].strip = !begins_chain[i] && !is_output(id) && uses(id) == 1 &&
                               std::count(reads.begin(), reads.end(), id) && !random_.one_in(8);
        }
        for (int id = 0; id < int(images.size()); ++id) {
            Image& image = images[id];
            bool planar = image.given && !is_output(id);
            for (const auto& operation : operations) {
                for (const int input : operation->inputs)
                    planar = planar && (input != id || operation->reads_planar(id));
            }
            image.planar = planar && random_.one_in(2);
            if (image.strip || !random_.one_in(4)) continue;
            for (int* side : {&image.margins.top, &image.margins.bottom, &image.margins.left, &image.margins.right})
                *side += random_.pick(0, 2);
        }
    }

    Random& random_;
};

}  // namespace featherbench
