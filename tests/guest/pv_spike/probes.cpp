// SPDX-License-Identifier: Apache-2.0
// Runs the probes of probes.S as the kernel of variant A and of variant B, and prints both answers.
#include "domb/rt/platform.hpp"
#include "hv/base/text.hpp"
#include "tests/guest/pv_spike/world.hpp"

#include <iterator>
#include <string_view>

namespace spike {
namespace {

struct Probe {
    const char* name;
    uint64_t code;
    uint64_t cr4;
};
extern "C" {
extern const Probe spike_probe_table[], spike_user_probe_table[];
}

using Answer = hv::TextOf<48>;

void put_error(Answer& text, const Seen& seen) {
    constexpr std::string_view names[] = {"DE", "DB", "NMI", "BP", "OF", "BR", "UD", "NM",
                                          "DF", "9",  "TS",  "NP", "SS", "GP", "PF"};
    text.put('#');
    if (seen.vector < std::size(names)) {
        text.put(names[seen.vector]);
    } else {
        text.dec(seen.vector);
    }
    if (seen.vector == 8 || (seen.vector >= 10 && seen.vector <= 14)) {
        text.put('(').hex(seen.error).put(')');
    }
}

uint64_t read_cr4() {
    uint64_t value = 0;
    // SAFETY: reads a register only.
    asm volatile("mov %%cr4, %0" : "=r"(value));
    return value;
}

void write_cr4(uint64_t value) {
    // SAFETY: SMEP, SMAP and UMIP do not concern this code, which uses no page of the user.
    asm volatile("mov %0, %%cr4" : : "r"(value) : "memory");
}

void run(const Entry& entry, bool is_user, uint64_t cr4, Answer& text) {
    forget_mode();
    spike_in_kernel = is_user ? 0 : 1;
    const uint64_t before = read_cr4();
    write_cr4(before | cr4);
    const uint64_t value = enter(entry);
    write_cr4(before);
    if (value == unexpected) {
        put_error(text, seen());
    } else {
        text.hex(value);
    }
}

void print(std::string_view name, const Answer& at_cpl3, const Answer& at_cpl0) {
    hv::TextOf<160> line;
    line.put("probe ").put(name).put(" | ").put(at_cpl3.view()).put(" | ").put(at_cpl0.view());
    rt::write(line.put('\n').view());
}

}  // namespace

void run_probes(uint64_t syscall_at_cpl3, uint64_t syscall_at_cpl0, bool has_hypervisor) {
    set_fault_handler(0, in_stub(spike_stack_top));
    const auto both = [&](const Probe& p, bool is_user) {
        const auto entry = [&](Table kernel, Table user) {
            Entry e = is_user ? user_at(p.code, user) : kernel_at(p.code, kernel);
            e.rsi = is_user ? 0 : in_stub(&spike_seen_cr2);
            return e;
        };
        set_syscall(syscall_at_cpl3, true);
        Answer a;
        run(entry(Table::KernelAtCpl3, Table::UserOfCpl3), is_user, p.cr4, a);
        set_syscall(syscall_at_cpl0, true);
        Answer b;
        run(entry(Table::Shared, Table::Shared), is_user, p.cr4, b);
        print(p.name, a, b);
    };
    for (const Probe* p = spike_probe_table; p->name != nullptr; ++p) {
        both(*p, false);
    }
    for (const Probe* p = spike_user_probe_table; p->name != nullptr; ++p) {
        both(*p, true);
    }
    rt::write(has_hypervisor ? "probes under a hypervisor\n" : "probes on a bare machine\n");
}

}  // namespace spike
