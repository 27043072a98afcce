// SPDX-License-Identifier: Apache-2.0
// A machine in memory: frames, the frame table, and domains with their RAM, shared page, event
// channels and grants, as the launch would make them. Guest virtual addresses are guest physical
// ones (paging is off in every vCPU). It keeps the real physmap, p2m and guest copies; finding and
// ending domains and flushing TLBs are its own.
#pragma once

#include "hv/abi/xen_shared_info.hpp"
#include "hv/domain/domain.hpp"
#include "hv/domain/vcpu.hpp"
#include "hv/event/event_channels.hpp"
#include "hv/grant/grant_table.hpp"
#include "hv/mm/frame_table.hpp"
#include "hv/svm/vmcb.hpp"
#include "tests/fake/fake_sched.hpp"

#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

class FakeMachine;

struct FakeVcpu {
    hv::domain::Vcpu vcpu;
    hv::svm::Vmcb vmcb{};
};

class FakeDomain {
  public:
    static constexpr uint64_t ram_pages = 128;
    static constexpr uint32_t port_count = 32;
    static constexpr uint32_t grant_frames = 2;
    static constexpr size_t max_mappings = 8;

    FakeDomain(FakeMachine& machine, uint16_t id, size_t vcpu_count);

    hv::domain::Domain& domain() { return domain_; }
    hv::domain::Vcpu& vcpu(size_t n = 0) { return vcpus_[n]->vcpu; }
    [[nodiscard]] hv::DomainId id() const { return domain_.id; }

    // A page as the guest sees it; fails the test if nothing is mapped there.
    std::byte* page(hv::Gfn gfn);
    [[nodiscard]] std::optional<hv::mm::P2m::Mapping> mapping(hv::Gfn gfn) const {
        return domain_.p2m.lookup(gfn);
    }
    [[nodiscard]] hv::Mfn mfn(hv::Gfn gfn) const { return domain_.p2m.lookup(gfn)->mfn; }
    // A structure in the guest's memory, at a guest physical (and virtual) address.
    template <class T>
    T& at(uint64_t address) {
        return *reinterpret_cast<T*>(page(hv::Gfn{address >> hv::page_shift}) +
                                     hv::page_offset(address));
    }
    hv::abi::GrantEntryV1& grant(uint32_t ref) { return domain_.grants->entry(hv::GrantRef{ref}); }

  private:
    hv::domain::Domain domain_;
    hv::event::EventChannels events_;
    hv::grant::GrantTable grants_;
    std::vector<hv::event::Channel> channels_;
    std::vector<hv::event::FifoPort> fifo_ports_;
    std::vector<hv::grant::ActiveGrant> active_;
    std::vector<hv::grant::Mapping> mappings_;
    std::vector<std::unique_ptr<FakeVcpu>> vcpus_;
};

class FakeMachine {
  public:
    static constexpr uint64_t frame_count = 1024;

    FakeMachine();
    ~FakeMachine();
    FakeMachine(const FakeMachine&) = delete;
    FakeMachine& operator=(const FakeMachine&) = delete;

    FakeDomain& add_domain(uint16_t id, size_t vcpu_count = 2);
    hv::Mfn take_frames(uint64_t count, hv::mm::FrameUse use, hv::DomainId owner = {});
    // RAM that the domain may ask for beyond what it has; the first of the frames in a row.
    hv::Mfn add_reserve(FakeDomain& domain, uint64_t count);
    [[nodiscard]] uint32_t foreign_mappings(hv::Mfn mfn) const;

    FakeSched sched;
    std::map<const hv::domain::Domain*, unsigned> flushes;
    std::map<const hv::domain::Domain*, hv::domain::End> ended;
    std::set<const hv::domain::Domain*> inside;         // a CPU still is
    std::function<void(hv::domain::Domain&)> on_flush;  // what others do meanwhile
    std::vector<hv::domain::Domain*> domains;

  private:
    struct Free {
        void operator()(void* p) const { std::free(p); }
    };
    // From calloc, because most pages are never touched and then cost nothing.
    std::unique_ptr<void, Free> memory_;
    std::vector<hv::mm::FrameInfo> frames_;
    std::vector<std::unique_ptr<FakeDomain>> owned_;
    uint64_t next_frame_ = 1;  // frame 0 stays Absent
};
