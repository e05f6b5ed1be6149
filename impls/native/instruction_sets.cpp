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
    static const auto supported = [] {
        std::array<const Kernels*, 4> supported{};
        int count = 0;
#if defined(__x86_64__)
        __builtin_cpu_init();
        const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
        if (has_avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
            __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")) {
            supported[count++] = &avx512::offered;
        }
        if (has_avx2) supported[count++] = &avx2::offered;
#endif
        supported[count] = &baseline::offered;
        return supported;
    }();
    return supported.data();
}

const Kernels* kernels(const char* isa) {
    for (const Kernels* const* set = kernels(); *set; ++set) {
        if (std::strcmp((*set)->isa, isa) == 0) return *set;
    }
    return nullptr;
}

}  // namespace featherbench
