// Arrays of floats that start at a cache line.

#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>

namespace featherbench {

constexpr std::size_t kLine = 64;  // bytes; also the widest vector

struct AlignedDelete {
    void operator()(float* floats) const { ::operator delete[](floats, std::align_val_t{kLine}); }
};
using AlignedFloats = std::unique_ptr<float[], AlignedDelete>;

inline AlignedFloats aligned_floats(std::size_t count) {
    return AlignedFloats(static_cast<float*>(::operator new[](count * sizeof(float), std::align_val_t{kLine})));
}

class Floats {
public:
    Floats() = default;
    explicit Floats(std::size_t count) : data_(aligned_floats(count)), count_(count) {
        std::memset(data_.get(), 0, bytes());
    }
    float* data() { return data_.get(); }
    const float* data() const { return data_.get(); }
    std::size_t bytes() const { return count_ * sizeof(float); }

private:
    AlignedFloats data_;
    std::size_t count_ = 0;
};

}  // namespace featherbench
