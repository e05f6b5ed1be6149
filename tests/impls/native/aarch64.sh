#!/usr/bin/env bash
# Random cases of the native kernels and of the engine's steps for 64-bit Arm under QEMU, and instruction counts:
# aarch64.sh BUILD [CASES [SEED [FIRST]]]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$1
shift

there() { command -v aarch64-linux-gnu-g++ >/dev/null && command -v qemu-aarch64 >/dev/null; }
if ! there && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends \
        g++-aarch64-linux-gnu qemu-user; } >/dev/null || true
fi
if ! there; then
    echo "needs aarch64-linux-gnu-g++ and qemu-aarch64 (Debian's g++-aarch64-linux-gnu and qemu-user)" >&2
    exit 1
fi

cmake -S "$here" -B "$build" -DCMAKE_BUILD_TYPE=Release -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 \
    -DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++ -DCMAKE_EXE_LINKER_FLAGS=-static >/dev/null
cmake --build "$build" --parallel "$(nproc)" >/dev/null
fmla=$(aarch64-linux-gnu-objdump -d "$build/check" | grep -c '\sfmla\s' || true)
echo "aarch64: $fmla fmla instructions"
[ "$fmla" -gt 0 ]
for program in check check_network; do
    checked=$(qemu-aarch64 "$build/$program" "${1:-1000}" "${@:2}")
    echo "aarch64: $checked"
done

# Plugins of QEMU 9 and later say that they are of another version; there, and where QEMU takes none, nothing is counted.
g++ -O2 -shared -fPIC -Wall -Wextra -o "$build/instructions.so" "$here/instructions.cpp"
plugin="$build/instructions.so,counter=$build/instructions"
if qemu-aarch64 -plugin "$plugin" "$build/check" 1 >/dev/null 2>&1; then
    qemu-aarch64 -plugin "$plugin" "$build/count" "$build/instructions"
else
    echo "this QEMU takes no plugins of version 1: no instructions counted"
fi
