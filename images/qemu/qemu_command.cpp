// SPDX-License-Identifier: Apache-2.0
#include "images/qemu/qemu_command.hpp"

#include "images/qemu/monitor.hpp"
#include "images/qemu/swtpm.hpp"

namespace images {

namespace {

std::string initrd_argument(const BootSet& set) {
    std::string list;
    for (size_t i = 0; i < set.modules.size(); ++i) {
        list += (i == 0 ? "" : ",") + module_link(i);
    }
    return list;
}

// In an option of QEMU a comma ends a value; two commas are one.
std::string escape_commas(const std::string& text) {
    std::string escaped;
    for (const char c : text) {
        escaped += c;
        if (c == ',') {
            escaped += c;
        }
    }
    return escaped;
}

// The hypervisor keeps domains off the first of several CPUs that QEMU emulates
// (hv/svm/no_entry.hpp).
unsigned emulated_cpus(unsigned cpus) {
    return cpus == 1 ? 1 : cpus + 1;
}

}  // namespace

std::string module_link(size_t index) {
    return "module-" + std::to_string(index);
}

std::vector<std::string> qemu_command(const MachineOptions& options, const BootSet& set) {
    std::vector<std::string> command{
        options.qemu,
        // Real threads: the CPUs of the machine run at the same time.
        "-accel", "tcg,thread=multi", "-M", "q35", "-cpu", "max", "-smp",
        std::to_string(emulated_cpus(options.cpus)), "-m", std::to_string(options.memory_mib),
        "-nodefaults", "-display", "none", "-monitor", "none", "-qmp",
        std::string{"unix:"} + monitor_socket + ",server=on,wait=off", "-serial", "stdio",
        "-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=1", "-kernel", hypervisor_link,
        "-append", set.cmdline};
    const auto add = [&command](std::initializer_list<std::string> arguments) {
        command.insert(command.end(), arguments);
    };
    if (!set.modules.empty()) {
        add({"-initrd", initrd_argument(set)});
    }
    if (options.tpm == TpmKind::Tis) {
        const std::string socket =
            options.tpm_socket ? options.tpm_socket->string() : std::string{Swtpm::socket_name};
        add({"-chardev", "socket,id=chrtpm,path=" + escape_commas(socket), "-tpmdev",
             "emulator,id=tpm0,chardev=chrtpm", "-device", "tpm-tis,tpmdev=tpm0"});
    }
    if (options.gdb_port) {
        add({"-gdb", "tcp:127.0.0.1:" + std::to_string(*options.gdb_port), "-S"});
    }
    if (options.read_swtpm_pcrs) {
        // A QEMU that ends in order takes swtpm with it. This one waits to be killed.
        add({"-no-shutdown"});
    }
    command.insert(command.end(), options.extra_arguments.begin(), options.extra_arguments.end());
    return command;
}

}  // namespace images
