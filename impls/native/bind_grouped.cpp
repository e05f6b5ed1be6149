// Python binding of the grouped convolution.

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include "binding.hpp"
#include "packed.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace featherbench {
namespace {

using Constant = nb::ndarray<const float, nb::c_contig, nb::device::cpu>;
using Images = nb::ndarray<const float, nb::ndim<4>, nb::device::cpu>;
using PlanTuple = std::tuple<std::string, int, int, int, int>;

constexpr long kMaxPositions = 1 << 28;  // distances within a channel's strip are int

Plan plan_of(const PlanTuple& tuple) {
    const auto& [kind, lanes, filters, rows, columns] = tuple;
    const auto at = std::find(kKinds.begin(), kKinds.end(), kind);
    if (at == kKinds.end())
        throw std::invalid_argument(
            "a plan is rows, flat_rows, out_channels, out_channels_inplace, depthwise, rows_inplace or winograd, not " +
            kind);
    return {static_cast<Plan::Kind>(at - kKinds.begin()), lanes, filters, rows, columns};
}

PlanTuple tuple_of(const Plan& plan) {
    return {kKinds[static_cast<int>(plan.kind)], plan.lanes, plan.filters, plan.rows, plan.columns};
}

Geometry geometry_of(std::array<int, 4> weight_shape, int groups, std::array<int, 2> size, std::array<int, 2> stride,
                     std::array<int, 4> padding, std::array<int, 2> dilation) {
    const auto [cout, channels, kernel_h, kernel_w] = weight_shape;
    const Geometry g{channels * groups, cout,       groups,     size[0],    size[1],
                     kernel_h,          kernel_w,   stride[0],  stride[1],  dilation[0],
                     dilation[1],       padding[0], padding[1], padding[2], padding[3]};
    if (std::min({channels, cout, groups, kernel_h, kernel_w, size[0], size[1], stride[0], stride[1], dilation[0],
                  dilation[1]}) < 1 ||
        *std::min_element(padding.begin(), padding.end()) < 0 || cout % groups) {
        throw std::invalid_argument(
            "sizes, strides, dilations and groups must be at least 1, padding at least 0, and "
            "groups must divide the filters");
    }
    const auto reaches = [](int size, int before, int after, int kernel, int dilation) {
        return long{size} + before + after >= long{dilation} * (kernel - 1) + 1;
    };
    if (!reaches(g.h, g.top, g.bottom, kernel_h, g.dilation_h) ||
        !reaches(g.w, g.left, g.right, kernel_w, g.dilation_w)) {
        throw std::invalid_argument("the kernel is larger than the padded input");
    }
    if ((long{g.h} + g.top + g.bottom) * (long{g.w} + g.left + g.right) > kMaxPositions) {
        throw std::invalid_argument("the padded input has more than 2^28 positions a channel");
    }
    return g;
}

class GroupedConv2d {
public:
    GroupedConv2d(const Constant& weight, const std::optional<Constant>& bias, int groups, std::array<int, 2> size,
                  std::array<int, 2> stride, std::array<int, 4> padding, std::array<int, 2> dilation, bool relu,
                  const std::string& isa, int threads, const PlanTuple& plan)
        : g_(geometry_of(shape4(weight), groups, size, stride, padding, dilation)),
          packed_(packed({g_, kernels_or_throw(isa), at_least_one(threads), plan_of(plan), relu}, weight.data(),
                         bias ? checked(*bias, g_.cout).data() : nullptr)),
          plan_(plan_of(plan).text()) {}

    Output operator()(const Images& x) {
        const int n = images(x);
        Output y = new_output({std::size_t(n), std::size_t(g_.cout), std::size_t(g_.out_h()), std::size_t(g_.out_w())});
        packed_->run(input(x), n, y.data());
        return y;
    }

    // Returns the seconds of the fastest of `calls` calls, which write to an existing array.
    double seconds(const Images& x, int calls) {
        const int n = images(x);
        AlignedFloats y = aligned_floats(std::size_t(n) * g_.cout * g_.out_h() * g_.out_w());
        double best = 1e9;
        for (int i = 0; i < calls; ++i) {
            const auto start = std::chrono::steady_clock::now();
            packed_->run(input(x), n, y.get());
            best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
        }
        return best;
    }

    const std::string& plan() const { return plan_; }
    std::size_t packed_bytes() const { return packed_->packed_bytes(); }
    std::size_t workspace_bytes() const { return packed_->workspace_bytes(); }

private:
    static std::array<int, 4> shape4(const Constant& weight) {
        if (weight.ndim() != 4) throw std::invalid_argument("the weight has four dimensions");
        return {int(weight.shape(0)), int(weight.shape(1)), int(weight.shape(2)), int(weight.shape(3))};
    }
    static const Constant& checked(const Constant& bias, int cout) {
        if (bias.ndim() != 1 || bias.shape(0) != std::size_t(cout))
            throw std::invalid_argument("the bias has one number for each filter");
        return bias;
    }
    int images(const Images& x) const {
        if (x.shape(1) != std::size_t(g_.cin) || x.shape(2) != std::size_t(g_.h) || x.shape(3) != std::size_t(g_.w)) {
            throw std::invalid_argument("the input is not (n, " + std::to_string(g_.cin) + ", " + std::to_string(g_.h) +
                                        ", " + std::to_string(g_.w) + ")");
        }
        return int(x.shape(0));
    }
    static Input input(const Images& x) { return {x.data(), x.stride(0), x.stride(1), x.stride(2), x.stride(3)}; }

    Geometry g_;
    std::unique_ptr<Packed> packed_;
    std::string plan_;
};

std::vector<PlanTuple> plans(std::array<int, 4> weight_shape, int groups, std::array<int, 2> size,
                             std::array<int, 2> stride, std::array<int, 4> padding, std::array<int, 2> dilation,
                             const std::string& isa, bool winograd) {
    const Geometry g = geometry_of(weight_shape, groups, size, stride, padding, dilation);
    const Kernels& kernels = kernels_or_throw(isa);
    std::vector<PlanTuple> plans;
    for (const Plan& plan : winograd ? winograd_candidates(g, kernels) : candidates(g, kernels)) {
        plans.push_back(tuple_of(plan));
    }
    return plans;
}

}  // namespace

void bind_grouped(nb::module_& module) {
    module.def("plans", &plans, "weight_shape"_a, "groups"_a, "size"_a, "stride"_a, "padding"_a, "dilation"_a, "isa"_a,
               "winograd"_a);
    nb::class_<GroupedConv2d>(module, "GroupedConv2d")
        .def(nb::init<const Constant&, const std::optional<Constant>&, int, std::array<int, 2>, std::array<int, 2>,
                      std::array<int, 4>, std::array<int, 2>, bool, const std::string&, int, const PlanTuple&>(),
             "weight"_a.noconvert(), "bias"_a.noconvert().none(), "groups"_a, "size"_a, "stride"_a, "padding"_a,
             "dilation"_a, "relu"_a, "isa"_a, "threads"_a, "plan"_a)
        .def("__call__", &GroupedConv2d::operator(), "x"_a.noconvert())
        .def("seconds", &GroupedConv2d::seconds, "x"_a.noconvert(), "calls"_a)
        .def_prop_ro("plan", &GroupedConv2d::plan)
        .def_prop_ro("packed_bytes", &GroupedConv2d::packed_bytes)
        .def_prop_ro("workspace_bytes", &GroupedConv2d::workspace_bytes);
}

}  // namespace featherbench
