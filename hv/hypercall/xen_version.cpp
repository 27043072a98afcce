// SPDX-License-Identifier: Apache-2.0
// xen_version(cmd, arg): what this Xen says it is. 4.17, because the distribution's tools pick
// their binaries by it. [xen-pub] version.h.
#include "hv/abi/xen_version.hpp"

#include "hv/hypercall/handlers.hpp"

#include <algorithm>
#include <string_view>

namespace hv::hypercall {

namespace {

constexpr uint64_t version = 4 << 16 | 17;

constexpr uint32_t features =
    1U << abi::XENFEAT_writable_page_tables | 1U << abi::XENFEAT_auto_translated_physmap |
    1U << abi::XENFEAT_hvm_callback_vector | 1U << abi::XENFEAT_hvm_safe_pvclock |
    1U << abi::XENFEAT_memory_op_vnode_supported | 1U << abi::XENFEAT_not_direct_mapped;

constexpr uint32_t pv_features =
    1U << abi::XENFEAT_pae_pgdir_above_4gb | 1U << abi::XENFEAT_mmu_pt_update_preserve_ad |
    1U << abi::XENFEAT_highmem_assist | 1U << abi::XENFEAT_gnttab_map_avail_bits |
    1U << abi::XENFEAT_memory_op_vnode_supported | 1U << abi::XENFEAT_not_direct_mapped;

// HYPERVISOR_VIRT_START of 64-bit Xen. Nothing is there in a PVH guest; Xen answers so, too.
constexpr uint64_t virt_start = 0xffff800000000000;

template <size_t N>
void put(char (&to)[N], std::string_view text) {
    std::fill_n(to, N, '\0');
    std::copy_n(text.begin(), std::min(text.size(), N - 1), to);
}

template <class T>
Answer answer_text(const Call& call, std::string_view text) {
    T value{};
    put(value.text, text);
    TRY(write(call, call.pointer(1), value));
    return 0;
}

Answer compile_info(const Call& call) {
    abi::XenCompileInfo info{};
    put(info.compiler, "gantry");
    TRY(write(call, call.pointer(1), info));
    return 0;
}

Answer get_features(const Call& call) {
    auto info = TRY(read<abi::XenFeatureInfo>(call, call.pointer(1)));
    if (info.submap_idx >= abi::XENFEAT_NR_SUBMAPS) {
        return fail(Errno::XEN_EINVAL);
    }
    info.submap = call.domain().pv != nullptr ? pv_features : features;
    TRY(write(call, call.pointer(1), info));
    return 0;
}

}  // namespace

Answer xen_version(Call& call) {
    switch (static_cast<abi::XenVersionOp>(call.args[0])) {
        case abi::XenVersionOp::XENVER_version:
            return version;
        case abi::XenVersionOp::XENVER_extraversion:
            return answer_text<abi::XenExtraversion>(call, ".5-gantry");
        case abi::XenVersionOp::XENVER_compile_info:
            return compile_info(call);
        case abi::XenVersionOp::XENVER_capabilities:
            return answer_text<abi::XenCapabilitiesInfo>(
                call, "xen-3.0-x86_64 hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0-x86_64 ");
        case abi::XenVersionOp::XENVER_changeset:
            return answer_text<abi::XenChangesetInfo>(call, "unavailable");
        case abi::XenVersionOp::XENVER_platform_parameters:
            TRY(write(call, call.pointer(1), abi::XenPlatformParameters{virt_start}));
            return 0;
        case abi::XenVersionOp::XENVER_get_features:
            return get_features(call);
        case abi::XenVersionOp::XENVER_pagesize:
            return page_size;
        case abi::XenVersionOp::XENVER_guest_handle:
            TRY(write(call, call.pointer(1), call.domain().uuid));
            return 0;
        case abi::XenVersionOp::XENVER_commandline:
            // What Xen tells a domain that may not know; so no failure.
            return answer_text<abi::XenCommandline>(call, "<denied>");
        case abi::XenVersionOp::XENVER_build_id:
            return fail(Errno::XEN_EPERM);
    }
    return fail(Errno::XEN_ENOSYS);
}

}  // namespace hv::hypercall
