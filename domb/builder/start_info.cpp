// SPDX-License-Identifier: Apache-2.0
#include "domb/builder/start_info.hpp"

#include "domb/builder/acpi/tables.hpp"
#include "hv/abi/launch_op.hpp"
#include "hv/abi/xen_start_info.hpp"
#include "hv/base/static_vector.hpp"

namespace builder {
namespace {

uint64_t add_command_line(TableArea& area, std::string_view text) {
    std::array<char, launch::max_cmdline_bytes + 1> line{};
    ASSERT(text.size() < line.size());
    text.copy(line.data(), text.size());
    return area.add(std::as_bytes(std::span{line}.first(text.size() + 1)));
}

uint64_t add_memory_map(TableArea& area, const layout::MemoryMap& map) {
    hv::StaticVector<hv::abi::HvmMemmapTableEntry, layout::MemoryMap::capacity()> entries;
    for (const layout::MemoryRange& range : map) {
        ASSERT(
            entries.push({range.gpaddr, range.bytes, static_cast<uint32_t>(range.type), 0}).ok());
    }
    return area.add(std::as_bytes(std::span{entries.begin(), entries.size()}));
}

// Xen's own rule for the flags: what the domain may do, not what it is for.
uint32_t flags_of(const launch::Roles& roles) {
    return (roles.has(launch::Role::Control) ? hv::abi::SIF_PRIVILEGED : 0) |
           (roles.has(launch::Role::Hardware) ? hv::abi::SIF_INITDOMAIN : 0);
}

}  // namespace

uint64_t write_start_info(TableArea& area, const StartInfoPlan& plan) {
    hv::StaticVector<hv::abi::HvmModlistEntry, 3> modules;
    if (plan.initrd_bytes != 0) {
        ASSERT(modules.push({plan.initrd, plan.initrd_bytes, 0, 0}).ok());
    }
    if (plan.domain.roles.has(launch::Role::Recovery)) {
        const uint64_t name = area.add_object(hv::abi::recovery_reason_name);
        ASSERT(modules.push({hv::abi::recovery_reason_gpaddr, hv::page_size, name, 0}).ok());
    }
    if (!plan.service_plan.empty()) {
        ASSERT(modules.push({area.add(plan.service_plan), plan.service_plan.size(), 0, 0}).ok());
    }
    hv::abi::HvmStartInfo info{};
    info.magic = hv::abi::XEN_HVM_START_MAGIC_VALUE;
    info.version = 1;
    info.flags = flags_of(plan.domain.roles);
    info.nr_modules = static_cast<uint32_t>(modules.size());
    info.modlist_paddr = area.add(std::as_bytes(std::span{modules.begin(), modules.size()}));
    info.cmdline_paddr = add_command_line(area, plan.domain.cmdline);
    info.rsdp_paddr =
        acpi::write_tables(area, {.vcpu_count = plan.domain.vcpu_count,
                                  .tpm = plan.tpm_log_bytes != 0,
                                  .log_gpaddr = layout::event_log,
                                  .log_bytes = static_cast<uint32_t>(plan.tpm_log_bytes)});
    info.memmap_paddr = add_memory_map(area, plan.memory_map);
    info.memmap_entries = static_cast<uint32_t>(plan.memory_map.size());
    return area.add_object(info);
}

}  // namespace builder
