// Work shared out among threads that stay at hand between calls.

#pragma once

#include <algorithm>
#include <functional>

namespace featherbench {

// Calls work(unit, thread) once for each unit in [0, units), `thread` in [0, threads) being who does it; returns when
// all are done. `work` must not throw. The caller is thread 0; with one thread nothing else is started or woken.
void share(int threads, int units, const std::function<void(int unit, int thread)>& work);

// Into how many parts to cut each of some units of work, at most `most`, so that all threads have enough of them.
inline int parts_of_each(int units, int threads, int most) {
    if (threads == 1 || units == 0) return 1;
    return std::clamp((4 * threads + units - 1) / units, 1, most);
}

}  // namespace featherbench
