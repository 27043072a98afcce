// SPDX-License-Identifier: Apache-2.0
// set_gdt(frames, entries) and update_descriptor(machine address, descriptor) of PV guests.
#include "hv/abi/xen_pv.hpp"
#include "hv/hypercall/handlers.hpp"
#include "hv/pv/area.hpp"
#include "hv/pv/descriptors.hpp"
#include "hv/pv/page_tables.hpp"

#include <array>
#include <atomic>

namespace hv::hypercall {

Answer set_gdt(Call& call) {
    constexpr uint64_t entries_per_frame = 512;
    const uint64_t entries = call.args[1];
    if (entries > abi::FIRST_RESERVED_GDT_ENTRY) {
        return fail(Errno::XEN_EINVAL);
    }
    std::array<uint64_t, abi::FIRST_RESERVED_GDT_PAGE> numbers{};
    std::array<Gfn, abi::FIRST_RESERVED_GDT_PAGE> frames{};
    const uint64_t count = (entries + entries_per_frame - 1) / entries_per_frame;
    const std::span used = std::span{numbers}.first(count);
    TRY(edge(domain::copy_from_guest(call.vcpu, std::as_writable_bytes(used), call.pointer(0))));
    for (uint64_t i = 0; i < count; ++i) {
        frames[i] = Gfn{numbers[i]};
        if (!pv::accept_descriptors(call.domain(), frames[i])) {
            return fail(Errno::XEN_EINVAL);
        }
    }
    pv::set_gdt(call.vcpu, std::span{frames}.first(count));
    return 0;
}

Answer update_descriptor(Call& call) {
    const GuestPaddr at{call.args[0]};
    uint64_t descriptor = call.args[1];
    const Gfn gfn = to_gfn(at);
    if (at.value() % sizeof(descriptor) != 0 || !pv::own_frame(call.domain(), gfn) ||
        !pv::accept_descriptor(descriptor)) {
        return fail(Errno::XEN_EINVAL);
    }
    const bool stored = call.domain().p2m.with_page(gfn, true, [&](std::byte* page) {
        // SAFETY: aligned, within the page.
        auto* entry = reinterpret_cast<uint64_t*>(page + page_offset(at.value()));
        std::atomic_ref{*entry}.store(descriptor);
    });
    return stored ? Answer{uint64_t{0}} : fail(Errno::XEN_EINVAL);
}

}  // namespace hv::hypercall
