// Emulates a GPU that runs one thread at a time, so that the kernels can be run and debugged where there is no GPU.
//
// A block's threads are fibers that run in order or in reverse: each runs until it waits for others. Memory is as on a
// GPU only between barriers, so a missing barrier mostly shows in one of the two orders. Tensor cores multiply in
// float32 here; only a GPU shows what they round, and when.
#pragma once

#include <ucontext.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <vector>

#define __global__
#define __device__
#define __shared__ static
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))

struct alignas(8) uint2 {
    unsigned x, y;
};
struct alignas(16) uint4 {
    unsigned x, y, z, w;
};
struct Index {
    unsigned x = 1;
};

inline Index threadIdx, blockIdx, blockDim, gridDim;

class Emulator {
public:
    // Runs the kernel and returns the error at which a GPU would have stopped, or null.
    static const char* run(unsigned blocks, unsigned threads, bool reverse, const std::function<void()>& kernel) {
        gridDim.x = blocks, blockDim.x = threads;
        fault_ = nullptr;
        for (unsigned block = 0; block < blocks && !fault_; ++block) {
            blockIdx.x = block;
            run_block(threads, reverse, kernel);
        }
        return fault_;
    }

    static void fail(const char* fault) { fault_ = fault; }

    // Waits until all threads of the block or, with ``warp``, of the warp have called this as often as this thread has.
    static void wait(bool warp) {
        Thread& self = threads_[current_];
        const unsigned mine = ++(warp ? self.warp_barriers : self.barriers);
        const unsigned from = warp ? current_ / 32 * 32 : 0;
        const unsigned to = warp ? from + 32 : threads_.size();
        auto behind = [&] {
            for (unsigned i = from; i < to; ++i) {
                const Thread& other = threads_[i];
                if ((warp ? other.warp_barriers : other.barriers) >= mine) continue;
                if (other.done) fail("a thread ended while others wait for it");
                return true;
            }
            return false;
        };
        while (behind()) swapcontext(&self.context, &scheduler_);
    }

    // Stores this lane's operands, and returns those of all lanes of its warp.
    template <class Operands>
    static Operands* warp(const Operands& own) {
        static Operands put[32][32];
        Operands* lanes = put[current_ / 32];
        lanes[current_ % 32] = own;
        return lanes;
    }

    static unsigned lane() { return current_ % 32; }

private:
    struct Thread {
        ucontext_t context;
        std::vector<char> stack = std::vector<char>(1 << 16);
        unsigned barriers = 0, warp_barriers = 0;
        bool done = false;
    };

    static void run_block(unsigned count, bool reverse, const std::function<void()>& kernel) {
        kernel_ = &kernel;
        threads_.resize(count);  // and no new stacks for each block, as clearing those would take most of the time
        for (Thread& thread : threads_) {
            thread.barriers = thread.warp_barriers = 0;
            thread.done = false;
            getcontext(&thread.context);
            thread.context.uc_stack = {thread.stack.data(), 0, thread.stack.size()};
            thread.context.uc_link = &scheduler_;
            makecontext(&thread.context, enter, 0);
        }
        for (unsigned done = 0; done < count && !fault_;) {
            done = 0;
            for (unsigned i = 0; i < count; ++i) {
                current_ = reverse ? count - 1 - i : i;
                threadIdx.x = current_;
                if (!threads_[current_].done) swapcontext(&scheduler_, &threads_[current_].context);
                done += threads_[current_].done;
            }
        }
    }

    static void enter() {
        (*kernel_)();
        threads_[current_].done = true;
    }

    static inline const char* fault_ = nullptr;
    static inline std::vector<Thread> threads_;
    static inline ucontext_t scheduler_;
    static inline unsigned current_ = 0;
    static inline const std::function<void()>* kernel_ = nullptr;
};

template <class Vector>
Vector* vector_at(const void* place) {
    if (reinterpret_cast<std::uintptr_t>(place) % alignof(Vector)) Emulator::fail("a vector is not aligned");
    return static_cast<Vector*>(const_cast<void*>(place));
}

using std::min;

inline void __syncthreads() { Emulator::wait(false); }

inline void atomicAdd(float* to, float value) { *to += value; }
