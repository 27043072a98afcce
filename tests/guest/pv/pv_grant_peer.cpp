// SPDX-License-Identifier: Apache-2.0
// Two PV kernels, told which is which by their command line. Domain 1, the granter, lets domain 2
// map a page, and ends while it is in use; domain 2 goes on with what is left of it.
#include "tests/guest/pv/rt/grants.hpp"
#include "tests/guest/pv/rt/memory.hpp"
#include "tests/guest/pv/rt/pages.hpp"
#include "tests/guest/pv/rt/waiting.hpp"

namespace {

using namespace pv;
using hv::abi::Errno;

constexpr uint16_t granter_id = 1;
constexpr uint16_t mapper_id = 2;
constexpr uint32_t ref = 20;
constexpr uint64_t magic = 0x600d600d600d600d;

// Words of the page.
constexpr uint64_t word_magic = 0;
constexpr uint64_t word_mapped = 8;    // by the mapper
constexpr uint64_t word_goodbye = 16;  // by the granter, which then ends

template <class Condition>
void wait_until(Condition condition, std::string_view what) {
    if (!wait_for(condition)) {
        fail(what);
    }
}

void granter() {
    const uint64_t pfn = take_page();
    const uint64_t page = virt_of(pfn);
    word(page + word_magic) = magic;
    set_grant(ref, hv::abi::GTF_permit_access, mapper_id, mfn_of(pfn));
    wait_until([&] { return word(page + word_mapped) == magic; }, "nobody maps the page");
    check_equal(grant_flags(ref) & (hv::abi::GTF_reading | hv::abi::GTF_writing),
                hv::abi::GTF_reading | hv::abi::GTF_writing, "the entry shows the use");
    uint64_t list[1] = {mfn_of(pfn)};
    check_result(reserve(decrease, list), 0, "a page in use stays");
    uint64_t out = pfn;
    auto args = exchange_of(list, 1, 0, &out, 1, 0);
    check_error(exchange(&args), Errno::XEN_EINVAL, "and keeps its name");
    word(page + word_goodbye) = magic;
}

uint64_t copy_by_string(uint64_t from) {
    uint64_t value = 0;
    uint64_t to = to_argument(&value);
    uint64_t bytes = sizeof(value);
    // SAFETY: `value` is as large as what is copied.
    asm volatile("rep movsb" : "+S"(from), "+D"(to), "+c"(bytes) : : "memory");
    return value;
}

void mapper() {
    map_page(window + 2 * page_bytes, 0);
    const uint64_t entry = entry_machine(window + page_bytes);
    auto one = map_of(granter_id, ref, window);
    wait_until([&] { return map_grant(one) == 0; }, "the grant does not come");
    auto two = map_of(granter_id, ref, entry, hv::abi::GNTMAP_contains_pte);
    check_status(map_grant(two), GrantStatus::GNTST_okay, "map into an entry");
    auto three = map_of(granter_id, ref, window + 2 * page_bytes, hv::abi::GNTMAP_readonly);
    check_status(map_grant(three), GrantStatus::GNTST_okay, "map for reading");
    for (unsigned n = 0; n < 3; ++n) {
        check_equal(word(window + n * page_bytes + word_magic), magic, "the granter's page");
    }
    word(window + page_bytes + word_mapped) = magic;
    wait_until(
        [] { return word(window + word_goodbye) == magic || word(window + word_magic) != magic; },
        "no goodbye");
    wait_until([] { return word(window + word_magic) != magic; }, "the page does not go");

    // Everywhere at once; whatever it was being used with goes on.
    for (unsigned n = 0; n < 3; ++n) {
        const uint64_t at = window + n * page_bytes;
        check_equal(word(at + word_magic), ~uint64_t{0}, "all ones are left");
        check_equal(copy_by_string(at + word_magic), ~uint64_t{0}, "for REP MOVSB, too");
    }
    word(window) = 5;
    check_equal(copy_by_string(window + page_bytes), 5, "what is stored there stays here");
    check_status(unmap_grant(one.handle, window), GrantStatus::GNTST_okay, "unmap");
    check_equal(entry_of(window), 0, "the entry is empty");
    check_status(unmap_grant(two.handle, entry), GrantStatus::GNTST_okay, "unmap by entry");
    check_status(unmap_grant(three.handle, window + 2 * page_bytes), GrantStatus::GNTST_okay,
                 "unmap what was for reading");
    check_status(unmap_grant(one.handle, window), GrantStatus::GNTST_bad_handle, "only once");
    check_status(map_grant(one), GrantStatus::GNTST_bad_domain, "the granter is gone");
}

}  // namespace

void pv::run() {
    start_grants();
    if (has_option("granter")) {
        granter();
    } else {
        mapper();
    }
}
