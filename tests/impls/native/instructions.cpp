// A plugin of QEMU that counts instructions. Whoever reads, by pread(2) in the emulated program, the file that it is
// given finds how many have been executed so far, as a number of 64 bits.
//
// The declarations are those of qemu-plugin.h, which not every distribution's package has.

#include <fcntl.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace {

using Id = std::uint64_t;
using Word = std::uint64_t;
struct Block;

constexpr std::int64_t kPread = 67;  // of AArch64's system calls
int file = -1;
std::uint64_t executed;

}  // namespace

extern "C" {

int qemu_plugin_version = 1;

std::size_t qemu_plugin_tb_n_insns(const Block*);
void qemu_plugin_register_vcpu_tb_trans_cb(Id, void (*)(Id, Block*));
void qemu_plugin_register_vcpu_tb_exec_cb(Block*, void (*)(unsigned, void*), int, void*);
void qemu_plugin_register_vcpu_syscall_cb(Id, void (*)(Id, unsigned, std::int64_t, Word, Word, Word, Word, Word, Word,
                                                       Word, Word));

int qemu_plugin_install(Id id, const void*, int count, char** arguments) {
    if (count != 1 || std::strncmp(arguments[0], "counter=", 8)) return 1;
    file = open(arguments[0] + 8, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (file < 0) return 1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, [](Id, Block* block) {
        const auto add = [](unsigned, void* instructions) {
            executed += reinterpret_cast<std::uintptr_t>(instructions);
        };
        constexpr int kNoRegisters = 0;
        qemu_plugin_register_vcpu_tb_exec_cb(block, add, kNoRegisters,
                                             reinterpret_cast<void*>(qemu_plugin_tb_n_insns(block)));
    });
    qemu_plugin_register_vcpu_syscall_cb(
        id, [](Id, unsigned, std::int64_t number, Word, Word, Word, Word, Word, Word, Word, Word) {
            if (number == kPread) static_cast<void>(pwrite(file, &executed, sizeof executed, 0) == 0);
        });
    return 0;
}
}
