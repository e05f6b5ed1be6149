// The threads that are kept between calls.
#include "threads.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <unistd.h>

namespace featherbench {
namespace {

constexpr int kSpins = 2000;  // about 50 us, so that threads are still awake for a call that follows soon

void cpu_relax() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

// Waits until `value` is no longer `old`, first spinning, then asleep; returns the new value.
unsigned changed(const std::atomic<unsigned>& value, unsigned old) {
    for (int spin = 0; spin < kSpins; ++spin) {
        if (const unsigned now = value.load(std::memory_order_acquire); now != old) return now;
        cpu_relax();
    }
    value.wait(old, std::memory_order_acquire);
    return value.load(std::memory_order_acquire);
}

class ThreadPool {
public:
    explicit ThreadPool(int helpers) : process_(getpid()) {
        try {
            for (int i = 1; i <= helpers; ++i) threads_.emplace_back([this, i] { help(i); });
        } catch (const std::system_error& error) {
            end();
            throw std::runtime_error("cannot start " + std::to_string(helpers) + " threads: " + error.what());
        }
    }

    ~ThreadPool() { end(); }

    bool lost() const { return process_ != getpid(); }
    int helpers() const { return static_cast<int>(threads_.size()); }

    void parallel_for(int threads, int units, const std::function<void(int, int)>& work) {
        work_ = &work;
        units_ = units;
        helpers_ = threads - 1;
        chunk_ = std::max(1, units / (threads * 8));
        next_.store(0, std::memory_order_relaxed);
        joined_.store(0, std::memory_order_release);
        generation_.fetch_add(1, std::memory_order_release);
        generation_.notify_all();
        take(0);
        // Helpers that were late, as on a busy machine, are not waited for: they find this generation closed.
        unsigned joined = joined_.fetch_or(kClosed, std::memory_order_acq_rel) | kClosed;
        while (joined != kClosed) joined = changed(joined_, joined);
    }

private:
    static constexpr unsigned kClosed = 1u << 31;

    void end() {
        ending_.store(true, std::memory_order_relaxed);
        generation_.fetch_add(1, std::memory_order_release);
        generation_.notify_all();
        for (auto& thread : threads_) thread.join();
    }

    void help(int thread) {
        for (unsigned seen = 0;;) {
            seen = changed(generation_, seen);
            if (ending_.load(std::memory_order_relaxed)) return;
            if (!join()) continue;
            if (thread <= helpers_) take(thread);
            if (joined_.fetch_sub(1, std::memory_order_acq_rel) == (kClosed | 1)) joined_.notify_all();
        }
    }

    bool join() {
        unsigned joined = joined_.load(std::memory_order_acquire);
        do {
            if (joined & kClosed) return false;
        } while (!joined_.compare_exchange_weak(joined, joined + 1, std::memory_order_acq_rel));
        return true;
    }

    void take(int thread) {
        for (;;) {
            const int first = next_.fetch_add(chunk_, std::memory_order_relaxed);
            if (first >= units_) return;
            for (int unit = first; unit < std::min(first + chunk_, units_); ++unit) (*work_)(unit, thread);
        }
    }

    const pid_t process_;
    std::vector<std::thread> threads_;
    const std::function<void(int, int)>* work_ = nullptr;
    int units_ = 0, helpers_ = 0, chunk_ = 1;
    std::atomic<bool> ending_{false};
    std::atomic<int> next_{0};
    std::atomic<unsigned> generation_{0}, joined_{kClosed};  // generations so far; helpers at work on the current one
};

}  // namespace

void parallel_for(int threads, int units, const std::function<void(int, int)>& work) {
    threads = std::min(threads, units);
    if (threads <= 1) {
        for (int unit = 0; unit < units; ++unit) work(unit, 0);
        return;
    }
    static std::mutex one_at_a_time;
    // The pool is not destroyed at the end of the process, because a forked process has no threads to join.
    static ThreadPool* pool = nullptr;
    const std::lock_guard lock(one_at_a_time);
    if (pool && pool->lost()) pool = nullptr;
    if (!pool || pool->helpers() < threads - 1) {
        delete std::exchange(pool, nullptr);
        pool = new ThreadPool(threads - 1);
    }
    pool->parallel_for(threads, units, work);
}

}  // namespace featherbench
