// The design of arXiv 2101.00745, for comparison: float32, NCHW, one thread for each number of an output, no shared
// memory. Unlike the authors' own kernels, these are correct for every overlap of windows. REUSE is the paper's
// channel-cyclic optimisation: filters that read the same window are handled together, so that a window is read once
// for each group of MAX_FILTERS filters.
#include "device.cuh"

constexpr int MAX_FILTERS = 8;  // filters of a window that a thread handles at a time

// Filters of window w are filters[first[w]] to filters[first[w + 1]]; its first channel is starts[w]. Without REUSE
// each filter is listed as a window of its own.
template <bool REUSE>
__global__ void published_forward(const float* x, const float* weight, const float* bias, float* y, const int* starts,
                                  const int* first, const int* filters, u32 windows, u32 images, u32 cin, u32 cout,
                                  u32 width, u32 pixels) {
    const u64 index = static_cast<u64>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (index >= static_cast<u64>(images) * windows * pixels) return;
    const u32 pixel = index % pixels, window = index / pixels % windows;
    const u64 image = index / pixels / windows;
    constexpr int FILTERS = REUSE ? MAX_FILTERS : 1;
    for (int from = first[window]; from < first[window + 1]; from += FILTERS) {
        const int count = min(FILTERS, first[window + 1] - from);
        float sums[FILTERS] = {};
        for (u32 k = 0; k < width; ++k) {
            const float value = x[(image * cin + (starts[window] + k) % cin) * pixels + pixel];
#pragma unroll
            for (int i = 0; i < FILTERS; ++i) {
                if (i < count) sums[i] += weight[static_cast<u64>(filters[from + i]) * width + k] * value;
            }
        }
#pragma unroll
        for (int i = 0; i < FILTERS; ++i) {
            if (i >= count) continue;
            const int filter = filters[from + i];
            y[(image * cout + filter) * pixels + pixel] = sums[i] + (bias ? bias[filter] : 0.0f);
        }
    }
}

// Each thread takes one number of dY and adds its part to all numbers of dX and dW that depend on it. dX and dW must be
// zero before.
template <bool REUSE>
__global__ void published_output_centric(const float* dy, const float* x, const float* weight, float* dx,
                                         float* dweight, const int* starts, const int* first, const int* filters,
                                         u32 windows, u32 images, u32 cin, u32 cout, u32 width, u32 pixels) {
    const u64 index = static_cast<u64>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (index >= static_cast<u64>(images) * windows * pixels) return;
    const u32 pixel = index % pixels, window = index / pixels % windows;
    const u64 image = index / pixels / windows;
    constexpr int FILTERS = REUSE ? MAX_FILTERS : 1;
    for (int from = first[window]; from < first[window + 1]; from += FILTERS) {
        const int count = min(FILTERS, first[window + 1] - from);
        float gradients[FILTERS] = {};
#pragma unroll
        for (int i = 0; i < FILTERS; ++i) {
            if (i < count) gradients[i] = dy[(image * cout + filters[from + i]) * pixels + pixel];
        }
        for (u32 k = 0; k < width; ++k) {
            const u64 offset = (image * cin + (starts[window] + k) % cin) * pixels + pixel;
            const float value = x[offset];
            float sum = 0.0f;
#pragma unroll
            for (int i = 0; i < FILTERS; ++i) {
                if (i >= count) continue;
                const u64 weight_index = static_cast<u64>(filters[from + i]) * width + k;
                sum += weight[weight_index] * gradients[i];
                atomicAdd(dweight + weight_index, value * gradients[i]);
            }
            atomicAdd(dx + offset, sum);
        }
    }
}

// Each thread takes one number of X and sums over the windows that cover its channel c: covers[covered[c]] to
// covers[covered[c + 1]]. dW must be zero before.
template <bool REUSE>
__global__ void published_input_centric(const float* dy, const float* x, const float* weight, float* dx, float* dweight,
                                        const int* starts, const int* first, const int* filters, const int* covered,
                                        const int* covers, u32 images, u32 cin, u32 cout, u32 width, u32 pixels) {
    const u64 index = static_cast<u64>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (index >= static_cast<u64>(images) * cin * pixels) return;
    const u32 pixel = index % pixels, channel = index / pixels % cin;
    const u64 image = index / pixels / cin;
    const float value = x[index];
    float sum = 0.0f;
    for (int cover = covered[channel]; cover < covered[channel + 1]; ++cover) {
        const int window = covers[cover];
        const u32 k = (channel + cin - starts[window]) % cin;
        for (int i = first[window]; i < first[window + 1]; ++i) {
            const u64 weight_index = static_cast<u64>(filters[i]) * width + k;
            const float gradient = dy[(image * cout + filters[i]) * pixels + pixel];
            sum += weight[weight_index] * gradient;
            if constexpr (REUSE) {
                atomicAdd(dweight + weight_index, value * gradient);
            } else {
                atomicAdd(dweight + weight_index, x[index] * gradient);  // loads x again, as it may have changed
            }
        }
    }
    dx[index] = sum;
}
