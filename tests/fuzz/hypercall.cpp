// SPDX-License-Identifier: Apache-2.0
// Fuzz entry for the hypercall table: four domains, one of them the builder's, one under
// construction and one that controls the others, make the calls that the input spells. Then the
// machine is audited: who can reach which frame, and whether every such mapping is counted. (The
// replay runs every prefix.)
//
// Input, a sequence of records: domain and vCPU, what to do, command, second number, length n, and
// n bytes that go to the argument page (or, for `grant`, into an entry of the grant table).
#include "hv/abi/xen_hypercall.hpp"
#include "hv/base/assert.hpp"
#include "hv/base/reader.hpp"
#include "hv/dev/guest_console.hpp"
#include "hv/domain/rights.hpp"
#include "hv/event/fifo_control.hpp"
#include "hv/event/vcpu_info.hpp"
#include "hv/grant/mapping.hpp"
#include "hv/hypercall/dispatch.hpp"
#include "hv/launch/launch_op.hpp"
#include "hv/launch/order.hpp"
#include "tests/fake/fake_machine.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>

namespace {

using hv::abi::Hypercall;
using hv::mm::FrameUse;
using hv::mm::machine_frames;

constexpr uint64_t argument_page = 100;
constexpr uint8_t poke_grant = 11;
constexpr std::array calls{Hypercall::memory_op,      Hypercall::event_channel_op,
                           Hypercall::grant_table_op, Hypercall::vcpu_op,
                           Hypercall::sched_op,       Hypercall::hvm_op,
                           Hypercall::multicall,      Hypercall::console_io,
                           Hypercall::xen_version,    Hypercall::set_timer_op,
                           Hypercall::arch_7};
static_assert(poke_grant == calls.size());

using Counts = std::map<uint64_t, uint32_t>;  // expected foreign mappings by mfn

bool maps_foreign(const hv::domain::Domain& d) {
    return d.is_builder || hv::domain::controls_others(d);
}

// Of a grant table it may have asked for.
bool is_resource(FakeMachine& machine, const hv::domain::Domain& d, hv::Mfn mfn) {
    return hv::domain::controls_others(d) &&
           std::ranges::any_of(machine.domains, [&](const hv::domain::Domain* owner) {
               return owner->grants->is_own_frame(mfn);
           });
}

// What the domain's physmap may hold, and what of it must be counted.
void audit_physmap(FakeMachine& machine, hv::domain::Domain& d, Counts& counts) {
    for (auto gfn = d.p2m.next_mapped(hv::Gfn{0}); gfn; gfn = d.p2m.next_mapped(*gfn + 1)) {
        const hv::Mfn mfn = d.p2m.lookup(*gfn)->mfn;
        const hv::mm::FrameInfo info = machine_frames.get(mfn);
        if (info.use == FrameUse::Hypervisor) {
            ASSERT(mfn == d.shared_info_mfn || mfn == d.grants->substitute() ||
                   d.grants->is_own_frame(mfn) || is_resource(machine, d, mfn));
        } else {
            ASSERT(info.use == FrameUse::Guest);
            const bool is_foreign = info.owner != d.id;
            ASSERT(!is_foreign || info.foreign_mappings > 0);
            if (is_foreign && maps_foreign(d)) {
                ++counts[mfn.value()];  // less its grants, see below
            }
        }
    }
}

void audit_uses(hv::domain::Domain& d, Counts& counts) {
    for (const hv::grant::Mapping& mapping : d.grants->mappings()) {
        if (mapping.state == hv::grant::MappingState::Mapped) {
            ASSERT(d.p2m.lookup(mapping.gfn)->mfn == mapping.mfn);
            const bool counted_above =
                maps_foreign(d) && machine_frames.get(mapping.mfn).owner != d.id;
            counts[mapping.mfn.value()] += counted_above ? 0 : 1;
        } else {
            ASSERT(mapping.state == hv::grant::MappingState::Free ||
                   mapping.state == hv::grant::MappingState::Revoked);
        }
    }
    for (const hv::domain::Vcpu* v : d.vcpus) {
        counts[v->info_mfn.value()] += v->info_registered ? 1 : 0;
    }
    d.events->fifo().for_each_frame([&](hv::Mfn mfn) { ++counts[mfn.value()]; });
}

void audit(FakeMachine& machine) {
    Counts counts;
    for (hv::domain::Domain* d : machine.domains) {
        audit_physmap(machine, *d, counts);
        audit_uses(*d, counts);
    }
    std::map<hv::DomainId, std::pair<uint64_t, uint64_t>> owned;  // RAM, set aside
    for (uint64_t n = 0; n < FakeMachine::frame_count; ++n) {
        const hv::mm::FrameInfo info = machine_frames.get(hv::Mfn{n});
        if (info.use == FrameUse::Guest) {
            ASSERT(info.foreign_mappings == counts[n]);
            ++owned[info.owner].first;
        } else if (info.use == FrameUse::SetAside) {
            ++owned[info.owner].second;
        }
    }
    for (const hv::domain::Domain* d : machine.domains) {
        ASSERT(owned[d->id].first == d->tot_pages);
        ASSERT(owned[d->id].second == d->set_aside_count + d->reserve_count);
        ASSERT(d->tot_pages + d->set_aside_count + d->reserve_count == d->max_pages);
    }
}

void tear_down(hv::domain::Domain& d) {
    hv::grant::release_all(d);
    hv::domain::release_foreign(d);
    hv::event::close_all(d);
    hv::event::leave_fifo(d);
    hv::event::release_vcpu_info(d);
}

struct Record {
    uint8_t who, what, command, number, length;
    std::span<const std::byte> bytes;
};

void make_call(FakeDomain& d, const Record& r) {
    const uint64_t page = argument_page << hv::page_shift;
    const auto to = d.domain().p2m.lookup(hv::Gfn{argument_page});
    if (to && machine_frames.is_guest_frame_of(to->mfn, d.id())) {
        std::memcpy(d.page(hv::Gfn{argument_page}), r.bytes.data(), r.bytes.size());
    }
    hv::domain::Vcpu& v = d.vcpu((r.who >> 2) % 2);
    const Hypercall number = calls[r.what % (calls.size() + 1)];
    const bool number_first = number == Hypercall::vcpu_op || number == Hypercall::console_io;
    v.registers.rax = static_cast<uint64_t>(number);
    v.registers.rdi = number == Hypercall::multicall ? page : r.command;
    v.registers.rsi = number_first || number == Hypercall::multicall ? r.number : page;
    v.registers.rdx = number_first ? page : r.number;
    constexpr unsigned most_rounds = 4;  // some lists are long
    for (unsigned n = 0; n < most_rounds; ++n) {
        if (hv::hypercall::dispatch(v) == hv::hypercall::Completion::Done) {
            break;
        }
    }
}

bool read_record(hv::Reader& input, Record& r) {
    for (uint8_t* field : {&r.who, &r.what, &r.command, &r.number, &r.length}) {
        auto byte = input.read_le<uint8_t>();
        if (!byte.ok()) {
            return false;
        }
        *field = byte.take();
    }
    auto bytes = input.take(r.length);
    if (!bytes.ok()) {
        return false;
    }
    r.bytes = bytes.take();
    return true;
}

}  // namespace

