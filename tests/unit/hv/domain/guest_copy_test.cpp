// SPDX-License-Identifier: Apache-2.0
// Copies through page tables that a guest has written, friendly and hostile.
#include "hv/domain/guest_copy.hpp"

#include "hv/mm/direct_map.hpp"
#include "tests/fake/fake_machine.hpp"

#include <numeric>
#include <vector>

#include <gtest/gtest.h>

namespace {

using hv::Gfn;
using hv::GuestVaddr;
using hv::domain::copy_from_guest;
using hv::domain::copy_to_guest;
using hv::domain::translate;

constexpr uint64_t P = 1, RW = 2, PS = 0x80;
constexpr uint64_t page = hv::page_size;

class GuestCopy : public testing::Test {
  protected:
    GuestCopy() { std::iota(bytes.begin(), bytes.end(), uint8_t{1}); }

    // 64-bit mode with a root table in guest frame 1.
    void turn_paging_on() {
        auto& save = vcpu.vmcb->save();
        save.cr0 = 1U << 31 | 1;
        save.efer = 1 << 10 | 1 << 8;
        save.cr3 = root * page;
    }
    uint64_t& entry(uint64_t table, uint64_t index) {
        return domain.at<uint64_t>(table * page + index * 8);
    }
    // Tables 1 to 4 for one 4 KiB page at `address`; returns the leaf entry.
    uint64_t& map(uint64_t address, uint64_t gfn, uint64_t flags = P | RW) {
        for (uint64_t level = 3; level > 0; --level) {
            entry(root + 3 - level, (address >> (12 + 9 * level)) & 511) =
                (root + 4 - level) * page | P | RW;
        }
        uint64_t& leaf = entry(root + 3, (address >> 12) & 511);
        leaf = gfn * page | flags;
        return leaf;
    }
    bool read(uint64_t address, size_t size) {
        std::vector<uint8_t> got(size);
        return copy_from_guest(vcpu, std::as_writable_bytes(std::span{got}), GuestVaddr{address})
            .ok();
    }
    bool write(uint64_t address, size_t size) {
        return copy_to_guest(vcpu, GuestVaddr{address}, std::as_bytes(std::span{bytes}).first(size))
            .ok();
    }
    // The byte that a copy of `bytes` to `start` leaves at a guest physical address.
    void expect_written(uint64_t gpaddr, size_t offset) {
        EXPECT_EQ(domain.at<uint8_t>(gpaddr), bytes[offset]) << std::hex << gpaddr;
    }

