// A QEMU plugin that counts instructions. When the emulated program calls pread(2) on the plugin's file, the file holds
// the number of instructions executed so far, as a 64-bit integer.
//
// The declarations are copied from qemu-plugin.h, which not every distribution's package includes.

#include <fcntl.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace {

using Id = std::uint64_t;
using Word = std::uint64_t;
struct Block;

constexpr std::int64_t kPread = 67;  // number of the system call on AArch64
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
        id, [](Id, unsigned, std::int64_t syscall, Word, Word, Word, Word, Word, Word, Word, Word) {
            if (syscall == kPread) static_cast<void>(pwrite(file, &executed, sizeof executed, 0) == 0);
        });
    return 0;
}
}
