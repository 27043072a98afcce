// SPDX-License-Identifier: Apache-2.0
// Page tables: mmu_update, update_va_mapping and mmuext_op with every command, the errors they
// document, and arguments that no kernel would give. All of it through the page and by SYSCALL:
// the stub carries out part of what comes by SYSCALL itself.
#include "hv/abi/pv_layout.hpp"
#include "hv/abi/xen_pv.hpp"
#include "tests/guest/pv/rt/kernel.hpp"
#include "tests/guest/pv/rt/pages.hpp"
#include "tests/guest/pv/rt/pointers.hpp"
#include "tests/guest/pv/rt/user.hpp"

USER_PROGRAM(user_load);

namespace {

using namespace pv;
using hv::abi::Errno;
using hv::abi::MmuextCmd;

constexpr uint64_t nobodys_frame = 0x90000;
constexpr uint64_t beyond_all_frames = uint64_t{1} << 40;

constexpr uint32_t command(MmuextCmd cmd) {
    return static_cast<uint32_t>(cmd);
}
int64_t ext(MmuextCmd cmd, uint64_t arg1 = 0, uint64_t arg2 = 0) {
    return mmuext(command(cmd), arg1, arg2);
}

uint64_t frame_entry(uint64_t pfn, uint64_t flags = pte::kernel) {
    return mfn_of(pfn) * page_bytes | flags;
}

// --- mmu_update.

void updates() {
    const uint64_t one = take_page();
    const uint64_t two = take_page();
    word(virt_of(one)) = 0x1111;
    word(virt_of(two)) = 0x2222;
    map_page(window, frame_entry(one));
    check_equal(word(window), 0x1111, "a page is mapped");
    const uint64_t at = entry_machine(window);
    check_result(set_entry(at, frame_entry(two)), 0, "normal update");
    check_result(ext(MmuextCmd::MMUEXT_INVLPG_LOCAL, window), 0, "invlpg");
    check_equal(word(window), 0x2222, "and mapped anew");

    check_result(set_entry(at, frame_entry(one, pte::P | pte::RW)), 0, "without A and D");
    ext(MmuextCmd::MMUEXT_TLB_FLUSH_LOCAL);
    word(window) = 0x3333;
    check_equal(entry_of(window) & (pte::A | pte::D), pte::A | pte::D, "the processor sets both");
    check_result(set_entry(at, frame_entry(one, pte::P), 2), 0, "preserving A and D");
    check_equal(entry_of(window), frame_entry(one, pte::P | pte::A | pte::D), "they are preserved");
    check_result(set_entry(at, frame_entry(one), 3), 0, "no translate");
    check_result(set_entry(at, 0), 0, "not present");
    ext(MmuextCmd::MMUEXT_INVLPG_LOCAL, window);
    check(attempt([](void*) { word(window) = 0; }).happened, "nothing there any more");
    check_result(set_entry(at, ~uint64_t{1}), 0, "not present, with every other bit set");
    check_result(set_entry(at, 0), 0, "not present again");

    for (const uint64_t slot : {256, 260, 261, 271}) {
        check_result(set_entry(mfn_of(two) * page_bytes + slot * 8, frame_entry(one)), 0,
                     "an entry that would be the hypervisor's in an L4");
        check_equal(word(virt_of(two) + slot * 8), frame_entry(one), "and it is written");
    }
}

void machphys() {
    const uint64_t mfn = mfn_of(take_page());
    const uint64_t pfn = pfn_of(mfn);
    check_result(set_entry(mfn * page_bytes, 0x777, 1), 0, "machphys update");
    check_equal(pfn_of(mfn), 0x777, "the M2P has it");
    check_result(set_entry(mfn * page_bytes, pfn, 1), 0, "machphys update back");
    check_error(set_entry(nobodys_frame * page_bytes, 1, 1), Errno::XEN_EINVAL,
                "machphys: nobody's");
    check_error(set_entry(hv::abi::pv_console_gfn * page_bytes, 1, 1), Errno::XEN_EINVAL,
                "machphys: the console's page");
}

void bad_updates() {
    const uint64_t at = entry_machine(window);
    const uint64_t page = frame_entry(take_page());
    const uint64_t root = root_mfn() * page_bytes;
    check_error(set_entry(nobodys_frame * page_bytes, 0), Errno::XEN_EINVAL, "a table of nobody");
    check_error(set_entry(beyond_all_frames, 0), Errno::XEN_EINVAL, "a table beyond everything");
    check_error(set_entry(~uint64_t{7}, 0), Errno::XEN_EINVAL, "a table at the very end");
    check_error(set_entry(at | 4, 0), Errno::XEN_EINVAL, "a misaligned entry");
    check_error(set_entry(at, nobodys_frame * page_bytes | pte::kernel), Errno::XEN_EINVAL,
                "a frame of nobody");
    check_error(set_entry(at, (beyond_all_frames & pte::address) | pte::kernel), Errno::XEN_EINVAL,
                "a frame beyond everything");
    check_error(set_entry(at, page | pte::G), Errno::XEN_EINVAL, "a global entry");
    check_error(set_entry(hv::abi::pv_area_gfn * page_bytes, 0), Errno::XEN_EINVAL,
                "a table of the hypervisor");
    check_error(set_entry(hv::abi::pv_m2p_gfn * page_bytes, 0), Errno::XEN_EINVAL,
                "the M2P as a table");
    for (const uint64_t slot : {256, 260, 261, 271}) {
        check_error(set_entry(root + slot * 8, 0), Errno::XEN_EINVAL, "a slot of the hypervisor");
    }
    check_result(set_entry(root + 272 * 8, 0), 0, "the slot behind them");
    check_result(set_entry(root + 255 * 8, 0), 0, "the slot before them");
    check_equal(entry_of(window), 0, "nothing has changed");
}

void lists() {
    const uint64_t at = entry_machine(window);
    const uint64_t page = take_page();
    hv::abi::MmuUpdate list[4] = {{at, frame_entry(page)},
                                  {at + 8, frame_entry(page)},
                                  {nobodys_frame * page_bytes, 0},
                                  {at + 16, frame_entry(page)}};
    uint32_t done = 77;
    const auto update = [](auto from, uint64_t count, uint32_t* counted, uint64_t domain) {
        return hypercall(Hypercall::mmu_update, from, count, counted, domain);
    };
    constexpr uint64_t self = 0x7ff0;
    check_error(update(+list, 4, &done, self), Errno::XEN_EINVAL, "the third fails");
    check_equal(done, 2, "two are done");
    check_equal(entry_of(window + page_bytes), frame_entry(page), "the second is done");
    check_equal(entry_of(window + 2 * page_bytes), 0, "the fourth is not");
    check_result(update(+list, 2, &done, self), 0, "two");
    check_equal(done, 2, "both");
    check_result(update(+list, 0, &done, self), 0, "none");
    check_equal(done, 0, "none is done");
    check_error(update(+list, 1, &done, 0x7ff1), Errno::XEN_ESRCH, "DOMID_IO");
    check_error(update(+list, 1, &done, 99), Errno::XEN_ESRCH, "a domain that does not exist");

    // Whichever of these we are, others exist.
    unsigned refused = 0;
    for (uint64_t domain = 1; domain < 5; ++domain) {
        refused += update(+list, 0, &done, domain) == minus(Errno::XEN_EPERM) ? 1U : 0U;
    }
    check(refused > 0, "another domain's tables");

    using Pointer = uint64_t;
    check_error(update(Pointer{not_mapped}, 1, nullptr, self), Errno::XEN_EFAULT, "no list");
    check_error(update(~Pointer{0} - 7, 2, nullptr, self), Errno::XEN_EFAULT, "a list that wraps");
    check_error(update(Pointer{0x8000000000000000}, 1, nullptr, self), Errno::XEN_EFAULT,
                "a list at a non-canonical address");
    check_error(hypercall(Hypercall::mmu_update, list, 1, Pointer{not_mapped}, self),
                Errno::XEN_EFAULT, "nowhere to count");
    // As many as it says are not there; all before the end of the mapped list are done.
    const uint64_t last = virt_of(page) + page_bytes - sizeof(hv::abi::MmuUpdate);
    word(last) = at;
    word(last + 8) = frame_entry(page);
    check_result(update(Pointer{last}, 1, nullptr, self), 0, "the last of a page");

    // More than are done at a time.
    static hv::abi::MmuUpdate many[600];
    for (hv::abi::MmuUpdate& one : many) {
        one = {at, frame_entry(page)};
    }
    many[599] = {at, 0};
    check_result(update(+many, 600, &done, self), 0, "600");
    check_equal(done, 600, "all 600");
    check_result(update(+many, 600, nullptr, self), 0, "600, not counted");
    check_equal(entry_of(window), 0, "the last has won");
    set_entry(at + 8, 0);
    ext(MmuextCmd::MMUEXT_TLB_FLUSH_LOCAL);
}

// --- update_va_mapping.

void va_mappings() {
    const uint64_t page = take_page();
    static uint64_t vcpus = 1;
    const uint64_t bitmap = to_argument(&vcpus);
    using namespace hv::abi;
    for (const uint64_t flags : {UVMF_NONE, UVMF_TLB_FLUSH | UVMF_LOCAL, UVMF_INVLPG | UVMF_LOCAL,
                                 UVMF_TLB_FLUSH | UVMF_ALL, UVMF_INVLPG | UVMF_ALL,
                                 UVMF_TLB_FLUSH | bitmap, UVMF_INVLPG | bitmap}) {
        check_result(update_va_mapping(window, frame_entry(page), flags), 0, "update_va_mapping");
        word(window) = flags;
        check_equal(word(virt_of(page)), flags, "the page is there");
        check_result(update_va_mapping(window, 0, UVMF_INVLPG), 0, "and taken away");
    }
    check_error(update_va_mapping(window, 0, 3), Errno::XEN_EINVAL, "no such kind of flush");
    check_error(update_va_mapping(not_mapped, 0), Errno::XEN_EINVAL, "no table there");
    check_error(update_va_mapping(window, nobodys_frame * page_bytes | 3), Errno::XEN_EINVAL,
                "a frame of nobody");
    check_error(update_va_mapping(pv_m2p_virt, frame_entry(page)), Errno::XEN_EINVAL,
                "over the M2P");
    check_error(update_va_mapping(0xffff820000000000, frame_entry(page)), Errno::XEN_EINVAL,
                "over the hypervisor");
    check_error(update_va_mapping(window, 0, UVMF_TLB_FLUSH | not_mapped), Errno::XEN_EFAULT,
                "a bitmap that is not there");
    check_error(hypercall(Hypercall::update_va_mapping_otherdomain, window, 0, 0, 99),
                Errno::XEN_ESRCH, "another domain's");
    check_result(
        hypercall(Hypercall::update_va_mapping_otherdomain, window, 0, 0, uint64_t{0x7ff0}), 0,
        "another domain's, which is our own");
}

// --- mmuext_op.

void pins() {
    const uint64_t table = take_page();
    const uint64_t mfn = mfn_of(table);
    for (unsigned level = 1; level <= 4; ++level) {
        check_result(mmuext(level - 1, mfn), 0, "pin");
        check_result(ext(MmuextCmd::MMUEXT_UNPIN_TABLE, mfn), 0, "unpin");
    }
    check_error(ext(MmuextCmd::MMUEXT_UNPIN_TABLE, mfn), Errno::XEN_EINVAL, "unpin twice");
    for (const uint64_t bad : {nobodys_frame, beyond_all_frames, ~uint64_t{0}, hv::abi::pv_area_gfn,
                               hv::abi::pv_m2p_gfn}) {
        check_error(ext(MmuextCmd::MMUEXT_PIN_L1_TABLE, bad), Errno::XEN_EINVAL, "pin");
        check_error(ext(MmuextCmd::MMUEXT_PIN_L4_TABLE, bad), Errno::XEN_EINVAL, "pin");
        check_error(ext(MmuextCmd::MMUEXT_UNPIN_TABLE, bad), Errno::XEN_EINVAL, "unpin");
        check_error(ext(MmuextCmd::MMUEXT_NEW_BASEPTR, bad), Errno::XEN_EINVAL, "new base");
        check_error(ext(MmuextCmd::MMUEXT_NEW_USER_BASEPTR, bad), Errno::XEN_EINVAL, "user base");
        check_error(ext(MmuextCmd::MMUEXT_CLEAR_PAGE, bad), Errno::XEN_EINVAL, "clear");
        check_error(ext(MmuextCmd::MMUEXT_COPY_PAGE, mfn, bad), Errno::XEN_EINVAL, "copy from");
        check_error(ext(MmuextCmd::MMUEXT_COPY_PAGE, bad, mfn), Errno::XEN_EINVAL, "copy to");
    }
}

// A kernel's store through a read-only mapping of a pinned L1 works, of any other page faults.
void writes_to_tables() {
    map_page(window, 0);
    const uint64_t table = entry_of(window, 2) & pte::address;
    const uint64_t virt = virt_of(pfn_of(table / page_bytes));
    static uint64_t target = 0;
    target = virt + 511 * 8;
    const auto store = [](void*) { word(target) = 0; };
    check_result(update_va_mapping(virt, table | pte::kernel_read_only), 0, "read-only");
    check(!attempt(store).happened, "a store into a pinned L1");
    const uint64_t page = take_page();
    update_va_mapping(virt_of(page), frame_entry(page, pte::kernel_read_only));
    target = virt_of(page);
    check(attempt(store).happened, "a store into a read-only page");
    target = virt_of(pfn_of((entry_of(window, 3) & pte::address) / page_bytes));
    check(attempt(store).happened, "a store into an L2");
    update_va_mapping(virt_of(page), frame_entry(page));
}

// A second tree with the same kernel.
void bases() {
    const uint64_t second = take_page();
    const uint64_t first = root_mfn();
    const uint64_t virt = virt_of(second);
    for (unsigned slot = 0; slot < 512; ++slot) {
        word(virt + slot * 8) =
            slot >= 256 && slot < 272 ? 0 : word(start_info().pt_base + slot * 8);
    }
    check_result(update_va_mapping(virt, frame_entry(second, pte::kernel_read_only)), 0, "L4");
    check_result(ext(MmuextCmd::MMUEXT_PIN_L4_TABLE, mfn_of(second)), 0, "pin an L4");
    check_equal(word(virt + 256 * 8), word(start_info().pt_base + 256 * 8), "its M2P");
    check_result(ext(MmuextCmd::MMUEXT_NEW_BASEPTR, mfn_of(second)), 0, "new base");
    uint64_t cr3 = 0;
    asm volatile("mov %%cr3, %0" : "=r"(cr3));
    check_equal(cr3, mfn_of(second) * page_bytes, "cr3");
    check_result(ext(MmuextCmd::MMUEXT_NEW_USER_BASEPTR, mfn_of(second)), 0, "user base");
    check_result(ext(MmuextCmd::MMUEXT_NEW_USER_BASEPTR, 0), 0, "no user base");
    check_result(ext(MmuextCmd::MMUEXT_NEW_BASEPTR, first), 0, "old base");
    check_result(ext(MmuextCmd::MMUEXT_UNPIN_TABLE, mfn_of(second)), 0, "unpin");
    update_va_mapping(virt, frame_entry(second));
}

// A table that maps itself, at every level.
void recursion() {
    const uint64_t table = take_page();
    const uint64_t itself = frame_entry(table, pte::P | pte::A);
    update_va_mapping(virt_of(table), frame_entry(table, pte::kernel_read_only));
    for (unsigned level = 4; level > 0; --level) {
        check_result(set_entry(mfn_of(table) * page_bytes, itself), 0, "an entry to itself");
        check_result(set_entry(mfn_of(table) * page_bytes + 8, itself), 0, "and another");
        mmuext(level - 1, mfn_of(table));
        ext(MmuextCmd::MMUEXT_UNPIN_TABLE, mfn_of(table));
    }
    const uint64_t slot = root_mfn() * page_bytes + 100 * 8;
    const uint64_t root_entry = root_mfn() * page_bytes | pte::P | pte::A;
    check_result(set_entry(slot, root_entry), 0, "a slot of the L4 with the L4");
    const uint64_t seen =
        uint64_t{100} << 39 | uint64_t{100} << 30 | uint64_t{100} << 21 | uint64_t{100} << 12;
    check_equal(word(seen + 100 * 8) & pte::address, root_entry & pte::address,
                "is readable there");
    check_result(set_entry(slot, 0), 0, "away again");
    ext(MmuextCmd::MMUEXT_TLB_FLUSH_LOCAL);
    update_va_mapping(virt_of(table), frame_entry(table));
    for (unsigned i = 0; i < 2; ++i) {
        word(virt_of(table) + i * 8) = 0;
    }
}

void other_ops() {
    const uint64_t from = take_page();
    const uint64_t to = take_page();
    word(virt_of(from) + 8) = 0xabcdef;
    check_result(ext(MmuextCmd::MMUEXT_COPY_PAGE, mfn_of(to), mfn_of(from)), 0, "copy");
    check_equal(word(virt_of(to) + 8), 0xabcdef, "copied");
    check_result(ext(MmuextCmd::MMUEXT_COPY_PAGE, mfn_of(to), mfn_of(to)), 0, "copy to itself");
    check_result(ext(MmuextCmd::MMUEXT_CLEAR_PAGE, mfn_of(to)), 0, "clear");
    check_equal(word(virt_of(to) + 8), 0, "cleared");
    static uint64_t vcpus = 3;
    check_result(ext(MmuextCmd::MMUEXT_TLB_FLUSH_ALL), 0, "flush all");
    check_result(ext(MmuextCmd::MMUEXT_INVLPG_ALL, window), 0, "invlpg all");
    check_result(ext(MmuextCmd::MMUEXT_TLB_FLUSH_MULTI, 0, to_argument(&vcpus)), 0, "flush some");
    check_result(ext(MmuextCmd::MMUEXT_INVLPG_MULTI, window, to_argument(&vcpus)), 0,
                 "invlpg some");
    check_error(ext(MmuextCmd::MMUEXT_TLB_FLUSH_MULTI, 0, not_mapped), Errno::XEN_EFAULT, "bitmap");
    check_error(ext(MmuextCmd::MMUEXT_INVLPG_MULTI, 0, not_mapped), Errno::XEN_EFAULT, "bitmap");
    check_result(ext(MmuextCmd::MMUEXT_INVLPG_LOCAL, 0x8000000000000000), 0, "invlpg of nothing");
    check_result(ext(MmuextCmd::MMUEXT_FLUSH_CACHE), 0, "flush cache");
    check_result(ext(MmuextCmd::MMUEXT_FLUSH_CACHE_GLOBAL), 0, "flush caches");
    check_error(ext(MmuextCmd::MMUEXT_MARK_SUPER, 0), Errno::XEN_EOPNOTSUPP, "mark super");
    check_error(ext(MmuextCmd::MMUEXT_UNMARK_SUPER, 0), Errno::XEN_EOPNOTSUPP, "unmark super");
    check_error(mmuext(14), Errno::XEN_ENOSYS, "no such command");
    check_error(mmuext(21), Errno::XEN_ENOSYS, "no such command");
    check_error(mmuext(~0U), Errno::XEN_ENOSYS, "no such command");
    check_error(hypercall(Hypercall::mmuext_op, uint64_t{not_mapped}, 1, 0, uint64_t{0x7ff0}),
                Errno::XEN_EFAULT, "no list");
    check_error(hypercall(Hypercall::mmuext_op, ~uint64_t{0} - 7, 1, 0, uint64_t{0x7ff0}),
                Errno::XEN_EFAULT, "a list that wraps");
    hv::abi::MmuextOp op{};
    op.cmd = command(MmuextCmd::MMUEXT_TLB_FLUSH_LOCAL);
    check_error(hypercall(Hypercall::mmuext_op, &op, 1, 0, 99), Errno::XEN_ESRCH, "of nobody");
}

// --- Each in a multicall.

void multicalls() {
    const uint64_t page = take_page();
    const hv::abi::MmuUpdate update{entry_machine(window), frame_entry(page)};
    hv::abi::MmuextOp op{};
    op.cmd = command(MmuextCmd::MMUEXT_INVLPG_LOCAL);
    op.arg1.linear_addr = window;
    const auto number = [](Hypercall call) { return static_cast<uint64_t>(call); };
    constexpr uint64_t self = 0x7ff0;
    hv::abi::MulticallEntry list[] = {
        {number(Hypercall::mmu_update), 7, {to_argument(&update), 1, 0, self}},
        {number(Hypercall::mmuext_op), 7, {to_argument(&op), 1, 0, self}},
        {number(Hypercall::update_va_mapping), 7, {window + page_bytes, frame_entry(page), 2}},
        {number(Hypercall::update_va_mapping), 7, {not_mapped, 0, 0}},
        {number(Hypercall::stack_switch), 7, {0xe02b, trap_stack_top(0)}},
        {number(Hypercall::multicall), 7, {to_argument(&update), 1}},
        {99, 7, {}},
        {number(Hypercall::mmu_update), 7, {not_mapped, 1, 0, self}},
    };
    check_result(hypercall(Hypercall::multicall, list, std::size(list)), 0, "multicall");
    const int64_t expected[] = {0,
                                0,
                                0,
                                minus(Errno::XEN_EINVAL),
                                0,
                                minus(Errno::XEN_EINVAL),
                                minus(Errno::XEN_ENOSYS),
                                minus(Errno::XEN_EFAULT)};
    for (unsigned i = 0; i < std::size(list); ++i) {
        check_result(static_cast<int64_t>(list[i].result), expected[i], "an entry's result");
    }
    word(window) = 0x99;
    check_equal(word(window + page_bytes), 0x99, "both pages are there");
    check_error(hypercall(Hypercall::multicall, uint64_t{not_mapped}, 1), Errno::XEN_EFAULT,
                "multicall: no list");
    check_result(hypercall(Hypercall::multicall, list, 0), 0, "multicall of nothing");
    update_va_mapping(window, 0);
    update_va_mapping(window + page_bytes, 0);
}

void all() {
    updates();
    machphys();
    bad_updates();
    lists();
    va_mappings();
    pins();
    writes_to_tables();
    bases();
    recursion();
    other_ops();
    multicalls();
}

}  // namespace

void pv::run() {
    run_both_ways(all);
}
