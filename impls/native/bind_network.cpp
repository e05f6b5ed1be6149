// Python binding of networks.

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "binding.hpp"
#include "network/elementwise_step.hpp"
#include "network/grouped_step.hpp"
#include "network/network.hpp"
#include "network/sum_step.hpp"
#include "network/winograd_step.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace featherbench {
namespace {

using Numbers = nb::ndarray<const float, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Kernel = nb::ndarray<const float, nb::ndim<4>, nb::c_contig, nb::device::cpu>;
using Reads = nb::ndarray<const int, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Images = nb::ndarray<const float, nb::ndim<4>, nb::device::cpu>;
using Pair = std::array<int, 2>;

Window window_of(Pair kernel, Pair stride, Pair dilation, Pair padding) {
    return {kernel[0], kernel[1], stride[0], stride[1], dilation[0], dilation[1], padding[0], padding[1]};
}

Activation activation_of(const std::string& name) {
    constexpr std::array<const char*, kActivations> kNames{"clamp", "hardswish", "hardsigmoid", "sigmoid", "silu"};
    for (int i = 0; i < kActivations; ++i) {
        if (name == kNames[i]) return static_cast<Activation>(i);
    }
    throw std::invalid_argument("no activation " + name);
}

BinaryOp operation_of(const std::string& name) {
    constexpr std::array<const char*, 4> kNames{"none", "add", "multiply", "gate"};
    for (int i = 0; i < 4; ++i) {
        if (name == kNames[i]) return static_cast<BinaryOp>(i);
    }
    throw std::invalid_argument("no operation " + name);
}

void add_sums(Network& network, int x, int y, int residual, const Kernel& weight, const Reads& reads,
              const Numbers& bias, Pair stride, Pair padding, Pair dilation, float low, float high, bool alternative) {
    const int filters = int(weight.shape(0)), channels = int(weight.shape(1));
    if (int(reads.shape(0)) != filters || int(reads.shape(1)) != channels || int(bias.shape(0)) != filters) {
        throw std::invalid_argument("weight, reads and bias differ in their filters or channels");
    }
    const Weights weights{filters, channels, weight.data(), reads.data(), bias.data()};
    const Window window = window_of({int(weight.shape(2)), int(weight.shape(3))}, stride, dilation, padding);
    network.add(std::make_unique<SumStep>(network.values(), network.kernels(), x, y, residual, weights, window,
                                          Bounds{low, high}),
                alternative);
}

bool add_grouped(Network& network, int x, int y, int residual, int group, const Kernel& weight, const Numbers& bias,
                 Pair stride, Pair padding, Pair dilation, float low, float high) {
    const Window window = window_of({int(weight.shape(2)), int(weight.shape(3))}, stride, dilation, padding);
    if (!GroupedStep::supports(network.kernels(), group, window)) return false;
    network.add(std::make_unique<GroupedStep>(network.values(), network.kernels(), x, y, residual, group, weight.data(),
                                              bias.data(), window, Bounds{low, high}),
                false);
    return true;
}

void add_winograd(Network& network, int x, int y, int residual, int groups, int outputs, const Kernel& weight,
                  const Numbers& bias, float low, float high, bool alternative) {
    network.add(std::make_unique<WinogradStep>(network.values(), network.kernels(), x, y, residual, groups, outputs,
                                               weight.data(), bias.data(), Bounds{low, high}),
                alternative);
}

void add_elementwise(Network& network, int a, int b, const std::string& second, int y,
                     const std::optional<Numbers>& scale, const std::optional<Numbers>& shift,
                     const std::string& activation, float low, float high) {
    network.add(std::make_unique<ElementwiseStep>(network.values(), network.kernels(), a, b, operation_of(second), y,
                                                  scale ? scale->data() : nullptr, shift ? shift->data() : nullptr,
                                                  activation_of(activation), Bounds{low, high}),
                false);
}

void add_pool(Network& network, int x, int y, Pair kernel, Pair stride, Pair padding, bool mean, bool padded) {
    network.add(
        std::make_unique<PoolStep>(network.kernels(), x, y, window_of(kernel, stride, {1, 1}, padding), mean, padded),
        false);
}

void add_gather(Network& network, std::vector<int> inputs, int y, const std::vector<std::pair<int, int>>& sources) {
    std::vector<GatherStep::Source> channels;
    for (const auto& [input, channel] : sources) channels.push_back({input, channel});
    network.add(std::make_unique<GatherStep>(std::move(inputs), y, std::move(channels)), false);
}

std::vector<Output> run(Network& network, const std::vector<Images>& xs) {
    if (xs.empty() || xs.size() != network.inputs().size()) throw std::invalid_argument("wrong number of inputs");
    const std::size_t n = xs[0].shape(0);
    for (std::size_t i = 0; i < xs.size(); ++i) {
        const Value& value = network.values()[network.inputs()[i]];
        if (xs[i].shape(0) != n || xs[i].shape(1) != std::size_t(value.channels) ||
            xs[i].shape(2) != std::size_t(value.h) || xs[i].shape(3) != std::size_t(value.w)) {
            throw std::invalid_argument("an input is not (" + std::to_string(n) + ", " +
                                        std::to_string(value.channels) + ", " + std::to_string(value.h) + ", " +
                                        std::to_string(value.w) + ")");
        }
    }
    std::vector<Output> ys;
    for (int id : network.outputs()) {
        const Value& value = network.values()[id];
        ys.push_back(new_output({n, std::size_t(value.channels), std::size_t(value.h), std::size_t(value.w)}));
    }
    for (std::size_t image = 0; image < n; ++image) {
        std::vector<Input> inputs;
        for (const Images& x : xs) {
            inputs.push_back(
                {x.data() + std::ptrdiff_t(image) * x.stride(0), x.stride(0), x.stride(1), x.stride(2), x.stride(3)});
        }
        std::vector<float*> outputs;
        for (const Output& y : ys) outputs.push_back(y.data() + image * y.shape(1) * y.shape(2) * y.shape(3));
        network.run(inputs, outputs);
    }
    return ys;
}

}  // namespace

