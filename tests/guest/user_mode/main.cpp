// SPDX-License-Identifier: Apache-2.0
// What user space of a domain must not do faults there, as on the processor without a hypervisor:
// some processors and emulators ask the hypervisor's intercept before they look at the privilege.
#include "tests/guest/harness/guest.hpp"

#include <array>
#include <cstddef>

// As user.S lays it out.
struct Attempt {
    uint64_t code;
    uint64_t vectors;  // a bit for each exception that is right
    const char* name;
};
struct Fault {
    uint64_t vector, error, rip;
};

extern "C" {
extern const Attempt user_attempts[], user_attempts_end[];
extern volatile Fault user_fault;
void user_run(const void* code);
extern std::byte user_on_ud[], user_on_gp[];
}

namespace {

constexpr unsigned vector_ud = 6;
constexpr unsigned vector_gp = 13;
constexpr uint64_t present = 1 << 0;
constexpr uint64_t user = 1 << 2;
constexpr uint64_t large = 1 << 7;
constexpr uint64_t frame_mask = 0x000ffffffffff000;

template <class T>
T* at(uint64_t address) {
    // SAFETY: identity mapping; the processor's tables are at the addresses it is given.
    return reinterpret_cast<T*>(address);
}

// Lets user space reach all that is mapped, text and stack among it.
void open_to_user(uint64_t table, unsigned level) {
    auto* const entries = at<uint64_t>(table & frame_mask);
    for (size_t i = 0; i < 512; ++i) {
        if ((entries[i] & present) == 0) {
            continue;
        }
        entries[i] |= user;
        if (level > 1 && (entries[i] & large) == 0) {
            open_to_user(entries[i], level - 1);
        }
    }
}

// As the runtime has it, and two more for CPL 3. [apm2] 4.8
constinit std::array<uint64_t, 7> gdt{0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0,
                                      0, 0x00cff3000000ffff, 0x00affb000000ffff};

struct [[gnu::packed]] Table {
    uint16_t limit;
    uint64_t base;
};

// Points the gate of a vector at another handler; the runtime's stack for exceptions stays.
void set_gate(const Table& idt, unsigned vector, const std::byte* handler) {
    // SAFETY: gates hold addresses as numbers.
    const auto target = reinterpret_cast<uint64_t>(handler);
    auto* const gate = at<uint16_t>(idt.base + vector * 16);
    gate[0] = static_cast<uint16_t>(target);
    gate[3] = static_cast<uint16_t>(target >> 16);
    gate[4] = static_cast<uint16_t>(target >> 32);
    gate[5] = static_cast<uint16_t>(target >> 48);
}

void prepare() {
    uint64_t cr3 = 0;
    Table idt{};
    // SAFETY: reads registers; reloads CR3 with its value; the new descriptors at the selectors in
    // use are those that are loaded.
    asm volatile("mov %%cr3, %0" : "=r"(cr3));
    open_to_user(cr3, 4);
    const Table pointer{sizeof(gdt) - 1, reinterpret_cast<uint64_t>(gdt.data())};
    asm volatile("mov %1, %%cr3; lgdt %2; sidt %0" : "=m"(idt) : "r"(cr3), "m"(pointer) : "memory");
    set_gate(idt, vector_ud, user_on_ud);
    set_gate(idt, vector_gp, user_on_gp);
}

// An attempt ends at its instruction, with one of the exceptions it may have, and no error code.
void check(const Attempt& attempt) {
    user_run(at<const void>(attempt.code));
    hv::TextOf<80> text;
    text.put("user space: ").put(attempt.name);
    if (user_fault.rip != attempt.code) {
        guest::fail(text.put(" is carried out; later exception").view(), user_fault.vector);
    }
    if ((attempt.vectors >> user_fault.vector & 1) == 0) {
        guest::fail(text.put(" raises exception").view(), user_fault.vector);
    }
    if (user_fault.error != 0) {
        guest::fail(text.put(" has error code").view(), user_fault.error);
    }
}

}  // namespace

void guest::run(const rt::StartInfo& /*info*/) {
    prepare();
    for (const Attempt* attempt = user_attempts; attempt != user_attempts_end; ++attempt) {
        check(*attempt);
    }
}
