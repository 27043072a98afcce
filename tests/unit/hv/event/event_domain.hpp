// SPDX-License-Identifier: Apache-2.0
// A domain with just what event channels touch: shared_info, vCPUs and a table.
#pragma once

#include "hv/abi/xen_shared_info.hpp"
#include "hv/base/assert.hpp"
#include "hv/event/event_channels.hpp"
#include "hv/event/pending.hpp"

#include <memory>
#include <vector>

struct EventDomain {
    explicit EventDomain(uint16_t id, size_t vcpu_count = 2, size_t ports = 16)
        : table(ports), fifo_ports(ports) {
        domain.id = hv::DomainId{id};
        domain.shared_info = &shared_info;
        domain.events = &events;
        events.init(table, fifo_ports);
        for (size_t n = 0; n < vcpu_count; ++n) {
            vcpus.push_back(std::make_unique<hv::domain::Vcpu>());
            vcpus.back()->domain = &domain;
            vcpus.back()->id = hv::VcpuId{static_cast<uint32_t>(n)};
            vcpus.back()->info = &shared_info.vcpu_info[n];
            ASSERT(domain.vcpus.push(vcpus.back().get()).ok());
        }
    }

    [[nodiscard]] bool is_pending(hv::EvtchnPort port) const {
        return (shared_info.evtchn_pending[port.value() / 64] >> (port.value() % 64) & 1) != 0;
    }
    void mask(hv::EvtchnPort port) {
        shared_info.evtchn_mask[port.value() / 64] |= uint64_t{1} << (port.value() % 64);
    }
    [[nodiscard]] bool has_upcall(size_t vcpu) const {
        return shared_info.vcpu_info[vcpu].evtchn_upcall_pending != 0;
    }
    // What a guest's upcall does first.
    void take_upcall(size_t vcpu) {
        shared_info.vcpu_info[vcpu].evtchn_upcall_pending = 0;
        shared_info.vcpu_info[vcpu].evtchn_pending_sel = 0;
    }
    void forget_events() {
        for (size_t n = 0; n < vcpus.size(); ++n) {
            take_upcall(n);
        }
        for (uint64_t& word : shared_info.evtchn_pending) {
            word = 0;
        }
    }

    alignas(4096) hv::abi::SharedInfo shared_info{};
    hv::domain::Domain domain;
    std::vector<hv::event::Channel> table;
    std::vector<hv::event::FifoPort> fifo_ports;
    hv::event::EventChannels events;
    std::vector<std::unique_ptr<hv::domain::Vcpu>> vcpus;
};
