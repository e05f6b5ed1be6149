// Measures peaks of the hardware: the rate of fp32 multiply-adds in registers, and the rate of a streaming copy.
//
// Both are upper bounds, so the fastest of many short slices counts: a disturbance can only slow a slice down.

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <functional>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sched.h>

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

namespace nb = nanobind;

namespace {

using Clock = std::chrono::steady_clock;

// Shorter than a scheduler's time slice, so that some slices are undisturbed even where another process wants the core.
constexpr std::chrono::duration<double> kSlice{0.5e-3};
constexpr int kFewest = 3;

// Enough independent chains to hide the latency of an FMA on two pipes (at most 6 cycles x 2), in 16 registers.
constexpr std::size_t kChains = 12;

// Makes the compiler assume that this value is read and may have changed.
template <class T>
[[gnu::always_inline]] inline void opaque(T& value) {
    asm volatile("" : "+m"(value) : : "memory");
}

// Returns the cores that this process may use, or none where the system does not say.
std::vector<int> given_cores() {
    cpu_set_t set;
    std::vector<int> cores;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return cores;
    for (int core = 0; core < CPU_SETSIZE; ++core) {
        if (CPU_ISSET(core, &set)) cores.push_back(core);
    }
    return cores;
}

// Pins this thread to one core: a scheduler may start two threads on one core and separate them only after some slices.
void stay_on(int core) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    sched_setaffinity(0, sizeof set, &set);
}

// Returns the iterations per second of one thread in the fastest slice. A slice runs `iterations` iterations of every
// thread's work; its time is from the first start to the last end. `work(thread, iterations)` must not throw; its first
// call, of a single iteration, is not timed and may prepare.
double fastest(int threads, double seconds, const std::function<void(int, std::size_t)>& work) {
    std::vector<Clock::time_point> starts(threads), ends(threads);
    std::chrono::duration<double> spent{0};
    std::size_t iterations = 1;
    int judged = 0;
    double best = 0;
    bool done = false;

    auto judge = [&]() noexcept {
        const std::chrono::duration<double> taken =
            *std::max_element(ends.begin(), ends.end()) - *std::min_element(starts.begin(), starts.end());
        auto shortest = taken;  // one thread's time: a thread that starts late must not make a slice look long enough
        for (int thread = 0; thread < threads; ++thread) {
            shortest = std::min<std::chrono::duration<double>>(shortest, ends[thread] - starts[thread]);
        }
        spent += taken;
        if (shortest < kSlice / 2) {
            iterations *= 2;
        } else {
            best = std::max(best, static_cast<double>(iterations) / taken.count());
            ++judged;
        }
        done = judged >= kFewest && spent.count() >= seconds;
    };
    std::barrier start(threads);
    std::barrier finish(threads, judge);
    auto member = [&](int thread) {
        work(thread, 1);
        while (!done) {
            start.arrive_and_wait();
            starts[thread] = Clock::now();
            work(thread, iterations);
            ends[thread] = Clock::now();
            finish.arrive_and_wait();
        }
    };

    // Threads that cannot all be started must not wait at the barrier for the missing ones.
    enum { kWait, kGo, kGiveUp };
    std::atomic<int> go = kWait;
    const std::vector<int> cores = given_cores();
    std::vector<std::jthread> members;
    try {
        for (int thread = 0; thread < threads; ++thread) {
            members.emplace_back([&, thread] {
                go.wait(kWait);
                if (go == kGiveUp) return;
                if (threads > 1 && !cores.empty()) stay_on(cores[static_cast<std::size_t>(thread) % cores.size()]);
                member(thread);
            });
        }
    } catch (...) {
        go = kGiveUp;
        go.notify_all();
        throw;
    }
    go = kGo;
    go.notify_all();
    members.clear();
    return best;
}

struct Isa {
    const char* name;
    bool (*supported)();
    void (*multiply_add)(std::size_t iterations);
    double flops_per_iteration;
};

// Defines a kernel for one instruction set. It is a macro because a target attribute cannot be a template parameter,
// and vectors must be lowered to instructions in the function that carries the attribute. One iteration is kSteps
// dependent multiply-adds in each of kChains chains, whose values converge to 2, far from denormals.
constexpr std::size_t kSteps = 64;

