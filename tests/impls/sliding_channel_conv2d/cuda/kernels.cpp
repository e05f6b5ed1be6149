// A table of the kernels by the expression that names each. An entry runs its kernel with the kernel's own arguments.
#include "emulation.hpp"
//
#include "formats.hpp"
//
#include "forward.cu"
#include "forward_simt.cu"
#include "published.cu"
#include "weight_gradient.cu"
#include "weight_gradient_simt.cu"
#include "weights.cu"

template <auto KERNEL>
struct Launch;

template <class... Arguments, void (*KERNEL)(Arguments...)>
struct Launch<KERNEL> {
    static const char* run(unsigned blocks, unsigned threads, bool reverse, Arguments... arguments) {
        return Emulator::run(blocks, threads, reverse, [&] { KERNEL(arguments...); });
    }
};

struct Entry {
    const char* expression;
    const void* run;
};

#define ENTRY(...) {#__VA_ARGS__, reinterpret_cast<const void*>(&Launch<__VA_ARGS__>::run)},
#define OF_LAYOUT(FORMAT, LAYOUT, VECTOR)  \
    ENTRY(forward<FORMAT, LAYOUT, VECTOR>) \
    ENTRY(weight_gradient<FORMAT, LAYOUT, VECTOR>)
#define OF_VECTOR(FORMAT, VECTOR) OF_LAYOUT(FORMAT, false, VECTOR) OF_LAYOUT(FORMAT, true, VECTOR)
#define OF_FORMAT(FORMAT)         \
    ENTRY(pack_weights<FORMAT>)   \
    ENTRY(reduce_split_k<FORMAT>) \
    OF_VECTOR(FORMAT, 1)          \
    OF_VECTOR(FORMAT, 2)          \
    OF_VECTOR(FORMAT, 4)
#define SIMT(VECTOR)                           \
    ENTRY(forward_simt<false, VECTOR>)         \
    ENTRY(weight_gradient_simt<false, VECTOR>) \
    ENTRY(forward_simt<true, VECTOR>)          \
    ENTRY(weight_gradient_simt<true, VECTOR>)

#define PUBLISHED(REUSE)                   \
    ENTRY(published_forward<REUSE>)        \
    ENTRY(published_output_centric<REUSE>) \
    ENTRY(published_input_centric<REUSE>)

extern "C" {
extern const Entry kernels[];
const Entry kernels[] = {
    OF_FORMAT(Tf32) OF_FORMAT(Half) OF_FORMAT(Bfloat16)      //
    OF_VECTOR(Half, 8) OF_VECTOR(Bfloat16, 8)                //
    ENTRY(pack_weights<Float>) ENTRY(reduce_split_k<Float>)  //
    SIMT(1) SIMT(2) SIMT(4)                                  //
    PUBLISHED(false) PUBLISHED(true)                         //
    {nullptr, nullptr},
};
}
