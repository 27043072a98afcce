// SPDX-License-Identifier: Apache-2.0
// A domain that uses the FIFO ABI: a page of event words, and a control block for each of two
// vCPUs.
#pragma once

#include "hv/event/fifo.hpp"
#include "hv/event/fifo_word.hpp"
#include "hv/event/pending.hpp"
#include "tests/fake/fake_sched.hpp"
#include "tests/unit/hv/event/event_domain.hpp"
#include "tests/unit/hv/event/fifo_guest.hpp"

#include <array>
#include <vector>

#include <gtest/gtest.h>

namespace fifo_word = hv::event::fifo_word;

class FifoTest : public testing::Test {
  protected:
    using Ports = std::vector<uint32_t>;

    FifoTest() {
        fifo.use();
        for (uint32_t n = 0; n < blocks.size(); ++n) {
            fifo.set_control(hv::VcpuId{n}, &blocks[n], hv::Mfn{n});
        }
        fifo.add_page(words.data(), hv::Mfn{9});
    }
    void raise(uint32_t port, uint32_t vcpu = 0) {
        hv::event::set_pending(d.domain, hv::EvtchnPort{port}, hv::VcpuId{vcpu});
    }
    void unmask(uint32_t port, uint32_t vcpu = 0) {
        hv::event::unmask_pending(d.domain, hv::EvtchnPort{port}, hv::VcpuId{vcpu});
    }
    // Whether the vCPU has an upcall, which it takes.
    bool take_upcall(size_t vcpu = 0) {
        const bool has = d.has_upcall(vcpu);
        d.take_upcall(vcpu);
        return has;
    }

    FakeSched sched;
    EventDomain d{1, 2, 64};
    hv::event::Fifo& fifo = d.events.fifo();
    std::array<uint32_t, hv::event::Fifo::words_per_page> words{};
    std::array<hv::abi::EvtchnFifoControlBlock, 2> blocks{};
    std::array<FifoGuest, 2> guests{FifoGuest{blocks[0], words}, FifoGuest{blocks[1], words}};
};