#define MULTIPLY_ADD(NAME, ATTRIBUTE, VECTOR)                                                             \
    template <std::size_t... Chain>                                                                       \
    ATTRIBUTE void NAME##_chains(std::size_t iterations, std::index_sequence<Chain...>) {                 \
        using Vector = VECTOR;                                                                            \
        Vector half = Vector{} + 0.5f, one = Vector{} + 1.0f;                                             \
        opaque(half);                                                                                     \
        opaque(one);                                                                                      \
        Vector chains[sizeof...(Chain)] = {(Vector{} + static_cast<float>(Chain))...};                    \
        for (std::size_t step = 0; step < iterations * kSteps; ++step) {                                  \
            ((chains[Chain] = chains[Chain] * half + one), ...);                                          \
        }                                                                                                 \
        (opaque(chains[Chain]), ...);                                                                     \
    }                                                                                                     \
    void NAME(std::size_t iterations) { NAME##_chains(iterations, std::make_index_sequence<kChains>{}); } \
    constexpr double NAME##_flops = 2.0 * (sizeof(VECTOR) / sizeof(float)) * kChains * kSteps;

template <std::size_t bytes>
struct Lanes {
    typedef float Vector __attribute__((vector_size(bytes)));
};

MULTIPLY_ADD(scalar, , float)
#if defined(__x86_64__)
MULTIPLY_ADD(avx2, __attribute__((target("avx2,fma"))), Lanes<32>::Vector)
MULTIPLY_ADD(avx512, __attribute__((target("avx512f"))), Lanes<64>::Vector)
#elif defined(__aarch64__)
MULTIPLY_ADD(neon, , Lanes<16>::Vector)
#endif

bool always() { return true; }

// Best first.
const Isa kIsas[] = {
#if defined(__x86_64__)
    {"avx512", [] { return __builtin_cpu_supports("avx512f") != 0; }, avx512, avx512_flops},
    {"avx2", [] { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }, avx2, avx2_flops},
#elif defined(__aarch64__)
    {"neon", always, neon, neon_flops},
#endif
    {"scalar", always, scalar, scalar_flops},
};

std::vector<std::string> isas() {
    std::vector<std::string> names;
    for (const Isa& isa : kIsas) {
        if (isa.supported()) names.emplace_back(isa.name);
    }
    return names;
}

void check(int threads, double seconds) {
    if (threads < 1) throw std::invalid_argument("threads must be at least 1");
    if (!(seconds > 0 && seconds <= 60)) throw std::invalid_argument("seconds must be above 0 and at most 60");
}

double fma_gflops(const std::string& name, int threads, double seconds) {
    check(threads, seconds);
    for (const Isa& isa : kIsas) {
        if (name == isa.name && isa.supported()) {
            const double iterations = fastest(threads, seconds, [&](int, std::size_t n) { isa.multiply_add(n); });
            return iterations * isa.flops_per_iteration * threads / 1e9;
        }
    }
    throw std::invalid_argument("this processor has no " + name);
}

double copy_bytes_per_second(std::size_t bytes, int threads, double seconds) {
    check(threads, seconds);
    constexpr std::size_t page = 4096;
    const std::size_t each = bytes / 2 / static_cast<std::size_t>(threads) / 64 * 64;
    if (each == 0) throw std::invalid_argument("bytes must be at least 128 a thread");

    struct Free {
        void operator()(std::byte* memory) const { ::operator delete(memory, std::align_val_t{page}); }
    };
    auto buffer = [&] {
        return std::unique_ptr<std::byte, Free>(static_cast<std::byte*>(::operator new(each, std::align_val_t{page})));
    };
    std::vector<std::unique_ptr<std::byte, Free>> from, to;
    for (int thread = 0; thread < threads; ++thread) {
        from.push_back(buffer());
        to.push_back(buffer());
    }
    std::vector<char> touched(threads);
    const double iterations = fastest(threads, seconds, [&](int thread, std::size_t n) {
        std::byte *source = from[thread].get(), *destination = to[thread].get();
        if (!std::exchange(touched[thread], 1)) {
            // The thread that uses the memory writes it first, so that it lies on that thread's NUMA node. Unwritten
            // pages would all be read from the kernel's single page of zeros.
            std::memset(source, 1, each);
        }
        for (std::size_t step = 0; step < n; ++step) {
            std::memcpy(destination, source, each);
            opaque(source);
        }
    });
    return iterations * 2.0 * static_cast<double>(each) * threads;
}

}  // namespace

NB_MODULE(_peaks, module) {
    using namespace nb::literals;
    module.doc() = "What the hardware can do, each figure being the fastest of many slices of about 0.5 ms.";
    module.def("isas", &isas, "The instruction sets that fma_gflops knows and this processor has, best first.");
    module.def("fma_gflops", &fma_gflops, "isa"_a, "threads"_a, "seconds"_a, nb::call_guard<nb::gil_scoped_release>(),
               "fp32 multiply-adds in registers, GFLOP/s of all threads together (2 FLOP each).\n\n"
               "Raises ValueError for an instruction set that this processor, or this build, lacks.");
    module.def("copy_bytes_per_second", &copy_bytes_per_second, "bytes"_a, "threads"_a, "seconds"_a,
               nb::call_guard<nb::gil_scoped_release>(),
               "Copying with a working set of `bytes` in total, source and destination; bytes read plus written.\n\n"
               "Each thread copies its own share. Runs at least three slices, however long that takes.");
}
