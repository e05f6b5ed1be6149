// Packs weights for the products, and unpacks their gradients.
#include "memory.cuh"

// into[i] becomes weights[places[i]], or zero where places[i] is negative. Tf32 numbers are rounded here, once.
template <class Format>
__global__ void pack_weights(const typename Format::Stored* weights, const int* places, typename Format::Stored* into,
                             u32 count) {
    const u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) into[i] = places[i] < 0 ? typename Format::Stored{} : as_operand(weights[places[i]], Format{});
}

// Adds up partial_sums, always in the same order, and stores sum i in gradient[places[i]] unless places[i] is negative.
template <class Format>
__global__ void reduce_split_k(const float* partial_sums, const int* places, typename Format::Stored* gradient,
                               u32 count, u32 split_k) {
    const u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count || places[i] < 0) return;
    float sum = 0.0f;
    for (u32 slice = 0; slice < split_k; ++slice) sum += partial_sums[static_cast<u64>(slice) * count + i];
    gradient[places[i]] = from_float<Format>(sum);
}
