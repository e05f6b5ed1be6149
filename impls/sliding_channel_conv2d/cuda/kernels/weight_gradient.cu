// Computes the gradient of the weights on tensor cores: partial_sums[slice][entry][o] = sum over the slice's pixels of
// dY[o] X[entry], for the outputs and the entries of each tile. The entry of the plane of ones gives the gradient of
// the bias. A block computes 64 by 64 sums for one slice of the pixels (split-K); weights.cu adds up the slices.
#include "row_loader.cuh"

template <class Format, bool CHANNELS_LAST, int VECTOR>
__global__ void __launch_bounds__(THREADS)
    weight_gradient(const typename Format::Stored* dy, const typename Format::Stored* x, float* partial_sums,
                    const int* outputs, const int* first, const int* inputs, const int* chunk_tiles,
                    const int* chunk_entries, u32 chunks, u32 entries, u32 pixels, u32 pixels_each, u32 size,
                    u32 dy_channels, u32 x_channels) {
    using Loader = RowLoader<Format, CHANNELS_LAST, VECTOR>;
    constexpr int MMA_K_WORDS = 8, WARP_MMAS_M = 2,
                  WARP_MMAS_N = 4;  // a warp computes 2 x 4 products of 16 outputs by 8 entries
    __shared__ __align__(16) u32 dy_tile[2][Loader::SIZE];
    __shared__ __align__(16) u32 x_tile[2][Loader::SIZE];

    const ImageLayout<CHANNELS_LAST> of_dy{dy_channels, size}, of_x{x_channels, size};
    const u32 chunk = blockIdx.x % chunks, slice = blockIdx.x / chunks;
    const int tile = chunk_tiles[chunk], begin = chunk_entries[chunk], count = min(ROWS, first[tile + 1] - begin);
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, row = lane / 4, column = lane % 4;
    const int warp_m = warp / 2 * 16 * WARP_MMAS_M, warp_n = warp % 2 * 8 * WARP_MMAS_N;
    const u32 from = slice * pixels_each, end = min(pixels, from + pixels_each);

    float sums[WARP_MMAS_M][WARP_MMAS_N][4] = {};
    Loader dy_loader(of_dy, dy, outputs + tile * BLOCK_M, BLOCK_M), x_loader(of_x, x, inputs + begin, count);
    dy_loader.load_global(from, end), x_loader.load_global(from, end);
    dy_loader.store_shared(dy_tile[0]), x_loader.store_shared(x_tile[0]);
    __syncthreads();
    int buffer = 0;
    for (u32 pixel = from; pixel < end; pixel += Loader::STAGE, buffer ^= 1) {
        const bool has_next = pixel + Loader::STAGE < end;
        if (has_next)
            dy_loader.load_global(pixel + Loader::STAGE, end), x_loader.load_global(pixel + Loader::STAGE, end);
#pragma unroll
        for (int step = 0; step < BLOCK_K_WORDS; step += MMA_K_WORDS) {
            u32 a[WARP_MMAS_M][4];
#pragma unroll
            for (int block = 0; block < WARP_MMAS_M; ++block) {
                const u32* words = dy_tile[buffer] + (warp_m + 16 * block + row) * Loader::PITCH + step + column;
                a[block][0] = words[0], a[block][1] = words[8 * Loader::PITCH];
                a[block][2] = words[4], a[block][3] = words[8 * Loader::PITCH + 4];
            }
#pragma unroll
            for (int i = 0; i < WARP_MMAS_N; ++i) {
                const u32* words = x_tile[buffer] + (warp_n + 8 * i + row) * Loader::PITCH + step + column;
                const u32 b[2] = {words[0], words[4]};
#pragma unroll
                for (int block = 0; block < WARP_MMAS_M; ++block) multiply<Format>(sums[block][i], a[block], b);
            }
        }
        if (has_next) dy_loader.store_shared(dy_tile[buffer ^ 1]), x_loader.store_shared(x_tile[buffer ^ 1]);
        __syncthreads();
    }

#pragma unroll
    for (int i = 0; i < WARP_MMAS_N; ++i) {
#pragma unroll
        for (int half = 0; half < 4; ++half) {  // for two blocks: the rows, and those 8 below
#pragma unroll
            for (int next = 0; next < 2; ++next) {
                const int entry = warp_n + 8 * i + 2 * column + next, output = warp_m + 8 * half + row;
                if (entry >= count) continue;
                const u64 offset = (static_cast<u64>(slice) * entries + begin + entry) * BLOCK_M + output;
                partial_sums[offset] = sums[half / 2][i][half % 2 * 2 + next];
            }
        }
    }
}
