// SPDX-License-Identifier: Apache-2.0
// What hypercalls are given: addresses, frames and page-table entries of every kind.
#include "hv/abi/pv_layout.hpp"
#include "tests/guest/pv/pv_fuzz.hpp"

#include <algorithm>

namespace fuzz {

namespace {

using namespace pv;

std::array<uint64_t, victim_pages> victims{};  // pfns

}  // namespace

uint64_t Random::next() {
    state_ += 0x9e3779b97f4a7c15;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

uint64_t Random::number() {
    const uint64_t power = uint64_t{1} << below(64);
    switch (below(6)) {
        case 0:
            return power;
        case 1:
            return power - 1;
        case 2:
            return ~uint64_t{0} - below(4);
        case 3:
            return next();
        default:
            return below(64);
    }
}

void start_values() {
    for (uint64_t& page : victims) {
        page = take_page();
    }
    for (uint64_t n = 0; n < playground_pages; ++n) {
        const uint64_t page = victims[n % victim_pages];
        map_page(playground + n * page_bytes, mfn_of(page) * page_bytes | pte::kernel);
    }
}

uint64_t victim(Fuzzer& f) {
    return victims[f.random.below(victim_pages)];
}

uint64_t frame_beyond_ram(Fuzzer& f) {
    Random& r = f.random;
    const uint64_t pages = start_info().nr_pages;
    switch (r.below(5)) {
        case 0:
            return hv::abi::pv_foreign_gfn + r.below(64);
        case 1:
            return pages + r.below(hv::abi::pv_foreign_gfn - pages);
        case 2:
            return 0x100000 + r.below(1 << 20);
        case 3:
            return pages + r.number();
        default:
            return uint64_t{1} << (32 + r.below(20));
    }
}

namespace {

// Frames that the kernel or the hypervisor needs.
uint64_t frame_in_use(Fuzzer& f) {
    Random& r = f.random;
    switch (r.below(6)) {
        case 0:
            return hv::abi::pv_m2p_gfn + r.below(8192);
        case 1:
            return hv::abi::pv_area_gfn + r.below(64);
        case 2:
            return 0xfe000 + r.below(0x2000);
        case 3:
            return root_mfn();
        default:
            return mfn_of(r.below(start_info().nr_pages));
    }
}

}  // namespace

uint64_t frame(Fuzzer& f, bool spoils) {
    Random& r = f.random;
    switch (r.below(4)) {
        case 0:
            return frame_beyond_ram(f);
        case 1:
            return spoils && !f.dares() ? mfn_of(victim(f)) : frame_in_use(f);
        default:
            return mfn_of(victim(f));
    }
}

uint64_t pointer(Fuzzer& f) {
    Random& r = f.random;
    constexpr uint64_t playground_end = playground + playground_pages * page_bytes;
    switch (r.below(12)) {
        case 0:
            return playground_end - r.below(128);  // nothing is behind
        case 1:
            return playground_end + r.below(page_bytes);
        case 2:
            return hv::abi::pv_m2p_virt + r.below(uint64_t{1} << 24);
        case 3:
            return hv::abi::pv_m2p_virt + r.next() % (uint64_t{1} << 43);  // the whole area
        case 4:
            return 0x8000000000000000 | r.next() >> 2;
        case 5:
            return 0x00007ffffffffff0 + r.below(32);
        case 6:
            return ~uint64_t{0} - r.below(64);  // wraps
        case 7:
            return r.below(64);
        case 8:
            return virt_base + r.next() % (uint64_t{1} << 31);
        case 9:
            return r.number();
        default:
            return playground + r.below(playground_pages * page_bytes);
    }
}

// The kernel's own pages are named, but writable only where that spoils nothing.
uint64_t entry(Fuzzer& f) {
    Random& r = f.random;
    const bool is_writable = r.one_in(2);
    uint64_t flags = r.one_in(4) ? 0 : pte::P;
    flags |= r.one_in(2) ? pte::US : 0;
    flags |= r.one_in(2) ? pte::A | pte::D : 0;
    flags |= r.one_in(8) ? pte::PS : 0;
    flags |= r.one_in(16) ? pte::G : 0;
    flags |= r.one_in(4) ? pte::NX : 0;
    flags |= r.one_in(16) ? r.next() & 0x7ff0000000000e18 : 0;  // caches, available, reserved
    flags |= is_writable ? pte::RW : 0;
    const uint64_t large = (flags & pte::PS) != 0 ? ~uint64_t{511} : ~uint64_t{0};
    const bool spoils = is_writable && (flags & pte::PS) == 0;
    if (is_writable && !spoils && !f.dares()) {
        flags &= ~pte::RW;
    }
    return (frame(f, spoils) & large) << 12 | flags;
}

uint16_t domain(Fuzzer& f) {
    Random& r = f.random;
    constexpr uint16_t reserved[] = {0x7fe0, 0x7ff0, 0x7ff1, 0x7ff2, 0x7ff3, 0x7ff4, 0x7fff};
    switch (r.below(9)) {
        case 0:
            return static_cast<uint16_t>(r.number());
        case 1:
            return r.of(reserved);
        case 5:
        case 6:  // the neighbours, if they come first in the plan
            return static_cast<uint16_t>(1 + r.below(2));
        case 2:
        case 3:
        case 4:
            return hv::abi::DOMID_SELF;
        default:
            return static_cast<uint16_t>(r.below(16));
    }
}

uint64_t fresh_arguments(Fuzzer& f, uint64_t bytes) {
    const uint64_t rounded = (bytes + 15) & ~uint64_t{15};
    if (f.arguments_used + rounded > argument_bytes) {
        f.arguments_used = 0;
    }
    std::byte* const at = f.arguments + f.arguments_used;
    f.arguments_used += rounded;
    const bool is_random = f.random.one_in(4);
    for (uint64_t n = 0; n < bytes; n += 8) {
        const uint64_t value = is_random ? f.random.number() : 0;
        __builtin_memcpy(at + n, &value, std::min<uint64_t>(8, bytes - n));
    }
    return to_argument(at);
}

uint64_t argument(Fuzzer& f, uint64_t at) {
    switch (f.random.below(16)) {
        case 0:
            return pointer(f);
        case 1:
            return at + f.random.below(16);  // misaligned
        default:
            return at;
    }
}

List perhaps_overlong(Fuzzer& f, List list, uint64_t bytes) {
    if (!f.random.one_in(8)) {
        return {argument(f, list.at), list.count};
    }
    const uint64_t at = playground + playground_pages * page_bytes - bytes;
    // SAFETY: both are mapped, or this operation faults.
    __builtin_memcpy(reinterpret_cast<void*>(at), reinterpret_cast<void*>(list.at), bytes);
    return {at, f.random.number()};
}

}  // namespace fuzz
