// SPDX-License-Identifier: Apache-2.0
// What grant_table_op refuses a PV kernel: every status it documents, and arguments that no kernel
// would give. What it does: pv_grants.cpp.
#include "hv/abi/pv_layout.hpp"
#include "tests/guest/pv/rt/grants.hpp"
#include "tests/guest/pv/rt/pages.hpp"
#include "tests/guest/pv/rt/pointers.hpp"

namespace {

using namespace pv;
using hv::abi::Errno;

constexpr uint32_t ref = 20;
constexpr uint16_t permit = hv::abi::GTF_permit_access;
constexpr uint32_t in_entry = hv::abi::GNTMAP_contains_pte;

uint16_t self = 0;   // our own id
uint64_t page = 0;   // the one that is granted
uint64_t entry = 0;  // of `window`, a machine address

void bad_maps() {
    const auto refused = [](hv::abi::GnttabMapGrantRef op, GrantStatus why, std::string_view what) {
        check_status(map_grant(op), why, what);
    };
    using enum GrantStatus;
    refused(map_of(99, ref, window), GNTST_bad_domain, "nobody's");
    refused(map_of(hv::abi::DOMID_SELF, ref, window), GNTST_bad_domain, "DOMID_SELF");
    refused(map_of(self, 100000, window), GNTST_bad_gntref, "beyond the table");
    refused(map_of(self, ~0U, window), GNTST_bad_gntref, "beyond all tables");
    refused(map_of(self, ref + 1, window), GNTST_general_error, "not granted");
    set_grant(ref + 1, permit, 99, mfn_of(page));
    refused(map_of(self, ref + 1, window), GNTST_general_error, "granted to another");
    set_grant(ref + 1, permit | hv::abi::GTF_readonly, self, mfn_of(page));
    refused(map_of(self, ref + 1, window), GNTST_general_error, "granted for reading");
    for (const uint64_t frame : {uint64_t{0x90000}, hv::abi::pv_area_gfn, uint64_t{0xffffffff}}) {
        set_grant(ref + 1, permit, self, frame);
        refused(map_of(self, ref + 1, window), GNTST_bad_page, "a frame we do not have");
    }
    set_grant(ref + 1, 0, 0, 0);

    auto op = map_of(self, ref, window);
    op.flags = 0;
    refused(op, GNTST_bad_gntref, "for nobody");
    op.flags = hv::abi::GNTMAP_device_map;
    refused(op, GNTST_general_error, "for a device");
    op.flags = hv::abi::GNTMAP_device_map | hv::abi::GNTMAP_host_map;
    refused(op, GNTST_general_error, "for a device, too");

    for (const uint64_t at : {not_mapped, not_canonical, uint64_t{0}, ~uint64_t{0},
                              hv::abi::pv_m2p_virt, hv::abi::pv_hypervisor_virt_end - page_bytes}) {
        refused(map_of(self, ref, at), GNTST_general_error, "an address without a table");
    }
    const uint64_t places[] = {entry | 4,
                               ~uint64_t{7},
                               not_mapped,
                               hv::abi::pv_m2p_gfn * page_bytes,
                               hv::abi::pv_area_gfn * page_bytes,
                               hv::abi::pv_shared_info_gfn * page_bytes,
                               hv::abi::pv_foreign_gfn * page_bytes,
                               root_mfn() * page_bytes + 256 * 8};
    for (const uint64_t at : places) {
        refused(map_of(self, ref, at, in_entry), GNTST_general_error, "no entry of ours");
    }
    check_equal(grant_flags(ref), permit, "nothing is in use");
    check_equal(entry_of(window), 0, "nothing is mapped");
}

void bad_lists() {
    using enum GrantTableOp;
    for (const GrantTableOp op :
         {GNTTABOP_map_grant_ref, GNTTABOP_unmap_grant_ref, GNTTABOP_unmap_and_replace,
          GNTTABOP_setup_table, GNTTABOP_copy, GNTTABOP_query_size}) {
        for (const uint64_t at : {not_mapped, not_canonical, ~uint64_t{0} - 7}) {
            check_error(grant_op(op, at), Errno::XEN_EFAULT, "no list");
        }
        check_error(grant_op(op, uint64_t{window}, 0x80000000), Errno::XEN_EINVAL, "too many");
    }
    check_result(grant_op(GNTTABOP_map_grant_ref, uint64_t{not_mapped}, 0), 0, "none");
    check_error(grant_op(GNTTABOP_setup_table, uint64_t{not_mapped}, 0), Errno::XEN_EINVAL, "none");
    for (const GrantTableOp op : {GNTTABOP_transfer, GNTTABOP_dump_table, GNTTABOP_swap_grant_ref,
                                  GNTTABOP_cache_flush, GNTTABOP_get_status_frames}) {
        check_error(grant_op(op, uint64_t{0}), Errno::XEN_ENOSYS, "not offered");
    }
    check_error(grant_op(static_cast<GrantTableOp>(99), uint64_t{0}), Errno::XEN_ENOSYS, "no such");
    // Answers go where the list is: into the M2P they do not.
    check_error(grant_op(GNTTABOP_map_grant_ref, hv::abi::pv_m2p_virt), Errno::XEN_EFAULT,
                "a list in the M2P");
}

void copies() {
    const uint64_t target = take_page();
    hv::abi::GnttabCopy op{};
    op.source.u.ref = ref;
    op.source.domid = self;
    op.dest.u.gmfn = mfn_of(target);
    op.dest.domid = hv::abi::DOMID_SELF;
    op.len = 8;
    op.flags = hv::abi::GNTCOPY_source_gref;
    const auto copy = [&] {
        op.status = 99;
        check_result(grant_op(GrantTableOp::GNTTABOP_copy, &op), 0, "copy");
        return op.status;
    };
    using enum GrantStatus;
    check_status(copy(), GNTST_okay, "from a grant");
    check_equal(word(virt_of(target)), 0x1234, "copied");
    op.source.offset = 4089;
    check_status(copy(), GNTST_bad_copy_arg, "beyond the page");
    op.source.offset = 0;
    op.dest.u.gmfn = hv::abi::pv_area_gfn;
    check_status(copy(), GNTST_bad_page, "into the hypervisor's area");
    op.dest.u.gmfn = 0x90000;
    check_status(copy(), GNTST_bad_page, "into nobody's frame");
    op.dest.domid = 99;
    check_status(copy(), GNTST_permission_denied, "into another's frame");
    op.dest.u.gmfn = mfn_of(target);
    op.dest.domid = hv::abi::DOMID_SELF;
    op.source.u.ref = 100000;
    check_status(copy(), GNTST_bad_gntref, "from no grant");
    op.source.domid = 99;
    check_status(copy(), GNTST_bad_domain, "from nobody");
    check_equal(word(virt_of(target)), 0x1234, "nothing more was copied");
}

void sizes() {
    hv::abi::GnttabQuerySize op{};
    op.dom = hv::abi::DOMID_SELF;
    check_result(grant_op(GrantTableOp::GNTTABOP_query_size, &op), 0, "query_size");
    check_status(op.status, GrantStatus::GNTST_okay, "our own");
    check(op.nr_frames >= 1 && op.nr_frames <= op.max_nr_frames, "frames");
    op.dom = 99;
    check_result(grant_op(GrantTableOp::GNTTABOP_query_size, &op), 0, "query_size");
    check_status(op.status, GrantStatus::GNTST_bad_domain, "nobody's");
    check_error(grant_op(GrantTableOp::GNTTABOP_query_size, &op, 2), Errno::XEN_EINVAL, "two");
}

void versions() {
    hv::abi::GnttabSetVersion set{1};
    check_result(grant_op(GrantTableOp::GNTTABOP_set_version, &set), 0, "set_version");
    set.version = 2;
    check_error(grant_op(GrantTableOp::GNTTABOP_set_version, &set), Errno::XEN_ENOSYS, "version 2");
    set.version = 3;
    check_error(grant_op(GrantTableOp::GNTTABOP_set_version, &set), Errno::XEN_EINVAL, "version 3");
    hv::abi::GnttabGetVersion get{hv::abi::DOMID_SELF, 0, 99};
    check_result(grant_op(GrantTableOp::GNTTABOP_get_version, &get), 0, "get_version");
    check_equal(get.version, 1, "the version");
    get.dom = 99;
    check_error(grant_op(GrantTableOp::GNTTABOP_get_version, &get), Errno::XEN_ESRCH, "nobody's");
    for (const uint64_t at : {not_mapped, not_canonical}) {
        check_error(grant_op(GrantTableOp::GNTTABOP_set_version, at), Errno::XEN_EFAULT, "none");
        check_error(grant_op(GrantTableOp::GNTTABOP_get_version, at), Errno::XEN_EFAULT, "none");
    }
}

void all() {
    bad_maps();
    bad_lists();
    copies();
    sizes();
    versions();
}

}  // namespace

void pv::run() {
    start_grants();
    page = take_page();
    word(virt_of(page)) = 0x1234;
    map_page(window, 0);
    entry = entry_machine(window);
    self = find_self(ref, mfn_of(page), window);
    run_both_ways(all);
}
