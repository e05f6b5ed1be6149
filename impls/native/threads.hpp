// Work shared out among threads that stay at hand between calls.

#pragma once

#include <functional>

namespace featherbench {

// Calls work(unit, thread) once for each unit in [0, units), `thread` in [0, threads) being who does it; returns when
// all are done. `work` must not throw. The caller is thread 0; with one thread nothing else is started or woken.
void share(int threads, int units, const std::function<void(int unit, int thread)>& work);

}  // namespace featherbench
