// The gradient of weights, on tensor cores: parts[split][entry][o] = sum over the split's pixels of dY[o] X[entry], for
// the outputs and the entries of each tile. Where one of these is of a plane of ones, that is the bias's gradient. A
// block computes 64 by 64 of them for one split; weights.cu adds up the splits.
#include "rows.cuh"

template <class Format, bool CHANNELS_LAST, int VECTOR>
__global__ void __launch_bounds__(THREADS)
    outer(const typename Format::Stored* dy, const typename Format::Stored* x, float* parts, const int* outputs,
          const int* first, const int* inputs, const int* chunk_tiles, const int* chunk_entries, u32 chunks,
          u32 entries, u32 pixels, u32 pixels_each, u32 size, u32 dy_channels, u32 x_channels) {
    using Staged = Rows<Format, CHANNELS_LAST, VECTOR>;
    constexpr int STEP = 8, BLOCKS = 2, COLUMNS = 4;  // a warp computes 2 x 4 products of 16 outputs by 8 entries
    __shared__ __align__(16) u32 left[2][Staged::SIZE];
    __shared__ __align__(16) u32 right[2][Staged::SIZE];

    const Planes<CHANNELS_LAST> of_dy{dy_channels, size}, of_x{x_channels, size};
    const u32 chunk = blockIdx.x % chunks, split = blockIdx.x / chunks;
    const int tile = chunk_tiles[chunk], begin = chunk_entries[chunk], count = min(ROWS, first[tile + 1] - begin);
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, row = lane / 4, column = lane % 4;
    const int upper = warp / 2 * 16 * BLOCKS, beside = warp % 2 * 8 * COLUMNS;
    const u32 from = split * pixels_each, end = min(pixels, from + pixels_each);

    float sums[BLOCKS][COLUMNS][4] = {};
    Staged of_left(of_dy, dy, outputs + tile * OUTPUTS, OUTPUTS), of_right(of_x, x, inputs + begin, count);
    of_left.fetch(from, end), of_right.fetch(from, end);
    of_left.deposit(left[0]), of_right.deposit(right[0]);
    __syncthreads();
    int now = 0;
    for (u32 pixel = from; pixel < end; pixel += Staged::STAGE, now ^= 1) {
        const bool more = pixel + Staged::STAGE < end;
        if (more) of_left.fetch(pixel + Staged::STAGE, end), of_right.fetch(pixel + Staged::STAGE, end);
#pragma unroll
        for (int step = 0; step < WORDS; step += STEP) {
            u32 a[BLOCKS][4];
#pragma unroll
            for (int block = 0; block < BLOCKS; ++block) {
                const u32* words = left[now] + (upper + 16 * block + row) * Staged::PITCH + step + column;
                a[block][0] = words[0], a[block][1] = words[8 * Staged::PITCH];
                a[block][2] = words[4], a[block][3] = words[8 * Staged::PITCH + 4];
            }
#pragma unroll
            for (int i = 0; i < COLUMNS; ++i) {
                const u32* words = right[now] + (beside + 8 * i + row) * Staged::PITCH + step + column;
                const u32 b[2] = {words[0], words[4]};
#pragma unroll
                for (int block = 0; block < BLOCKS; ++block) multiply<Format>(sums[block][i], a[block], b);
            }
        }
        if (more) of_left.deposit(left[now ^ 1]), of_right.deposit(right[now ^ 1]);
        __syncthreads();
    }

#pragma unroll
    for (int i = 0; i < COLUMNS; ++i) {
#pragma unroll
        for (int half = 0; half < 4; ++half) {  // of two blocks, rows and 8 rows below
#pragma unroll
            for (int next = 0; next < 2; ++next) {
                const int entry = beside + 8 * i + 2 * column + next, output = upper + 8 * half + row;
                if (entry >= count) continue;
                const u64 place = (static_cast<u64>(split) * entries + begin + entry) * OUTPUTS + output;
                parts[place] = sums[half / 2][i][half % 2 * 2 + next];
            }
        }
    }
}
