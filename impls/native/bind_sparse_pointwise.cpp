// Python binding of the sparse pointwise convolution and its gradients.

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "binding.hpp"
#include "sparse_pointwise.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace featherbench {
namespace {

using Matrix = nb::ndarray<float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Weight = nb::ndarray<const float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Bias = nb::ndarray<const float, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Stack = nb::ndarray<const float, nb::ndim<4>, nb::c_contig, nb::device::cpu>;

void require(bool right, const char* what) {
    if (!right) throw std::invalid_argument(what);
}

class Product {
public:
    Product(const CsrPattern& pattern, int positions, const std::string& isa, int threads)
        : inputs_(pattern.inputs),
          outputs_(pattern.outputs),
          weights_(pattern.entries.size()),
          positions_(positions),
          product_(pattern, positions, kernels_or_throw(isa), at_least_one(threads)) {}

    void pack(const Weight& weight, const std::optional<Bias>& bias, bool keep) {
        require(!frozen_, "the product is frozen: its weights stay");
        require(weight.size() == weights_, "the weight has another size than the pattern");
        require(!bias || bias->size() == std::size_t(outputs_), "the bias has one number for each output");
        product_.pack(weight.data(), bias ? bias->data() : nullptr, keep);
    }

    void freeze() {
        product_.freeze();
        frozen_ = true;
    }

    Output multiply(const Stack& x) {
        require(x.shape(1) == std::size_t(inputs_) && x.shape(2) * x.shape(3) == std::size_t(positions_),
                "the input has other planes or positions than this product");
        Output y = new_output({x.shape(0), std::size_t(outputs_), x.shape(2), x.shape(3)});
        product_.multiply(x.data(), int(x.shape(0)), y.data());
        return y;
    }

    std::size_t packed_bytes() const { return product_.packed_bytes(); }
    std::size_t workspace_bytes() const { return product_.workspace_bytes(); }

private:
    int inputs_, outputs_;
    std::size_t weights_;
    int positions_;
    SparsePointwise product_;
    bool frozen_ = false;
};

class Gradient {
public:
    Gradient(const CsrPattern& pattern, const std::string& isa, int threads)
        : inputs_(pattern.inputs),
          outputs_(pattern.outputs),
          weights_(pattern.entries.size()),
          gradient_(pattern, kernels_or_throw(isa), at_least_one(threads)) {}

    void compute(const Stack& x, const Stack& dy, const Matrix& weight) {
        require(x.shape(0) == dy.shape(0) && x.shape(2) == dy.shape(2) && x.shape(3) == dy.shape(3) &&
                    x.shape(1) == std::size_t(inputs_) && dy.shape(1) == std::size_t(outputs_),
                "the shapes of input and gradient are not those of one layer");
        require(weight.size() == weights_, "the weight has another size than the pattern");
        gradient_.compute(x.data(), dy.data(), int(x.shape(0)), int(x.shape(2) * x.shape(3)), weight.data());
    }

private:
    int inputs_, outputs_;
    std::size_t weights_;
    SparsePointwiseGradient gradient_;
};

CsrPattern pattern_of(int inputs, const std::vector<int>& starts, const std::vector<int>& columns,
                      const std::vector<int>& entries, const std::vector<int>& order) {
    const int outputs = int(order.size());
    require(inputs >= 1 && outputs >= 1 && starts.size() == order.size() + 1 && starts[0] == 0 &&
                columns.size() == entries.size() && starts.back() == int(columns.size()),
            "not a pattern");
    const auto below = [](const std::vector<int>& values, int limit) {
        return std::all_of(values.begin(), values.end(), [=](int value) { return value >= 0 && value < limit; });
    };
    require(below(columns, inputs) && below(order, outputs) && below(entries, int(entries.size())) &&
                std::is_sorted(starts.begin(), starts.end()),
            "not a pattern");
    return {inputs, outputs, starts, columns, entries, order};
}

}  // namespace

void bind_sparse_pointwise(nb::module_& module) {
    nb::class_<CsrPattern>(module, "CsrPattern")
        .def(
            "__init__",
            [](CsrPattern* self, int inputs, const std::vector<int>& starts, const std::vector<int>& columns,
               const std::vector<int>& entries, const std::vector<int>& order) {
                new (self) CsrPattern(pattern_of(inputs, starts, columns, entries, order));
            },
            "inputs"_a, "starts"_a, "columns"_a, "entries"_a, "order"_a);
    nb::class_<Product>(module, "SparsePointwise")
        .def(nb::init<const CsrPattern&, int, const std::string&, int>(), "pattern"_a, "positions"_a, "isa"_a,
             "threads"_a)
        .def("pack", &Product::pack, "weight"_a.noconvert(), "bias"_a.noconvert().none(), "keep"_a = false)
        .def("freeze", &Product::freeze)
        .def("__call__", &Product::multiply, "x"_a.noconvert())
        .def_prop_ro("packed_bytes", &Product::packed_bytes)
        .def_prop_ro("workspace_bytes", &Product::workspace_bytes);
    nb::class_<Gradient>(module, "SparsePointwiseGradient")
        .def(nb::init<const CsrPattern&, const std::string&, int>(), "pattern"_a, "isa"_a, "threads"_a)
        .def("__call__", &Gradient::compute, "x"_a.noconvert(), "dy"_a.noconvert(), "weight"_a.noconvert());
}

}  // namespace featherbench
