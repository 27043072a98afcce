// SPDX-License-Identifier: Apache-2.0
#include "hv/launch/create.hpp"

#include "hv/abi/xen_hvm.hpp"
#include "hv/abi/xen_shared_info.hpp"
#include "hv/dev/clock.hpp"
#include "hv/domain/time.hpp"
#include "hv/domain/tlb.hpp"
#include "hv/domain/vcpu.hpp"
#include "hv/event/event_channels.hpp"
#include "hv/grant/grant_table.hpp"
#include "hv/hvm/cpuid.hpp"
#include "hv/hvm/lapic.hpp"
#include "hv/hvm/msr.hpp"
#include "hv/mm/page_entry.hpp"
#include "hv/pv/area.hpp"
#include "hv/sched/sched.hpp"
#include "hv/svm/svm.hpp"
#include "hv/x86/instructions.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace hv::hyperlaunch {

namespace {

constexpr uint64_t port_count = 1024;     // by either event ABI; as xl gives a guest
constexpr uint32_t grant_frames = 8;      // 4096 entries
constexpr uint64_t grant_mappings = 256;  // of anyone's, that it can hold at a time
constexpr uint64_t frames_2m = 512;
constexpr uint64_t frames_1g = 512 * 512;

// Errors of the allocators all mean the same here.
auto or_no_memory(auto result) {
    return with_error(std::move(result), CreateError::NoMemory);
}

// RAM in the largest, best aligned pieces that are free.
Result<void, CreateError> add_ram(boot::Machine& m, domain::Domain& d, Gfn gfn, uint64_t count) {
    while (count > 0) {
        const uint64_t alignment = count >= frames_1g ? frames_1g : frames_2m;
        const mm::Extent piece = TRY(or_no_memory(m.free_frames.take_low(count, alignment)));
        mm::machine_frames.set(piece.first, piece.count, mm::FrameUse::Guest, d.id);
        TRY(or_no_memory(d.p2m.map(gfn, piece.first, piece.count, mm::Access::ReadWriteExecute)));
        gfn = gfn + piece.count;
        count -= piece.count;
        d.tot_pages += piece.count;
    }
    return Ok{};
}

Result<void, CreateError> add_vcpu(boot::Machine& m, domain::Domain& d, uint32_t id, bool x2apic) {
    domain::Vcpu& v = *TRY(or_no_memory(m.arena.make<domain::Vcpu>()));
    v.domain = &d;
    v.id = VcpuId{id};
    const Mfn vmcb = TRY(or_no_memory(m.arena.frames(1)));
    v.vmcb = mm::direct_map_as<svm::Vmcb>(to_paddr(vmcb));
    svm::init(*v.vmcb, d.p2m.root(), domain::guest_asid);
    v.processor.xsave_area = TRY(or_no_memory(m.arena.bytes(svm::xsave_bytes(), 64)));
    svm::reset(v.processor);
    v.lapic = TRY(or_no_memory(m.arena.make<hvm::LocalApic>(v.id, x2apic)));
    v.msrs = TRY(or_no_memory(m.arena.make<hvm::Msrs>(hvm::guest_physical_bits(*d.cpuid))));
    if (id < std::size(d.shared_info->vcpu_info)) {
        v.info.store(&d.shared_info->vcpu_info[id], std::memory_order_relaxed);
    }
    sched::init(v);
    ASSERT(d.vcpus.push(&v).ok());
    return Ok{};
}

Result<void, CreateError> add_tables(boot::Machine& m, domain::Domain& d, uint64_t served_grants) {
    const uint64_t mappings = grant_mappings + served_grants;
    d.shared_info_mfn = TRY(or_no_memory(m.arena.frames(1)));
    d.shared_info = mm::direct_map_as<abi::SharedInfo>(to_paddr(d.shared_info_mfn));
    domain::start_clock(d);
    d.events = TRY(or_no_memory(m.arena.make<event::EventChannels>()));
    d.events->init(TRY(or_no_memory(m.arena.array<event::Channel>(port_count))),
                   TRY(or_no_memory(m.arena.array<event::FifoPort>(port_count))));
    d.grants = TRY(or_no_memory(m.arena.make<grant::GrantTable>()));
    const Mfn substitute = TRY(or_no_memory(m.arena.frames(1)));
    std::memset(mm::direct_map(substitute), 0xff, page_size);
    d.grants->init({.first_frame = TRY(or_no_memory(m.arena.frames(grant_frames))),
                    .frame_count = grant_frames,
                    .substitute = substitute,
                    .active = TRY(or_no_memory(m.arena.array<grant::ActiveGrant>(
                        grant_frames * grant::entries_per_frame))),
                    .mappings = TRY(or_no_memory(m.arena.array<grant::Mapping>(mappings)))});
    return Ok{};
}

hvm::CpuidLeaf host_cpuid(uint32_t leaf, uint32_t subleaf) {
    const auto r = x86::cpuid(leaf, subleaf);
    return {r.eax, r.ebx, r.ecx, r.edx};
}

Result<void, CreateError> add_cpuid(boot::Machine& m, domain::Domain& d, const DomainSpec& spec) {
    const dev::TscScale& scale = dev::tsc_scale();
    d.cpuid = TRY(or_no_memory(m.arena.make<hvm::CpuidDomain>(
        hvm::CpuidDomain{.host = hvm::HostCpuid::read(host_cpuid),
                         .policy = spec.cpuid,
                         .is_pv = spec.is_pv,
                         .id = d.id,
                         .vcpu_count = spec.vcpu_count,
                         .clock = {.tsc_khz = static_cast<uint32_t>(scale.tsc_hz / 1000),
                                   .tsc_offset = 0,
                                   .tsc_to_system_mul = scale.mul,
                                   .tsc_shift = scale.shift}})));
    return Ok{};
}

Result<void, CreateError> add_area(boot::Machine& m, domain::Domain& d) {
    const auto created = pv::create_area(m.arena, d);
    if (!created.ok()) {
        const bool is_too_large = created.error() == pv::AreaError::TooLarge;
        return Err{is_too_large ? CreateError::TooLarge : CreateError::NoMemory};
    }
    return Ok{};
}

}  // namespace

