// The kernels as they would be launched: by the expression that names one, with the arguments that it has.
#include "emulation.hpp"
//
#include "formats.hpp"
//
#include "outer.cu"
#include "outer_exact.cu"
#include "product.cu"
#include "product_exact.cu"
#include "published.cu"
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
    ENTRY(product<FORMAT, LAYOUT, VECTOR>) \
    ENTRY(outer<FORMAT, LAYOUT, VECTOR>)
#define OF_VECTOR(FORMAT, VECTOR) OF_LAYOUT(FORMAT, false, VECTOR) OF_LAYOUT(FORMAT, true, VECTOR)
#define OF_FORMAT(FORMAT)   \
    ENTRY(packed<FORMAT>)   \
    ENTRY(unpacked<FORMAT>) \
    OF_VECTOR(FORMAT, 1)    \
    OF_VECTOR(FORMAT, 2)    \
    OF_VECTOR(FORMAT, 4)
#define EXACT(VECTOR)                   \
    ENTRY(product_exact<false, VECTOR>) \
    ENTRY(outer_exact<false, VECTOR>)   \
    ENTRY(product_exact<true, VECTOR>)  \
    ENTRY(outer_exact<true, VECTOR>)

#define PUBLISHED(REUSE)                   \
    ENTRY(published_forward<REUSE>)        \
    ENTRY(published_output_centric<REUSE>) \
    ENTRY(published_input_centric<REUSE>)

extern "C" {
extern const Entry kernels[];
const Entry kernels[] = {
    OF_FORMAT(Tf32) OF_FORMAT(Half) OF_FORMAT(Bfloat16)  //
    OF_VECTOR(Half, 8) OF_VECTOR(Bfloat16, 8)            //
    ENTRY(packed<Float>) ENTRY(unpacked<Float>)          //
    EXACT(1) EXACT(2) EXACT(4)                           //
    PUBLISHED(false) PUBLISHED(true)                     //
    {nullptr, nullptr},
};
}
