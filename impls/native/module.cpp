// The Python module impls.native._kernels.

#include <string>
#include <vector>

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "binding.hpp"

namespace featherbench {
namespace {

std::vector<std::string> isas() {
    std::vector<std::string> names;
    for (const Kernels* const* set = kernels(); *set; ++set) names.emplace_back((*set)->isa);
    return names;
}

}  // namespace
}  // namespace featherbench

NB_MODULE(_kernels, module) {
    nanobind::set_leak_warnings(false);  // Kernels that a cache keeps until the interpreter ends are no leaks.
    module.def("isas", &featherbench::isas);
    featherbench::bind_grouped(module);
    featherbench::bind_sparse_pointwise(module);
    featherbench::bind_network(module);
}
