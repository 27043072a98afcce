// SPDX-License-Identifier: Apache-2.0
// Boot steps: the domains of the plan, and domB.
#include "hv/base/assert.hpp"
#include "hv/dev/log.hpp"
#include "hv/domain/vcpu.hpp"
#include "hv/grant/grant_table.hpp"
#include "hv/launch/builder.hpp"
#include "hv/launch/create.hpp"
#include "hv/launch/launch.hpp"
#include "hv/launch/measurement.hpp"
#include "hv/launch/phase.hpp"
#include "hv/launch/reserve.hpp"
#include "hv/launch/served_grants.hpp"
#include "hv/launch/services.hpp"
#include "hv/sched/sched.hpp"

namespace hv::hyperlaunch {

namespace {

using launch::Role;

[[noreturn]] void does_not_fit(const boot::Machine& m, std::string_view name, std::string_view path,
                               uint64_t wanted, CreateError why) {
    TextOf<300> text;
    text.put("domain ").put(name).put(" (").put(path);
    if (why == CreateError::TooLarge) {
        text.put("): more memory than a PV domain can have");
        dev::stop(text.view());
    }
    text.put("): not enough memory: needs ");
    text.dec(wanted >> 20).put(" MiB and its overhead, free are ");
    text.dec(m.free_frames.free_count() >> (20 - page_shift)).put(" MiB");
    dev::stop(text.view());
}

void give_log(domain::Domain& d) {
    const Measurement& measured = measurement();
    if (measured.is_active && d.roles.has(Role::Tpm)) {
        ASSERT(d.p2m
                   .map(event_log_gfn, to_mfn(mm::to_paddr(measured.log.data())),
                        measured.log.size() >> page_shift, mm::Access::ReadOnly)
                   .ok());
    }
}

void record_creation(const domain::Domain& d) {
    dev::Record{"domain-created"}
        .with("domid", d.id.value())
        .with("name", d.name)
        .with("path", d.path)
        .with("memory", d.tot_pages << page_shift)
        .with("memory_max", d.max_pages << page_shift)
        .with("vcpus", d.vcpus.size())
        .with("overhead", d.overhead_bytes);
}

constexpr uint64_t builder_heap_slack = 8 << 20;  // bss and working memory

uint64_t module_bytes(const boot::Machine& m) {
    uint64_t total = 0;
    for (const boot::PhysicalRange& module : m.info.modules) {
        total += align_up(module.bytes, page_size);
    }
    return total;
}

// domB, with room for a copy of each module, and tables to map every domain's RAM.
void create_builder(boot::Machine& m) {
    uint64_t guest_pages = 0;
    for (const domain::Domain* d : domain::all()) {
        guest_pages += d->tot_pages;
    }
    const uint64_t modules = module_bytes(m);
    const uint64_t memory = align_up(
        align_up(measurement().builder_image.size(), 2 << 20) + modules + builder_heap_slack,
        2 << 20);
    auto created = create_domain(m, {.id = builder_id,
                                     .name = "builder",
                                     .path = "",
                                     .memory_bytes = memory,
                                     .max_memory_bytes = memory,
                                     .vcpu_count = 1,
                                     .extra_table_frames = mm::PageTable::tables_for(
                                         guest_pages + (modules >> page_shift), 512)});
    if (!created.ok()) {
        does_not_fit(m, "builder", "domB", memory, created.error());
    }
    created.value()->is_builder = true;
}

}  // namespace

void create_domains(boot::Machine& m, const Plan& plan) {
    for (const launch::Domain& planned : plan.graph.domains) {
        constexpr uint64_t grants_and_special_pages = 64;
        auto created = create_domain(m, {.id = planned.domid,
                                         .name = planned.name,
                                         .path = planned.path,
                                         .memory_bytes = planned.memory_bytes,
                                         .max_memory_bytes = planned.max_memory_bytes,
                                         .vcpu_count = planned.vcpu_count,
                                         .extra_table_frames = grants_and_special_pages,
                                         .served_grants = served_grants(plan.graph, planned),
                                         .cpuid = planned.cpuid,
                                         .is_pv = planned.type == launch::DomainType::Pv});
        if (!created.ok()) {
            does_not_fit(m, planned.name, planned.path, planned.memory_bytes, created.error());
        }
        domain::Domain& d = *created.value();
        set_grants_apart(plan.graph, planned, d.grants->budget());
        d.roles = planned.roles;
        d.expected_end = planned.expected_end;
        d.is_held = planned.is_held();
        d.uuid = planned.uuid;
        if (d.roles.has(Role::Recovery) && d.pv == nullptr) {
            add_special_page(m, d, recovery_reason_gfn);
        }
    }
    connect_services(m);
    for (domain::Domain* d : domain::all()) {
        give_log(*d);
        record_creation(*d);
    }
    create_builder(m);
    check_reserves(m);
}

void start_builder(boot::Machine& m, const Plan& plan) {
    domain::Domain& builder = *domain::find(builder_id);
    equip_builder(m, plan, builder);
    keep_for_reaping(m, plan);
    dev::Record{"builder-started"}.with("memory", builder.tot_pages << page_shift);
    sched::set_online(*builder.vcpus[0], true);
}

}  // namespace hv::hyperlaunch
