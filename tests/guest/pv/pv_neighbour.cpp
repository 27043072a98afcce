// SPDX-License-Identifier: Apache-2.0
// The well-behaved PV neighbour of a guest that misbehaves, like tests/guest/neighbour: for
// `seconds` it prints a heartbeat every 100 ms and checks patterns over the pages it has for
// itself, its list of frames, and pages that it lets the domains 2 to `granted_to` read, and domain
// 1 write. It fails when one of them changes, or when it did not run for longer than `max_gap_ms`.
#include "hv/abi/xen_event_channel.hpp"
#include "hv/abi/xen_grant_table.hpp"
#include "hv/abi/xen_sched.hpp"
#include "tests/guest/pv/rt/kernel.hpp"
#include "tests/guest/pv/rt/pages.hpp"

#include <array>

namespace {

using namespace pv;

constexpr uint64_t ms = 1'000'000;
constexpr uint64_t private_pages = 160;
constexpr uint64_t readable_pages = 16;
constexpr uint16_t friendly = 1;  // a domain that may write what it is granted, and does not

std::array<uint64_t, private_pages + readable_pages> pages{};  // pfns; what others may read is last

uint64_t value_at(uint64_t page, uint64_t offset) {
    return (page << 12 | offset) * 0x9e3779b97f4a7c15;
}

void fill() {
    for (uint64_t& page : pages) {
        page = take_page();
        for (uint64_t offset = 0; offset < page_bytes; offset += 8) {
            word(virt_of(page) + offset) = value_at(page, offset);
        }
    }
}

void check_pages() {
    for (const uint64_t page : pages) {
        for (uint64_t offset = 0; offset < page_bytes; offset += 8) {
            if (word(virt_of(page) + offset) != value_at(page, offset)) {
                fail("memory has changed at", virt_of(page) + offset);
            }
        }
    }
}

// A sum over the p2m list, and over the entries of the M2P behind it.
uint64_t sum_of_frames() {
    uint64_t sum = 0;
    for (uint64_t pfn = 0; pfn < start_info().nr_pages; ++pfn) {
        sum = sum * 31 + mfn_of(pfn);
        sum = sum * 31 + pfn_of(mfn_of(pfn));
    }
    return sum;
}

// What the neighbours may touch: pages, each for one domain, and a port for each to bind.
void offer_to(uint16_t domains) {
    uint64_t frame = 0;
    hv::abi::GnttabSetupTable setup{};
    setup.dom = hv::abi::DOMID_SELF;
    setup.nr_frames = 1;
    setup.frame_list = to_argument(&frame);
    const int64_t done = hypercall(Hypercall::grant_table_op,
                                   hv::abi::GrantTableOp::GNTTABOP_setup_table, &setup, 1);
    if (done != 0 || setup.status != 0) {
        fail("no grant table");
    }
    map_page(window, frame * page_bytes | pte::kernel);
    for (uint16_t domain = 1; domain <= domains && domain <= readable_pages; ++domain) {
        const uint64_t mfn = mfn_of(pages[private_pages + domain - 1]);
        const uint64_t flags =
            hv::abi::GTF_permit_access | (domain == friendly ? uint64_t{0} : hv::abi::GTF_readonly);
        const uint64_t entry = mfn << 32 | uint64_t{domain} << 16 | flags;
        word(window + (hv::abi::GNTTAB_NR_RESERVED_ENTRIES + domain) * 8) = entry;
        hv::abi::EvtchnAllocUnbound port{hv::abi::DOMID_SELF, domain, 0};
        hypercall(Hypercall::event_channel_op, hv::abi::EventChannelOp::EVTCHNOP_alloc_unbound,
                  &port);
    }
}

void sleep_until(uint64_t ns) {
    const hv::abi::SchedPoll args{.ports = 0, .nr_ports = 0, .timeout = ns};
    hypercall(Hypercall::sched_op, hv::abi::SchedOp::SCHEDOP_poll, &args);
}

}  // namespace

void pv::run() {
    const uint64_t max_gap = option("max_gap_ms", 2000) * ms;
    fill();
    offer_to(static_cast<uint16_t>(option("granted_to", 0)));
    const uint64_t frames = sum_of_frames();

    const uint64_t start = system_time_ns();
    const uint64_t stop = start + option("seconds", 6) * 1000 * ms;
    uint64_t longest = 0;
    uint64_t beats = 0;
    for (uint64_t last = start; last < stop; ++beats) {
        check_pages();
        if (sum_of_frames() != frames) {
            fail("the lists of frames have changed");
        }
        sleep_until(last + 100 * ms);
        const uint64_t now = system_time_ns();
        if (now < last) {
            fail("system time goes backwards by", last - now);
        }
        longest = now - last > longest ? now - last : longest;
        last = now;
        hv::TextOf<80> line;
        line.put("heartbeat ").dec(beats).put(" at ").dec((now - start) / ms).put(" ms\n");
        print(line.view());
    }
    if (longest > max_gap) {
        fail("a gap, in ns, of", longest);
    }
}