void bind_network(nb::module_& module) {
    nb::class_<Network>(module, "Network")
        .def(
            "__init__",
            [](Network* network, const std::string& isa, int threads) {
                new (network) Network(kernels_or_throw(isa), at_least_one(threads));
            },
            "isa"_a, "threads"_a)
        .def_prop_ro("lanes", [](const Network& network) { return network.kernels().lanes[0]; })
        .def(
            "add_value",
            [](Network& network, int channels, int h, int w, std::array<int, 4> margins, bool planar, bool strip) {
                return network.add_value(channels, h, w, {margins[0], margins[1], margins[2], margins[3]}, planar,
                                         strip);
            },
            "channels"_a, "h"_a, "w"_a, "margins"_a, "planar"_a, "strip"_a)
        .def("begin_chain", &Network::begin_chain)
        .def("add_sums", &add_sums, "x"_a, "y"_a, "residual"_a, "weight"_a, "reads"_a, "bias"_a, "stride"_a,
             "padding"_a, "dilation"_a, "low"_a, "high"_a, "alternative"_a)
        .def("add_grouped", &add_grouped, "x"_a, "y"_a, "residual"_a, "group"_a, "weight"_a, "bias"_a, "stride"_a,
             "padding"_a, "dilation"_a, "low"_a, "high"_a)
        .def("add_winograd", &add_winograd, "x"_a, "y"_a, "residual"_a, "groups"_a, "outputs"_a, "weight"_a, "bias"_a,
             "low"_a, "high"_a, "alternative"_a)
        .def("add_elementwise", &add_elementwise, "a"_a, "b"_a, "second"_a, "y"_a, "scale"_a.none(), "shift"_a.none(),
             "activation"_a, "low"_a, "high"_a)
        .def("add_pool", &add_pool, "x"_a, "y"_a, "kernel"_a, "stride"_a, "padding"_a, "mean"_a, "padded"_a)
        .def("add_gather", &add_gather, "inputs"_a, "y"_a, "sources"_a)
        .def("set_inputs", &Network::set_inputs, "inputs"_a)
        .def("set_outputs", &Network::set_outputs, "outputs"_a)
        .def("finish", &Network::finish, "tuned"_a)
        .def("__call__", &run, "xs"_a)
        .def("seconds", nb::overload_cast<int>(&Network::seconds), "calls"_a)
        .def_prop_ro("texts", &Network::texts);
    module.def(
        "winograd_margins",
        [](int outputs, int h, int w) {
            const Margins m = WinogradStep::margins(outputs, h, w);
            return std::array<int, 4>{m.top, m.bottom, m.left, m.right};
        },
        "outputs"_a, "h"_a, "w"_a);
}

}  // namespace featherbench
