// Distributes work among threads that are kept between calls.

#pragma once

#include <algorithm>
#include <functional>

namespace featherbench {

// Calls work(unit, thread) once for each unit in [0, units) and returns when all calls have returned. `thread` in
// [0, threads) is the thread that makes the call; the caller is thread 0. With one thread no other is started or woken.
// `work` must not throw.
void parallel_for(int threads, int units, const std::function<void(int unit, int thread)>& work);

// Returns into how many parts, at most `max_parts`, to cut each unit of work so that all threads have enough to do.
inline int parts_of_each(int units, int threads, int max_parts) {
    if (threads == 1 || units == 0) return 1;
    return std::clamp((4 * threads + units - 1) / units, 1, max_parts);
}

}  // namespace featherbench