Result<domain::Domain*, CreateError> create_domain(boot::Machine& m, const DomainSpec& spec) {
    const uint64_t free_before = m.free_frames.free_count();
    domain::Domain& d = *TRY(or_no_memory(m.arena.make<domain::Domain>()));
    d.id = spec.id;
    d.name = spec.name;
    d.path = spec.path;
    const uint64_t pages = spec.memory_bytes >> page_shift;
    d.max_pages = spec.max_memory_bytes >> page_shift;

    constexpr uint64_t pieces = 16;
    const uint64_t tables = mm::PageTable::tables_for(d.max_pages, pieces) +
                            spec.extra_table_frames + spec.served_grants / mm::pte::entries +
                            (spec.is_pv ? pv::area_table_frames(d.max_pages) : 0);
    const Mfn pool = TRY(or_no_memory(m.arena.frames(tables)));
    TRY(or_no_memory(d.p2m.init({pool, tables})));

    const uint64_t below = std::min(pages, ram_hole_start >> page_shift);
    TRY(add_ram(m, d, Gfn{0}, below));
    TRY(add_ram(m, d, to_gfn(GuestPaddr{ram_hole_end}), pages - below));
    TRY(add_tables(m, d, spec.served_grants));
    TRY(add_cpuid(m, d, spec));
    for (uint32_t id = 0; id < spec.vcpu_count; ++id) {
        TRY(add_vcpu(m, d, id, spec.cpuid.x2apic));
    }
    if (spec.is_pv) {
        TRY(add_area(m, d));
    }
    d.overhead_bytes = (free_before - m.free_frames.free_count() - pages) << page_shift;
    domain::add(d);
    return &d;
}

}  // namespace hv::hyperlaunch
