// SPDX-License-Identifier: Apache-2.0
// A PV domain as far as its memory goes: names of frames, the M2P, page tables at machine
// addresses.
#pragma once

#include "hv/abi/pv_layout.hpp"
#include "hv/pv/exchange.hpp"
#include "hv/pv/frames.hpp"
#include "hv/pv/page_tables.hpp"
#include "hv/pv/pv.hpp"
#include "tests/unit/hv/hypercall/guest_fixture.hpp"

#include <array>
#include <atomic>
#include <vector>

class PvMemoryTest : public HypercallTest {
  protected:
    PvMemoryTest() : levels(FakeDomain::ram_pages + hv::pv::spare_names) {
        domain.domain().max_pages = FakeDomain::ram_pages;
        pv_domain.table_levels = levels;
        pv_domain.exchanged = exchanged.data();
        domain.domain().pv = &pv_domain;
        add_m2p(0);
        add_m2p(hv::abi::pv_spare_gfn);
    }
    uint64_t& m2p(uint64_t name) {
        constexpr uint64_t each = hv::abi::pv_m2p_entries_per_frame;
        return domain.at<uint64_t>(((hv::abi::pv_m2p_gfn + name / each) << hv::page_shift) +
                                   name % each * sizeof(uint64_t));
    }
    static uint64_t address(uint64_t name) { return name << hv::page_shift; }

    std::vector<std::atomic<uint8_t>> levels;
    std::array<hv::pv::ExchangedPage, hv::pv::Exchange::max_pages> exchanged{};
    hv::pv::PvDomain pv_domain;

  private:
    // Of the frame that has the entry of that name.
    void add_m2p(uint64_t name) {
        const hv::Gfn gfn{hv::abi::pv_m2p_gfn + name / hv::abi::pv_m2p_entries_per_frame};
        const hv::Mfn frame = machine.take_frames(1, hv::mm::FrameUse::Guest, domain.id());
        ASSERT_TRUE(domain.domain().p2m.map(gfn, frame, 1, hv::mm::Access::ReadWrite).ok());
    }
};
