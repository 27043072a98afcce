// SPDX-License-Identifier: Apache-2.0
// Grants that a PV kernel makes itself and maps itself, into entries of its page tables, in every
// way. What is refused: pv_grant_errors.cpp. Between two domains: pv_grant_peer.cpp.
#include "hv/abi/pv_layout.hpp"
#include "hv/abi/xen_memory.hpp"
#include "tests/guest/pv/rt/grants.hpp"
#include "tests/guest/pv/rt/memory.hpp"
#include "tests/guest/pv/rt/pages.hpp"
#include "tests/guest/pv/rt/pointers.hpp"
#include "tests/guest/pv/rt/user.hpp"

#include <array>

USER_PROGRAM(user_load);

namespace {

using namespace pv;
using hv::abi::Errno;

constexpr uint64_t second_window = window + page_bytes;
constexpr uint32_t ref = 20;
constexpr uint16_t permit = hv::abi::GTF_permit_access;
constexpr uint32_t in_entry = hv::abi::GNTMAP_contains_pte;
constexpr uint32_t read_only = hv::abi::GNTMAP_readonly;

uint16_t self = 0;   // our own id
uint64_t page = 0;   // the one that is granted
uint64_t entry = 0;  // of `window`, a machine address

void by_address() {
    word(virt_of(page)) = 0x1234;
    auto op = map_of(self, ref, window);
    check_status(map_grant(op), GrantStatus::GNTST_okay, "map");
    check_equal(word(window), 0x1234, "the granted page is there");
    word(window + 8) = 0x5678;
    check_equal(word(virt_of(page) + 8), 0x5678, "and can be written");
    check_equal(entry_of(window) & pte::address, op.dev_bus_addr, "the entry names its frame");
    check_equal(entry_of(window) & ~pte::address, pte::kernel, "as a kernel's page");
    check_equal(grant_flags(ref), permit | hv::abi::GTF_reading | hv::abi::GTF_writing, "in use");

    // What is in use stays where it is.
    uint64_t list[1] = {mfn_of(page)};
    check_result(reserve(decrease, list), 0, "decrease of a granted page");
    uint64_t out = page;
    auto exchanged = exchange_of(list, 1, 0, &out, 1, 0);
    check_error(exchange(&exchanged), Errno::XEN_EINVAL, "exchange of a granted page");
    // The mapping is not the guest's RAM.
    list[0] = op.dev_bus_addr / page_bytes;
    check_result(reserve(decrease, list), 0, "decrease of a mapping");
    check_error(set_entry(op.dev_bus_addr, 5, 1), Errno::XEN_EINVAL, "machphys of a mapping");
    check_error(mmuext(0, list[0]), Errno::XEN_EINVAL, "a mapping as a page table");

    check_status(unmap_grant(op.handle, second_window), GrantStatus::GNTST_general_error,
                 "unmap at the wrong address");
    check_status(unmap_grant(op.handle, not_mapped), GrantStatus::GNTST_general_error,
                 "unmap at no address");
    check_status(unmap_grant(op.handle, window, op.dev_bus_addr), GrantStatus::GNTST_bad_dev_addr,
                 "unmap for a device");
    check_equal(word(window), 0x1234, "still there");
    check_status(unmap_grant(op.handle, window), GrantStatus::GNTST_okay, "unmap");
    check_equal(entry_of(window), 0, "the entry is empty");
    check(attempt([](void*) { word(window) = 0; }).happened, "nothing is there");
    check_equal(grant_flags(ref), permit, "no longer in use");
    check_status(unmap_grant(op.handle, window), GrantStatus::GNTST_bad_handle, "unmap twice");
}

void by_entry() {
    auto op = map_of(self, ref, entry, in_entry | read_only);
    check_status(map_grant(op), GrantStatus::GNTST_okay, "map into an entry");
    check_equal(word(window), 0x1234, "the granted page is there");
    check(attempt([](void*) { word(window) = 0; }).happened, "read-only");
    check_equal(grant_flags(ref), permit | hv::abi::GTF_reading, "read");
    // The entry is the guest's, but the frame cannot be written whatever it says.
    set_entry(entry, entry_of(window) | pte::RW);
    mmuext(6);
    word(window) = 0xbad;
    check_equal(word(virt_of(page)), 0x1234, "not even with a writable entry");

    auto other = map_of(self, ref, second_window);
    check_status(map_grant(other), GrantStatus::GNTST_okay, "a second mapping");
    check(other.handle != op.handle, "has its own handle");
    check_status(unmap_grant(other.handle, window), GrantStatus::GNTST_general_error,
                 "unmap by the other's address");
    check_status(unmap_grant(op.handle, window), GrantStatus::GNTST_general_error,
                 "unmap by address what was mapped by entry");
    check_status(unmap_grant(op.handle, entry), GrantStatus::GNTST_okay, "unmap by entry");
    check_equal(entry_of(window), 0, "the entry is empty");
    check_status(unmap_grant(other.handle, second_window), GrantStatus::GNTST_okay, "unmap");

    constexpr uint32_t avail = 5U << 16;
    op = map_of(self, ref, entry, in_entry | hv::abi::GNTMAP_application_map | avail);
    check_status(map_grant(op), GrantStatus::GNTST_okay, "map for user space");
    check_equal(entry_of(window) & ~pte::address, pte::user | uint64_t{5} << 9, "with its bits");
    UserState state = user_state(user_load);
    state.rdi = window;
    check_equal(run_user(state).trap.rax, 0x1234, "user space reads it");
    check_status(unmap_grant(op.handle, entry), GrantStatus::GNTST_okay, "unmap");
}

// A copy of the entry elsewhere does not outlive the mapping.
void copied_entry() {
    auto op = map_of(self, ref, window);
    check_status(map_grant(op), GrantStatus::GNTST_okay, "map");
    map_page(second_window, entry_of(window));
    check_equal(word(second_window), 0x1234, "the copy works");
    check_status(unmap_grant(op.handle, window), GrantStatus::GNTST_okay, "unmap");
    check_equal(word(second_window), ~uint64_t{0}, "and leads nowhere afterwards");
    word(second_window) = 0;
    check_equal(word(virt_of(page)), 0x1234, "nor does a store");
    update_va_mapping(second_window, 0);
}

void replaced() {
    const auto replace = [](uint32_t handle, uint64_t host, uint64_t from) {
        hv::abi::GnttabUnmapAndReplace op{};
        op.host_addr = host;
        op.new_addr = from;
        op.handle = handle;
        check_result(grant_op(GrantTableOp::GNTTABOP_unmap_and_replace, &op), 0, "replace");
        return op.status;
    };
    const uint64_t scratch = take_page();
    word(virt_of(scratch)) = 0x4321;
    const uint64_t scratch_entry = mfn_of(scratch) * page_bytes | pte::kernel;
    map_page(second_window, scratch_entry);
    auto op = map_of(self, ref, window);
    check_status(map_grant(op), GrantStatus::GNTST_okay, "map");
    constexpr auto error = GrantStatus::GNTST_general_error;
    check_status(replace(op.handle, window, not_mapped), error, "by nothing");
    check_status(replace(op.handle, window, window), error, "by itself");
    check_status(replace(op.handle, window, not_canonical), error, "by no address");
    check_status(replace(op.handle, not_mapped, second_window), error, "at another address");
    check_status(replace(op.handle, 0, second_window), error, "nowhere");
    check_status(replace(99999, window, second_window), GrantStatus::GNTST_bad_handle, "no handle");
    check_equal(word(window), 0x1234, "the grant is still mapped");
    check_equal(entry_of(second_window), scratch_entry, "and the page that was to come");
    check_status(replace(op.handle, window, second_window), GrantStatus::GNTST_okay, "replace");
    check_equal(word(window), 0x4321, "the page has come");
    check_equal(entry_of(second_window), 0, "from the other entry");
    check_equal(grant_flags(ref), permit, "the grant is no longer in use");
    update_va_mapping(window, 0);
    op = map_of(self, ref, entry, in_entry);
    check_status(map_grant(op), GrantStatus::GNTST_okay, "map into an entry");
    check_status(replace(op.handle, entry, second_window), error, "replaces addresses only");
    check_status(unmap_grant(op.handle, entry), GrantStatus::GNTST_okay, "unmap");
    check_error(grant_op(GrantTableOp::GNTTABOP_unmap_and_replace, uint64_t{not_mapped}),
                Errno::XEN_EFAULT, "no list");
}

// More than a call does at a time, and all handles there are.
void many() {
    static std::array<hv::abi::GnttabMapGrantRef, 300> maps;
    static std::array<hv::abi::GnttabUnmapGrantRef, 300> unmaps;
    for (auto& op : maps) {
        op = map_of(self, ref, window);
    }
    check_result(grant_op(GrantTableOp::GNTTABOP_map_grant_ref, maps.data(), maps.size()), 0,
                 "map");
    uint32_t mapped = 0;
    for (const auto& op : maps) {
        if (op.status != 0) {
            check_status(op.status, GrantStatus::GNTST_no_space, "no handle is left");
            continue;
        }
        // Each has replaced the entry of the one before.
        hv::abi::GnttabUnmapGrantRef& back = unmaps[mapped++];
        back = {};
        back.handle = op.handle;
        back.host_addr = window;
        set_entry(entry, op.dev_bus_addr | pte::kernel);
        check_equal(word(virt_of(page)), 0x1234, "the page");
    }
    check(mapped > 64 && mapped < maps.size(), "as many as there are handles");
    for (uint32_t n = 0; n < mapped; ++n) {
        set_entry(entry, maps[n].dev_bus_addr | pte::kernel);
        check_status(unmap_grant(unmaps[n].handle, window), GrantStatus::GNTST_okay, "unmap");
    }
    check_equal(grant_flags(ref), permit, "nothing is in use");
}

void all() {
    by_address();
    by_entry();
    copied_entry();
    replaced();
    many();
}

}  // namespace

void pv::run() {
    start_user();
    start_grants();
    page = take_page();
    map_page(window, 0);
    entry = entry_machine(window);
    self = find_self(ref, mfn_of(page), window);
    run_both_ways(all);
}
