// SPDX-License-Identifier: Apache-2.0
#include "domb/builder/construct.hpp"

#include "domb/builder/placement.hpp"
#include "domb/builder/pv/construct.hpp"
#include "domb/builder/start_info.hpp"

#include <array>
#include <cstring>

namespace builder {

Checked<void> accepted(const Done& done) {
    if (!done.ok()) {
        return hv::Err{Refused{Refusal::Hypervisor, ""}};
    }
    return hv::Ok{};
}

std::span<const std::byte> without_zeros_at_end(std::span<const std::byte> bytes) {
    std::array<uint64_t, 8> words;
    while (bytes.size() >= sizeof(words)) {
        __builtin_memcpy(words.data(), bytes.last(sizeof(words)).data(), sizeof(words));
        uint64_t any = 0;
        for (const uint64_t word : words) {
            any |= word;
        }
        if (any != 0) {
            break;
        }
        bytes = bytes.first(bytes.size() - sizeof(words));
    }
    return bytes;
}

namespace {

Checked<Kernel> checked_kernel(std::span<const std::byte> file) {
    auto kernel = read_kernel(file);
    if (!kernel.ok()) {
        return hv::Err{Refused{kernel.error(), "/kernel"}};
    }
    return kernel.take();
}

Checked<void> construct_pvh(Hypervisor& hypervisor, const launch::Domain& domain,
                            const Contents& contents, std::span<std::byte> tables) {
    const Kernel kernel = TRY(checked_kernel(contents.kernel));
    const Placement placement = TRY(place(kernel, contents.initrd.size(), domain.memory_bytes));
    const auto map = layout::memory_map(domain.memory_bytes, contents.tpm_log_bytes);

    memset(tables.data(), 0, tables.size());
    TableArea area{tables, layout::tables};
    const uint64_t start_info = write_start_info(area, {.domain = domain,
                                                        .memory_map = map,
                                                        .initrd = placement.initrd,
                                                        .initrd_bytes = contents.initrd.size(),
                                                        .service_plan = contents.service_plan,
                                                        .tpm_log_bytes = contents.tpm_log_bytes});
    const auto write = [&](uint64_t at, std::span<const std::byte> bytes) {
        return accepted(hypervisor.write(domain.domid, hv::GuestPaddr{at}, bytes));
    };
    for (const Segment& segment : kernel.segments) {
        const auto contents_alone = without_zeros_at_end(segment.contents);
        TRY(write(segment.gpaddr, contents_alone));
        TRY(accepted(hypervisor.zero(domain.domid,
                                     hv::GuestPaddr{segment.gpaddr + contents_alone.size()},
                                     segment.memory_bytes - contents_alone.size())));
    }
    TRY(write(placement.initrd, contents.initrd));
    TRY(write(area.gpaddr(), area.bytes()));
    TRY(accepted(hypervisor.set_memory_map(domain.domid, map)));
    return accepted(
        hypervisor.set_vcpu(domain.domid, kernel.entry, static_cast<uint32_t>(start_info)));
}

}  // namespace

Checked<void> construct(Hypervisor& hypervisor, const launch::Domain& domain,
                        const Contents& contents, std::span<std::byte> scratch) {
    switch (domain.type) {
        case launch::DomainType::Pv:
            return pv::construct(hypervisor, domain, contents, scratch);
        case launch::DomainType::Pvh:
            return construct_pvh(hypervisor, domain, contents, scratch);
        case launch::DomainType::Hvm:
            break;
    }
    return hv::Err{Refused{Refusal::TypeNotSupported, "/type"}};
}

}  // namespace builder
