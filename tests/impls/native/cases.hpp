// What the programs of random cases in this folder share: names of cases for failures, comparisons, and the main loop.

#pragma once

#include <signal.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "arrays.hpp"
#include "tiles.hpp"

extern "C" [[gnu::weak]] void __sanitizer_set_death_callback(void (*)());

namespace featherbench {

inline std::string current;  // what is being computed

inline void name_current() { std::fprintf(stderr, "died in %s\n", current.c_str()); }

inline void name_if_it_dies() {
    const auto die = [](int) {
        name_current();
        std::_Exit(1);
    };
    signal(SIGABRT, die);
    if (__sanitizer_set_death_callback) {
        __sanitizer_set_death_callback(name_current);
    } else {
        for (const int fatal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) signal(fatal, die);
    }
}

inline double largest(const std::vector<double>& numbers) {
    double largest = 0;
    for (const double number : numbers) largest = std::max(largest, std::abs(number));
    return largest;
}

// Ends the program if a number is wrong by more than `error`. Where NaN is expected, it must be NaN.
inline void compare(float number, double expected, const char* what, std::size_t index, double error) {
    if (std::isnan(expected) ? std::isnan(number) : std::abs(number - expected) <= error) return;
    std::fprintf(stderr, "wrong: %s: %s[%zu] is %g, not %g\n", current.c_str(), what, index, double{number}, expected);
    std::exit(1);
}

inline void compare(const Array& numbers, const std::vector<double>& expected, const char* what, double error = 0) {
    for (std::size_t i = 0; i < expected.size(); ++i) compare(numbers[i], expected[i], what, i, error);
}

// Calls check(random, name) for each case, with the arguments CASES, SEED and FIRST of a program. Returns the beginning
// of the line that says that all is right.
template <class Check>
std::string run_cases(int count, char** arguments, const Check& check) {
    const auto argument = [&](int i, int otherwise) { return i < count ? std::atoi(arguments[i]) : otherwise; };
    const int cases = argument(1, 2000), seed = argument(2, 0), first = argument(3, 0);
    name_if_it_dies();
    for (int i = first; i < first + cases; ++i) {
        Random random{unsigned(seed), unsigned(i)};
        current = "case " + std::to_string(i) + " of seed " + std::to_string(seed);
        check(random, std::string(current));
    }
    std::string isas;
    for (const Kernels* const* set = kernels(); *set; ++set)
        isas += std::string(isas.empty() ? "" : ", ") + (*set)->isa;
    return std::to_string(cases) + " cases of seed " + std::to_string(seed) + " are right with " + isas;
}

}  // namespace featherbench
