// Weights on their way to the products, and their gradients on the way back.
#include "planes.cuh"

// Put weights where ``places`` wants them, zero where it says none. A word of Tf32 is rounded here, once.
template <class Format>
__global__ void packed(const typename Format::Stored* weights, const int* places, typename Format::Stored* into,
                       u32 count) {
    const u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) into[i] = places[i] < 0 ? typename Format::Stored{} : as_operand(weights[places[i]], Format{});
}

// Add up the parts, always in the same order, and put each sum where its weight is.
template <class Format>
__global__ void unpacked(const float* parts, const int* places, typename Format::Stored* gradient, u32 count,
                         u32 splits) {
    const u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count || places[i] < 0) return;
    float sum = 0.0f;
    for (u32 split = 0; split < splits; ++split) sum += parts[static_cast<u64>(split) * count + i];
    gradient[places[i]] = narrowed<Format>(sum);
}
