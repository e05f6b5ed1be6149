// Helpers for both Python bindings.

#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <stdexcept>
#include <string>

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include "memory.hpp"
#include "tiles.hpp"

namespace featherbench {

void bind_grouped(nanobind::module_& module);
void bind_sparse_pointwise(nanobind::module_& module);
void bind_network(nanobind::module_& module);

using Output = nanobind::ndarray<nanobind::numpy, float, nanobind::ndim<4>>;

inline const Kernels& kernels_or_throw(const std::string& isa) {
    if (const Kernels* set = isa.empty() ? *kernels() : kernels(isa.c_str())) return *set;
    throw std::invalid_argument("no kernels for " + isa + " on this processor");
}

inline int at_least_one(int threads) {
    if (threads < 1) throw std::invalid_argument("threads must be at least 1, not " + std::to_string(threads));
    return threads;
}

inline Output new_output(std::array<std::size_t, 4> shape) {
    float* data = aligned_floats(std::max<std::size_t>(shape[0] * shape[1] * shape[2] * shape[3], 1)).release();
    nanobind::capsule owner(data, [](void* floats) noexcept { AlignedDelete{}(static_cast<float*>(floats)); });
    return Output(data, 4, shape.data(), owner);
}

}  // namespace featherbench
