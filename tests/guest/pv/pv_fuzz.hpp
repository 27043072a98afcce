// SPDX-License-Identifier: Apache-2.0
// The hostile PV kernel, in pieces: each pv_fuzz_*.cpp has operations that go wrong in one way. All
// choices come from the seed on the command line. An operation that faults is left where it was;
// one that would end the kernel is only tried as often as `danger` says.
#pragma once

#include "tests/guest/pv/rt/kernel.hpp"
#include "tests/guest/pv/rt/pages.hpp"
#include "tests/guest/pv/rt/traps.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace fuzz {

// SplitMix64.
class Random {
  public:
    explicit constexpr Random(uint64_t seed) : state_{seed} {}
    uint64_t next();
    uint64_t below(uint64_t n) { return next() % n; }
    bool one_in(uint64_t n) { return below(n) == 0; }
    // Small, near a power of two, all ones, or anything.
    uint64_t number();
    template <class T, size_t N>
    const T& of(const T (&list)[N]) {
        return list[below(N)];
    }

  private:
    uint64_t state_;
};

// Pages that the kernel can do without; operations that would spoil a frame take these.
inline constexpr uint64_t victim_pages = 24;
// Where its own page tables of four levels are; the last page there is followed by nothing.
inline constexpr uint64_t playground = 0x40000000000;
inline constexpr uint64_t playground_pages = 64;
inline constexpr uint64_t argument_bytes = 4 * pv::page_bytes;

// One vCPU at work.
struct Fuzzer {
    Random random;
    uint64_t danger = 0;  // of 1000 choices, how many may be deadly
    unsigned vcpu = 0;
    bool is_stoppable = false;  // in an operation that a tick may end
    uint64_t operations = 0;
    uint64_t faults = 0;
    std::byte* arguments = nullptr;  // argument_bytes
    uint64_t arguments_used = 0;

    bool dares() { return random.below(1000) < danger; }
};

// --- pv_fuzz_values.cpp
void start_values();
uint64_t victim(Fuzzer& f);                           // a pfn
uint64_t frame(Fuzzer& f, bool spoils);               // a machine frame number, of anything
uint64_t frame_beyond_ram(Fuzzer& f);                 // one that the domain does not have
uint64_t pointer(Fuzzer& f);                          // an address, mostly of something wrong
uint64_t entry(Fuzzer& f);                            // of a page table
uint16_t domain(Fuzzer& f);                           // a domain id
uint64_t fresh_arguments(Fuzzer& f, uint64_t bytes);  // filled at random
uint64_t argument(Fuzzer& f, uint64_t at);            // mostly `at`, sometimes pointer()
// The list to pass and how many elements it is said to have. If those are not all there, nothing is
// behind the list: the hypervisor would take the kernel's memory for more of it, and write into it.
struct List {
    uint64_t at = 0;
    uint64_t count = 0;
};
List perhaps_overlong(Fuzzer& f, List list, uint64_t bytes);
template <class T>
T* make_arguments(Fuzzer& f) {
    // SAFETY: the arena is aligned, and large enough for any one operation.
    return reinterpret_cast<T*>(fresh_arguments(f, sizeof(T)));
}

// A hypercall ready to be made.
struct Prepared {
    uint64_t number = 0;
    uint64_t args[5] = {};
};

// How the arguments of one hypercall are made.
struct Shape {
    pv::Hypercall number;
    void (*prepare)(Fuzzer&, Prepared&);
};
// Whether one of these is that call's.
bool apply(std::span<const Shape> shapes, Fuzzer& f, Prepared& call);

// --- pv_fuzz_calls.cpp
Prepared any_call(Fuzzer& f);
void one_call(Fuzzer& f);
// --- pv_fuzz_shapes.cpp: hypercalls with arguments that look right; false: not one of these.
bool shape(Fuzzer& f, Prepared& call);
// --- pv_fuzz_mmu.cpp: the same for those that are about memory.
bool shape_of_memory(Fuzzer& f, Prepared& call);
void one_table_change(Fuzzer& f);
// --- pv_fuzz_processor.cpp
void start_processor();
void one_instruction(Fuzzer& f);
void one_user_program(Fuzzer& f);
// --- pv_fuzz_checkpoint.cpp: what a round can spoil and the next one needs.
void take_checkpoint();
void go_back(Fuzzer& f);
void restore_entries(
    const Fuzzer& f);           // traps, callbacks, stack, descriptor and page tables in use
void one_overwrite(Fuzzer& f);  // of the hypervisor's pages in this container
// --- pv_fuzz_fifo.cpp: events by the FIFO ABI, where `fifo=1`.
void start_fifo();
bool uses_fifo();
void clear_event_words(unsigned vcpu);  // so that the next event is announced
void one_event_word(Fuzzer& f);
// --- pv_fuzz_watch.cpp: time that needs no page of the kernel; and an end for what never ends by
// itself: a tick that stops an operation, and each vCPU watches the other.
void start_clock();
uint64_t now_ns();
void start_tick(Fuzzer& f);
void renew_tick(const Fuzzer& f);  // an operation may have taken it away
void look_at_other(Fuzzer& f);

}  // namespace fuzz