    static constexpr uint64_t root = 1;
    static constexpr uint64_t kernel = 0xffff888000200000;
    FakeMachine machine;
    FakeDomain& domain = machine.add_domain(1);
    hv::domain::Vcpu& vcpu = domain.vcpu();
    std::array<uint8_t, 2 * page> bytes{};
};

TEST_F(GuestCopy, without_paging_addresses_are_physical) {
    EXPECT_TRUE(write(0x5ff0, 100));
    expect_written(0x5ff0, 0);
    expect_written(0x6053, 99);
    std::vector<uint8_t> got(100);
    ASSERT_TRUE(
        copy_from_guest(vcpu, std::as_writable_bytes(std::span{got}), GuestVaddr{0x5ff0}).ok());
    EXPECT_TRUE(std::equal(got.begin(), got.end(), bytes.begin()));
    EXPECT_EQ(translate(vcpu, GuestVaddr{0x5123}, true).take(), hv::GuestPaddr{0x5123});
}

TEST_F(GuestCopy, without_paging_the_end_of_ram_is_the_end) {
    constexpr uint64_t end = FakeDomain::ram_pages * page;
    EXPECT_TRUE(read(end - 8, 8));
    EXPECT_FALSE(read(end - 8, 9));
    for (const uint64_t wild : {end, uint64_t{1} << 40, uint64_t{1} << 63, ~uint64_t{0} - 8}) {
        EXPECT_FALSE(read(wild, 8)) << std::hex << wild;
        EXPECT_FALSE(write(wild, 8)) << std::hex << wild;
    }
}

TEST_F(GuestCopy, nothing_to_copy_is_always_there) {
    EXPECT_TRUE(read(~uint64_t{0}, 0));
    turn_paging_on();
    EXPECT_TRUE(write(uint64_t{1} << 60, 0));
}

TEST_F(GuestCopy, four_levels_are_walked) {
    turn_paging_on();
    map(kernel, 9);
    EXPECT_TRUE(write(kernel + 5, 16));
    expect_written(0x9005, 0);
    EXPECT_TRUE(read(kernel + 5, 16));
    EXPECT_EQ(translate(vcpu, GuestVaddr{kernel + 0xabc}, false).take(), hv::GuestPaddr{0x9abc});
    EXPECT_FALSE(read(kernel + page, 1));
}

TEST_F(GuestCopy, pages_in_a_row_need_not_be_frames_in_a_row) {
    turn_paging_on();
    map(kernel, 20);
    map(kernel + page, 10);
    EXPECT_TRUE(write(kernel + page - 4, 8));
    expect_written(20 * page + page - 4, 0);
    expect_written(10 * page + 3, 7);
}

TEST_F(GuestCopy, missing_second_page_is_a_fault) {
    turn_paging_on();
    map(kernel, 20);
    EXPECT_TRUE(read(kernel + page - 4, 4));
    EXPECT_FALSE(read(kernel + page - 4, 5));
    EXPECT_FALSE(write(kernel + page - 4, 5));
}

TEST_F(GuestCopy, large_pages_are_walked) {
    turn_paging_on();
    map(kernel, 0);
    entry(root + 2, (kernel >> 21) & 511) = P | RW | PS;  // 2 MiB at guest physical 0
    EXPECT_EQ(translate(vcpu, GuestVaddr{kernel + 0x12345}, true).take(), hv::GuestPaddr{0x12345});
    // PAT is bit 12 of a large entry and no part of the address.
    entry(root + 2, (kernel >> 21) & 511) = P | RW | PS | 1 << 12;
    EXPECT_EQ(translate(vcpu, GuestVaddr{kernel + 5}, true).take(), hv::GuestPaddr{5});
    entry(root + 1, (kernel >> 30) & 511) = uint64_t{1} << 30 | P | RW | PS;  // 1 GiB
    EXPECT_EQ(translate(vcpu, GuestVaddr{kernel + 5}, true).take().value(),
              (uint64_t{1} << 30) + (kernel & 0x3fffffff) + 5);
}

TEST_F(GuestCopy, large_bit_in_the_root_is_a_fault) {
    turn_paging_on();
    map(kernel, 9);
    entry(root, (kernel >> 39) & 511) |= PS;
    EXPECT_FALSE(read(kernel, 1));
}

TEST_F(GuestCopy, every_level_must_be_present) {
    turn_paging_on();
    for (uint64_t level = 0; level < 4; ++level) {
        map(kernel, 9);
        EXPECT_TRUE(read(kernel, 1));
        entry(root + 3 - level, (kernel >> (12 + 9 * level)) & 511) &= ~P;
        EXPECT_FALSE(read(kernel, 1)) << level;
    }
}

TEST_F(GuestCopy, every_level_must_allow_writes) {
    turn_paging_on();
    for (uint64_t level = 0; level < 4; ++level) {
        map(kernel, 9);
        EXPECT_TRUE(write(kernel, 1));
        entry(root + 3 - level, (kernel >> (12 + 9 * level)) & 511) &= ~RW;
        EXPECT_FALSE(write(kernel, 1)) << level;
        EXPECT_TRUE(read(kernel, 1)) << level;
    }
}

TEST_F(GuestCopy, frames_that_the_guest_may_not_write_are_not_written) {
    const hv::Mfn frame = machine.take_frames(1, hv::mm::FrameUse::EventLog);
    auto& p2m = domain.domain().p2m;
    ASSERT_TRUE(p2m.map(Gfn{0x300}, frame, 1, hv::mm::Access::ReadOnly).ok());
    EXPECT_TRUE(read(0x300000, 8));
    EXPECT_FALSE(write(0x300000, 8));
    turn_paging_on();
    map(kernel, 0x300);
    EXPECT_TRUE(read(kernel, 8));
    EXPECT_FALSE(write(kernel, 8));
}

TEST_F(GuestCopy, addresses_that_are_not_canonical_fault) {
    turn_paging_on();
    map(0x7ffffffff000, 9);
    EXPECT_TRUE(read(0x7ffffffff000, page));
    EXPECT_FALSE(read(0x7ffffffff000, page + 1));
    for (const uint64_t address : {uint64_t{1} << 47, uint64_t{1} << 63, ~uint64_t{0} << 48 | 1}) {
        EXPECT_FALSE(read(address, 1)) << std::hex << address;
    }
    map(0, 9);
    // A hole with the same low 48 bits as a mapped address.
    EXPECT_FALSE(read(uint64_t{0x1234} << 48, 1));
}

TEST_F(GuestCopy, other_kinds_of_paging_are_refused) {
    turn_paging_on();
    map(0x1000, 9);
    vcpu.vmcb->save().efer = 0;
    EXPECT_FALSE(read(0x1000, 1));
}

TEST_F(GuestCopy, tables_outside_of_ram_fault) {
    turn_paging_on();
    for (uint64_t level = 1; level < 4; ++level) {
        for (const uint64_t wild :
             {FakeDomain::ram_pages * page, uint64_t{1} << 40, uint64_t{0x000ffffffffff000}}) {
            map(kernel, 9);
            entry(root + 3 - level, (kernel >> (12 + 9 * level)) & 511) = wild | P | RW;
            EXPECT_FALSE(read(kernel, 1)) << level << ' ' << std::hex << wild;
        }
    }
    map(kernel, 9);
    entry(root + 3, (kernel >> 12) & 511) = 0x000ffffffffff000 | P | RW;
    EXPECT_FALSE(read(kernel, 1));
    vcpu.vmcb->save().cr3 = 0x000ffffffffff000;
    EXPECT_FALSE(read(kernel, 1));
}

TEST_F(GuestCopy, tables_that_name_themselves_end_after_four_levels) {
    turn_paging_on();
    for (uint64_t n = 0; n < 512; ++n) {
        entry(root, n) = root * page | P | RW;
    }
    // The fourth level is the page: the table itself.
    EXPECT_EQ(translate(vcpu, GuestVaddr{kernel + 0x18}, true).take(),
              hv::GuestPaddr{root * page + 0x18});
    EXPECT_TRUE(read(kernel, 2 * page));
}

TEST_F(GuestCopy, flags_of_cr3_are_no_address) {
    turn_paging_on();
    map(kernel, 9);
    vcpu.vmcb->save().cr3 |= uint64_t{1} << 63 | 0x18;
    EXPECT_TRUE(read(kernel, 1));
}

TEST_F(GuestCopy, values_are_copied_whole) {
    struct Pair {
        uint64_t a, b;
    };
    ASSERT_TRUE(hv::domain::write_guest(vcpu, GuestVaddr{page - 8}, Pair{1, 2}).ok());
    const Pair read_back = hv::domain::read_guest<Pair>(vcpu, GuestVaddr{page - 8}).take();
    EXPECT_EQ(read_back.a, 1U);
    EXPECT_EQ(read_back.b, 2U);
}

}  // namespace