bool hv::dev::write_guest_console(DomainId, uint8_t, std::span<const char>, UartSender) {
    return true;
}
void hv::dev::tell_console_room(DomainId, uint8_t, uint16_t) {}
size_t hv::dev::read_host_input(std::span<char>) {
    return 0;
}

hv::Result<uint64_t, hv::abi::Errno> hv::hyperlaunch::handle_launch_op(domain::Vcpu&, uint64_t,
                                                                       GuestVaddr) {
    return Err{abi::Errno::XEN_EPERM};
}
hv::Result<void, hv::abi::Errno> hv::hyperlaunch::start_held(DomainId) {
    return Err{abi::Errno::XEN_ESRCH};
}
hv::Result<void, hv::abi::Errno> hv::hyperlaunch::stop(const domain::Domain&, DomainId) {
    return Err{abi::Errno::XEN_ESRCH};
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    FakeMachine machine;
    const std::array domains{&machine.add_domain(1), &machine.add_domain(2),
                             &machine.add_domain(0x7fe0), &machine.add_domain(3)};
    for (FakeDomain* d : domains) {
        machine.add_reserve(*d, 8);
    }
    domains[1]->domain().state = hv::domain::State::UnderConstruction;
    domains[2]->domain().is_builder = true;
    domains[3]->domain().roles.add(launch::Role::Control);

    hv::Reader input{std::as_bytes(std::span{data, size})};
    Record r{};
    while (read_record(input, r)) {
        FakeDomain& d = *domains[(r.who & 3) % domains.size()];
        if (d.domain().is_dying) {
            continue;
        }
        if (r.what % (calls.size() + 1) == poke_grant) {
            std::memcpy(&d.grant(r.command), r.bytes.data(),
                        std::min(r.bytes.size(), sizeof(hv::abi::GrantEntryV1)));
        } else {
            make_call(d, r);
        }
        if (d.domain().is_dying) {
            tear_down(d.domain());
        }
    }
    audit(machine);
    return 0;
}
