// Selects those of the compiled instruction sets that this processor has.

#include <array>
#include <cstring>

#include "tiles.hpp"

#if defined(__x86_64__)
namespace avx512 {
extern const featherbench::Kernels offered;
}
namespace avx2 {
extern const featherbench::Kernels offered;
}
#endif
namespace baseline {
extern const featherbench::Kernels offered;
}

namespace featherbench {

const Kernels* const* kernels() {
    static const auto found = [] {
        std::array<const Kernels*, 4> found{};
        int count = 0;
#if defined(__x86_64__)
        __builtin_cpu_init();
        const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
        if (has_avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
            __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")) {
            found[count++] = &avx512::offered;
        }
        if (has_avx2) found[count++] = &avx2::offered;
#endif
        found[count] = &baseline::offered;
        return found;
    }();
    return found.data();
}

const Kernels* kernels(const char* isa) {
    for (const Kernels* const* one = kernels(); *one; ++one) {
        if (std::strcmp((*one)->isa, isa) == 0) return *one;
    }
    return nullptr;
}

}  // namespace featherbench
