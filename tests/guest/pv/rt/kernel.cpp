// SPDX-License-Identifier: Apache-2.0
#include "tests/guest/pv/rt/kernel.hpp"

#include "hv/abi/pv_layout.hpp"
#include "hv/abi/xen_console.hpp"
#include "hv/abi/xen_event_channel.hpp"
#include "hv/abi/xen_sched.hpp"
#include "hv/base/assert.hpp"
#include "tests/guest/pv/rt/pages.hpp"
#include "tests/guest/pv/rt/traps.hpp"

#include <algorithm>
#include <atomic>

extern "C" {
extern uint8_t pv_shared_info_page[4096];
[[noreturn]] void pv_start();
}

namespace pv {

namespace {

using hv::abi::XenconsInterface;

constinit uint32_t failures = 0;

hv::abi::SharedInfo* shared() {
    // SAFETY: pv_start puts shared_info there before anybody asks.
    return reinterpret_cast<hv::abi::SharedInfo*>(pv_shared_info_page);
}

XenconsInterface& ring() {
    // SAFETY: the builder maps the ring's page into the boot area, and the M2P says where.
    return *reinterpret_cast<XenconsInterface*>(virt_of(pfn_of(start_info().console.domU.mfn)));
}

void notify() {
    const hv::abi::EvtchnSend send{start_info().console.domU.evtchn};
    hypercall(Hypercall::event_channel_op, hv::abi::EventChannelOp::EVTCHNOP_send, &send);
}

// Nothing here waits for ever: without a console the verdict is missing, and that fails the test.
bool wait_until_filled_at_most(uint32_t bytes) {
    constexpr uint64_t patience_ns = 30'000'000'000;
    const uint64_t start = system_time_ns();
    while (ring().out_prod - std::atomic_ref{ring().out_cons}.load() > bytes) {
        if (system_time_ns() - start > patience_ns) {
            return false;
        }
        hypercall(Hypercall::sched_op, hv::abi::SchedOp::SCHEDOP_yield);
    }
    return true;
}

[[noreturn]] void power_off() {
    (void)wait_until_filled_at_most(0);
    const hv::abi::SchedShutdown argument{0};
    for (;;) {
        hypercall(Hypercall::sched_op, hv::abi::SchedOp::SCHEDOP_shutdown, &argument);
    }
}

// The first word of the command line that `accept` takes.
template <class Accept>
std::string_view find_option(Accept accept) {
    const std::string_view line{start_info().cmd_line};
    for (size_t at = 0; at < line.size();) {
        const char* const end = std::find(line.begin() + at, line.end(), ' ');
        const std::string_view here{line.begin() + at, end};
        if (accept(here)) {
            return here;
        }
        at += here.size() + 1;
    }
    return {};
}

}  // namespace

const hv::abi::StartInfo& start_info() {
    // SAFETY: the builder's word.
    return *reinterpret_cast<const hv::abi::StartInfo*>(pv_first_rsi);
}
hv::abi::SharedInfo& shared_info() {
    return *shared();
}
hv::abi::VcpuInfo& vcpu_info(unsigned vcpu) {
    return shared()->vcpu_info[vcpu];
}

void print(std::string_view text) {
    for (const char c : text) {
        if (ring().out_prod - std::atomic_ref{ring().out_cons}.load() >= sizeof(ring().out)) {
            notify();
            if (!wait_until_filled_at_most(sizeof(ring().out) / 2)) {
                return;
            }
        }
        ring().out[ring().out_prod % sizeof(ring().out)] = c;
        // The byte is there before the index says so.
        std::atomic_ref{ring().out_prod}.store(ring().out_prod + 1, std::memory_order_release);
    }
    notify();
}

void fail(std::string_view what, uint64_t number) {
    hv::TextOf<300> line;
    print(line.put("RESULT fail ").put(what).put(" 0x").hex(number).put("\n").view());
    power_off();
}

void finish() {
    if (failures != 0) {
        fail("failed checks:", failures);
    }
    print("RESULT pass\n");
    power_off();
}

void check(bool good, std::string_view what) {
    if (!good) {
        ++failures;
        hv::TextOf<200> line;
        print(line.put("failed: ").put(what).put("\n").view());
    }
}

void check_equal(uint64_t actual, uint64_t expected, std::string_view what) {
    if (actual != expected) {
        ++failures;
        hv::TextOf<300> line;
        line.put("failed: ").put(what).put(": 0x").hex(actual).put(", expected 0x").hex(expected);
        print(line.put("\n").view());
    }
}

bool has_option(std::string_view word) {
    return !find_option([&](std::string_view here) { return here == word; }).empty();
}

uint64_t option(std::string_view key, uint64_t otherwise) {
    std::string_view found = find_option([&](std::string_view here) {
        return here.size() > key.size() + 1 && here.starts_with(key) && here[key.size()] == '=';
    });
    if (found.empty()) {
        return otherwise;
    }
    found.remove_prefix(key.size() + 1);
    uint64_t value = 0;
    for (const char digit : found) {
        value = value * 10 + static_cast<uint64_t>(digit - '0');
    }
    return value;
}

// [xen-pub] xen.h, vcpu_time_info.
uint64_t system_time_ns() {
    const volatile hv::abi::VcpuTimeInfo& time = shared()->vcpu_info[this_vcpu()].time;
    for (;;) {
        const uint32_t version = time.version;
        const uint64_t delta = __builtin_ia32_rdtsc() - time.tsc_timestamp;
        const uint64_t shifted =
            time.tsc_shift < 0 ? delta >> -time.tsc_shift : delta << time.tsc_shift;
        const auto scaled =
            static_cast<uint64_t>((__uint128_t{shifted} * time.tsc_to_system_mul) >> 32);
        const uint64_t now = time.system_time + scaled;
        if ((version & 1) == 0 && time.version == version) {
            return now;
        }
    }
}

}  // namespace pv

void pv_start() {
    using namespace pv;
    const uint64_t at = reinterpret_cast<uint64_t>(pv_shared_info_page);
    // Nothing can be printed before: the console needs nothing of it, but time limits do.
    if (update_va_mapping(at, start_info().shared_info | pte::kernel) != 0) {
        asm volatile("ud2");
    }
    start_traps();
    run();
    finish();
}

namespace hv {

void panic(const char* file, int line, const char* what) {
    TextOf<256> text;
    text.put(file).put(":").dec(static_cast<uint64_t>(line)).put(": ").put(what);
    pv::fail(text.view());
}

}  // namespace hv

// What the bounds checks of the standard headers call (_GLIBCXX_ASSERTIONS).
namespace std {

void __glibcxx_assert_fail(const char* file, int line, const char* /*function*/,
                           const char* condition) noexcept {
    hv::panic(file, line, condition);
}

}  // namespace std
