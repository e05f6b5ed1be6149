#!/usr/bin/env bash
# Random cases of the native kernels and of the engine's steps under g++'s sanitizers:
# sanitize.sh BUILD [CASES [SEED [FIRST]]]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$1
shift

for sanitizer in address undefined thread; do
    if ! echo 'int main() {}' | g++ -x c++ - -fsanitize=$sanitizer -o /dev/null 2>/dev/null; then
        echo "needs g++ with libasan, libubsan and libtsan: it cannot link with -fsanitize=$sanitizer" >&2
        exit 1
    fi
done

checked() { # sanitizers, arguments of the programs
    local sanitizers=$1 program found
    shift
    cmake -S "$here" -B "$build/$sanitizers" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_COMPILER=g++ \
        -DCMAKE_CXX_FLAGS="-O1 -fsanitize=$sanitizers -fno-sanitize-recover=all -D_GLIBCXX_ASSERTIONS" >/dev/null
    cmake --build "$build/$sanitizers" --target check check_network --parallel "$(nproc)" >/dev/null
    for program in check check_network; do
        found=$("$build/$sanitizers/$program" "$@")
        echo "$sanitizers: $found"
    done
}
checked address,undefined "$@"
checked thread 300 "${2:-0}"
