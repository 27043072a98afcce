// SPDX-License-Identifier: Apache-2.0
#include "tests/fake/fake_machine.hpp"

#include "hv/base/assert.hpp"
#include "hv/domain/physmap.hpp"
#include "hv/mm/direct_map.hpp"

#include <algorithm>
#include <cstring>

using hv::mm::FrameUse;
using hv::mm::machine_frames;

namespace {

FakeMachine* installed = nullptr;

}  // namespace

FakeDomain::FakeDomain(FakeMachine& machine, uint16_t id, size_t vcpu_count)
    : channels_(port_count),
      fifo_ports_(port_count),
      active_(size_t{grant_frames} * hv::grant::entries_per_frame),
      mappings_(max_mappings) {
    domain_.id = hv::DomainId{id};
    domain_.state = hv::domain::State::Running;
    constexpr uint64_t tables = 40;
    ASSERT(domain_.p2m.init({machine.take_frames(tables, FrameUse::Hypervisor), tables}).ok());
    // A frame between domains, so that RAM of one is no continuation of another's.
    machine.take_frames(1, FrameUse::Hypervisor);
    const hv::Mfn ram = machine.take_frames(ram_pages, FrameUse::Guest, domain_.id);
    ASSERT(domain_.p2m.map(hv::Gfn{0}, ram, ram_pages, hv::mm::Access::ReadWriteExecute).ok());
    domain_.max_pages = ram_pages;
    domain_.tot_pages = ram_pages;

    domain_.shared_info_mfn = machine.take_frames(1, FrameUse::Hypervisor);
    domain_.shared_info =
        hv::mm::direct_map_as<hv::abi::SharedInfo>(hv::to_paddr(domain_.shared_info_mfn));
    events_.init(channels_, fifo_ports_);
    domain_.events = &events_;
    const hv::Mfn substitute = machine.take_frames(1, FrameUse::Hypervisor);
    std::memset(hv::mm::direct_map(substitute), 0xff, hv::page_size);
    grants_.init({.first_frame = machine.take_frames(grant_frames, FrameUse::Hypervisor),
                  .frame_count = grant_frames,
                  .substitute = substitute,
                  .active = active_,
                  .mappings = mappings_});
    domain_.grants = &grants_;

    for (uint32_t n = 0; n < vcpu_count; ++n) {
        vcpus_.push_back(std::make_unique<FakeVcpu>());
        hv::domain::Vcpu& v = vcpus_.back()->vcpu;
        v.domain = &domain_;
        v.id = hv::VcpuId{n};
        v.vmcb = &vcpus_.back()->vmcb;
        v.info = &domain_.shared_info->vcpu_info[n];
        ASSERT(domain_.vcpus.push(&v).ok());
    }
    vcpu(0).is_initialised = true;
    vcpu(0).is_up = true;
}

std::byte* FakeDomain::page(hv::Gfn gfn) {
    const auto found = domain_.p2m.lookup(gfn);
    ASSERT(found.has_value());
    return hv::mm::direct_map(found->mfn);
}

FakeMachine::FakeMachine()
    : memory_{std::calloc(frame_count + 1, hv::page_size)}, frames_(frame_count) {
    ASSERT(installed == nullptr);
    installed = this;
    void* base = memory_.get();
    size_t space = (frame_count + 1) * hv::page_size;
    hv::mm::direct_map_base = static_cast<std::byte*>(
        std::align(hv::page_size, frame_count * hv::page_size, base, space));
    machine_frames.init(frames_);
}

FakeMachine::~FakeMachine() {
    installed = nullptr;
    machine_frames.init({});
    hv::mm::direct_map_base = nullptr;
}

FakeDomain& FakeMachine::add_domain(uint16_t id, size_t vcpu_count) {
    owned_.push_back(std::make_unique<FakeDomain>(*this, id, vcpu_count));
    domains.push_back(&owned_.back()->domain());
    return *owned_.back();
}

hv::Mfn FakeMachine::take_frames(uint64_t count, FrameUse use, hv::DomainId owner) {
    const hv::Mfn first{next_frame_};
    next_frame_ += count;
    ASSERT(next_frame_ <= frame_count);
    machine_frames.set(first, count, use, owner);
    return first;
}

hv::Mfn FakeMachine::add_reserve(FakeDomain& domain, uint64_t count) {
    const hv::Mfn first = take_frames(count, FrameUse::Free);
    hv::domain::keep_in_reserve(domain.domain(), {first, count});
    domain.domain().max_pages += count;
    return first;
}

uint32_t FakeMachine::foreign_mappings(hv::Mfn mfn) const {
    return machine_frames.get(mfn).foreign_mappings;
}

namespace hv::domain {

Domain* find(DomainId id) {
    const auto found = std::find_if(installed->domains.begin(), installed->domains.end(),
                                    [&](const Domain* d) { return d->id == id; });
    return found == installed->domains.end() ? nullptr : *found;
}

std::span<Domain* const> all() {
    return installed->domains;
}

void flush_tlb(Domain& domain) {
    ++installed->flushes[&domain];
    if (installed->on_flush) {
        installed->on_flush(domain);
    }
}

void end(Domain& domain, End why, std::string_view) {
    if (!domain.is_dying.exchange(true)) {
        domain.end = why;
        domain.state = State::Ended;
        domain.fate.put("ended");
        installed->ended[&domain] = why;
    }
}

bool is_quiescent(const Domain& domain) {
    return installed->inside.count(&domain) == 0;
}

bool ended_as_expected(const Domain& domain) {
    const auto found = installed->ended.find(&domain);
    const bool is_unneeded = domain.roles.has(launch::Role::Recovery);
    return found != installed->ended.end() &&
           (found->second == End::Poweroff || (is_unneeded && found->second == End::NotStarted));
}

}  // namespace hv::domain
