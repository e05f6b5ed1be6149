// Helpers for the programs in this folder: seeded random numbers, and arrays that detect accesses out of bounds.

#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <random>

class Random {
public:
    Random(unsigned seed, unsigned stream) {
        std::seed_seq both{seed, stream};
        engine_.seed(both);
    }
    int pick(int least, int most) { return least + int(engine_() % std::uint64_t(most - least + 1)); }
    bool one_in(int many) { return pick(1, many) == 1; }
    // Returns a small integer. Sums of 100,000 products of such numbers are exact in float32, whatever their order.
    float small() { return float(pick(1, 9) * (one_in(2) ? 1 : -1)); }
    std::mt19937_64& engine() { return engine_; }

private:
    std::mt19937_64 engine_;
};

// An array that is filled with NaN at first. The address sanitizer detects accesses beside an array from the heap.
// Without the sanitizer, every second array lies right before, and every other right after, a page without access.
class Array {
public:
    explicit Array(std::size_t count) : count_(count) {
#if defined(__SANITIZE_ADDRESS__)
        data_ = new float[count];
#else
        static bool before = false;
        const std::size_t page = std::size_t(sysconf(_SC_PAGESIZE)), bytes = count * sizeof(float);
        const std::size_t inner = (bytes + page - 1) / page * page;
        mapped_ = inner + 2 * page;
        pages_ = static_cast<char*>(mmap(nullptr, mapped_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        if (pages_ == MAP_FAILED || (inner && mprotect(pages_ + page, inner, PROT_READ | PROT_WRITE))) std::abort();
        before = !before;
        data_ = reinterpret_cast<float*>(pages_ + page + (before ? inner - bytes : 0));
#endif
        fill(NAN);
    }
    Array(const Array&) = delete;
    Array& operator=(const Array&) = delete;
    ~Array() {
#if defined(__SANITIZE_ADDRESS__)
        delete[] data_;
#else
        munmap(pages_, mapped_);
#endif
    }

    void fill(float value) {
        for (float& one : *this) one = value;
    }
    void fill(Random& random) {
        for (float& one : *this) one = random.small();
    }
    float* data() { return data_; }
    const float* data() const { return data_; }
    std::size_t size() const { return count_; }
    float* begin() { return data_; }
    float* end() { return data_ + count_; }
    float operator[](std::size_t i) const { return data_[i]; }

private:
    float* data_;
    std::size_t count_;
#if !defined(__SANITIZE_ADDRESS__)
    char* pages_;
    std::size_t mapped_;
#endif
};
