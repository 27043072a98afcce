// SPDX-License-Identifier: Apache-2.0
// A whole PV domain, built against a fake hypervisor and then looked at as its processor will: from
// the L4 down, through nothing but page tables, p2m list, M2P and start_info.
#include "domb/builder/construct.hpp"

#include "domb/builder/pv/kernel.hpp"
#include "domb/builder/pv/p2m.hpp"
#include "hv/abi/pv_layout.hpp"
#include "hv/abi/service_plan.hpp"
#include "hv/abi/xen_pv_start_info.hpp"
#include "launch-config/model/artifacts.hpp"
#include "launch-config/model/kernel_image.hpp"
#include "launch-config/model/repack.hpp"
#include "tests/unit/domb/elf_file.hpp"
#include "tests/unit/domb/fake_hypervisor.hpp"

#include <set>

#include <gtest/gtest.h>

namespace builder {
namespace {

using launch::P2mOrder;
using test::ElfFile;

constexpr uint64_t base = ElfFile::pv_base;
constexpr uint16_t domid = 3;

struct Mapping {
    hv::Gfn frame;
    bool writable = false;
};

// The machine's view of the domain.
class PvDomain : public testing::TestWithParam<P2mOrder> {
  protected:
    PvDomain() {
        hypervisor.keeps_frames = true;
        domain.domid = hv::DomainId{domid};
        domain.type = launch::DomainType::Pv;
        domain.p2m = GetParam();
        domain.memory_bytes = 64 << 20;
        domain.cmdline = "console=hvc0";
        for (size_t i = 0; i < initrd.size(); ++i) {
            initrd[i] = static_cast<std::byte>(i * 7 + (i >> 8));
        }
    }
    Checked<void> build(bool with_initrd = true) {
        std::vector<std::byte> scratch(scratch_bytes, std::byte{0x5a});
        Contents contents{.kernel = file, .has_console = true, .has_xenstore = has_xenstore};
        if (with_initrd) {
            contents.initrd = initrd;
        }
        return construct(hypervisor, domain, contents, scratch);
    }
    void expect_built(bool with_initrd = true) {
        const auto result = build(with_initrd);
        ASSERT_TRUE(result.ok()) << to_name(result.error().why) << result.error().member;
        ASSERT_TRUE(hypervisor.domains[domid].pv_start.has_value());
        start = *hypervisor.domains[domid].pv_start;
        walk_all();
        info = read<hv::abi::StartInfo>(start.start_info.value());
    }

    // Every mapping of the L4's tree, by virtual page; checks each entry on the way.
    void walk_all() {
        mappings.clear();
        tables.clear();
        walk(start.page_table, 4, 0);
    }
    void walk(hv::Gfn table, unsigned level, uint64_t number) {
        ASSERT_TRUE(frames().is_written(table)) << "a page table that nobody filled";
        EXPECT_TRUE(tables.insert(table).second) << "a page table in two places";
        for (uint64_t i = 0; i < 512; ++i) {
            const auto entry = frames().read<uint64_t>(hv::to_gpaddr(table) + i * 8);
            const uint64_t page = number << 9 | i;
            if ((entry & 1) == 0) {
                EXPECT_EQ(entry, 0U);
                continue;
            }
            EXPECT_EQ(entry & 0x7ff0'0000'0000'0f9cU, 0U) << "user, PAT, cache, global, software";
            EXPECT_EQ(entry >> 63, 0U) << "not executable";
            const hv::Gfn frame{(entry & 0xf'ffff'ffff'f000U) >> 12};
            if (level == 4) {
                EXPECT_TRUE(i < 256 || i >= 272) << "the hypervisor's slots";
            }
            if (level > 1) {
                EXPECT_NE(entry & 2, 0U) << "read-only above the last level";
                walk(frame, level - 1, page);
            } else {
                const uint64_t sign = (page >> 35) != 0 ? 0xffffULL << 48 : 0;
                mappings[sign | page << 12] = {frame, (entry & 2) != 0};
            }
        }
    }

    test::FakeFrames& frames() { return hypervisor.frames[domid]; }
    // Of `count` bytes from `at` on, page by page: frame_of(page's address) has them.
    template <class FrameOf>
    std::vector<std::byte> gather(uint64_t at, uint64_t count, FrameOf frame_of) {
        std::vector<std::byte> out;
        while (out.size() < count) {
            const uint64_t offset = hv::page_offset(at);
            const auto& frame = frames().at(frame_of(at - offset));
            const uint64_t n = std::min(count - out.size(), hv::page_size - offset);
            const auto first = frame.begin() + static_cast<ptrdiff_t>(offset);
            out.insert(out.end(), first, first + static_cast<ptrdiff_t>(n));
            at += n;
        }
        return out;
    }
    // Through the page tables.
    std::vector<std::byte> bytes_at(uint64_t virt, uint64_t count) {
        return gather(virt, count, [this](uint64_t page) {
            const auto found = mappings.find(page);
            EXPECT_TRUE(found != mappings.end()) << "not mapped: " << std::hex << page;
            return found == mappings.end() ? hv::Gfn{~uint64_t{0}} : found->second.frame;
        });
    }
    template <class T>
    T read(uint64_t virt) {
        T value{};
        const auto bytes = bytes_at(virt, sizeof(T));
        if (bytes.size() == sizeof(T)) {
            memcpy(&value, bytes.data(), sizeof(T));
        }
        return value;
    }
    uint64_t mfn_of(uint64_t pfn) { return read<uint64_t>(info.mfn_list + pfn * 8); }
    uint64_t m2p(uint64_t mfn) {
        const hv::Gfn frame{hv::abi::pv_m2p_gfn + mfn / 512};
        return frames().read<uint64_t>(hv::to_gpaddr(frame) + mfn % 512 * 8);
    }
    // Through the p2m list.
    std::vector<std::byte> pseudo_physical(uint64_t at, uint64_t count) {
        return gather(at, count, [this](uint64_t page) { return hv::Gfn{mfn_of(page >> 12)}; });
    }

    // p2m list and M2P agree, and cover all there is.
    void expect_tables_agree() {
        const uint64_t pages = domain.memory_bytes >> 12;
        ASSERT_EQ(info.nr_pages, pages);
        std::set<uint64_t> used;
        uint64_t before = 0;
        for (uint64_t pfn = 0; pfn < pages; ++pfn) {
            const uint64_t mfn = mfn_of(pfn);
            ASSERT_TRUE(used.insert(mfn).second);
            ASSERT_EQ(m2p(mfn), pfn);
            if (GetParam() == P2mOrder::Permuted) {
                ASSERT_NE(mfn, pfn);
                ASSERT_TRUE(pfn == 0 || (mfn != before + 1 && mfn + 1 != before)) << pfn;
            } else if (mfn < 0xc0000) {
                ASSERT_EQ(mfn, pfn);
            }
            before = mfn;
        }
        for (uint64_t mfn = 0; mfn < pages; ++mfn) {
            ASSERT_TRUE(used.contains(mfn) || m2p(mfn) == hv::abi::pv_invalid_m2p_entry);
        }
        ASSERT_TRUE(used.contains(hv::abi::pv_xenstore_gfn));
        ASSERT_TRUE(used.contains(hv::abi::pv_console_gfn));
    }

    // The boot area is pfn 0 on, to the end of 4 MiB, and only page tables are read-only.
    void expect_boot_area(uint64_t virt_base) {
        uint64_t at = virt_base;
        for (uint64_t pfn = 0; mappings.contains(at); ++pfn, at += hv::page_size) {
            ASSERT_EQ(mappings[at].frame.value(), mfn_of(pfn)) << pfn;
            ASSERT_EQ(mappings[at].writable, !tables.contains(mappings[at].frame)) << pfn;
        }
        boot_end = at;
        EXPECT_EQ(boot_end % (4 << 20), 0U);
        EXPECT_GE(boot_end - start.stack.value(), 512U << 10);
        EXPECT_EQ(mappings.at(info.pt_base).frame, start.page_table);
        std::set<hv::Gfn> named;
        for (uint64_t i = 0; i < info.nr_pt_frames; ++i) {
            named.insert(mappings.at(info.pt_base + i * hv::page_size).frame);
        }
        for (uint64_t i = 0; i < info.nr_p2m_frames; ++i) {
            named.insert(hv::Gfn{mfn_of(info.first_p2m_pfn + i)});
        }
        for (const hv::Gfn table : tables) {
            EXPECT_TRUE(named.contains(table)) << "a page table outside of what start_info names";
        }
    }

    test::FakeHypervisor hypervisor;
    launch::Domain domain;
    std::vector<std::byte> file = ElfFile::good_pv().bytes();
    std::vector<std::byte> initrd = std::vector<std::byte>(300'001);
    bool has_xenstore = false;
    PvStart start;
    hv::abi::StartInfo info{};
    std::map<uint64_t, Mapping> mappings;
    std::set<hv::Gfn> tables;
    uint64_t boot_end = 0;
};

TEST_P(PvDomain, is_what_its_kernel_expects) {
    expect_built();
    EXPECT_STREQ(info.magic, "xen-3.0-x86_64");
    EXPECT_STREQ(info.cmd_line, "console=hvc0");
    EXPECT_EQ(info.flags, hv::abi::SIF_MOD_START_PFN | hv::abi::SIF_VIRT_P2M_4TOOLS);
    EXPECT_EQ(info.shared_info, hv::abi::pv_shared_info_gfn << 12);
    EXPECT_EQ(info.store_mfn, hv::abi::pv_xenstore_gfn);
    EXPECT_EQ(info.store_evtchn, 0U);
    EXPECT_EQ(info.console.domU.mfn, hv::abi::pv_console_gfn);
    EXPECT_EQ(info.console.domU.evtchn, 1U);
    EXPECT_EQ(info.mfn_list, 0x8000000000U);
    EXPECT_EQ(start.entry, hv::GuestVaddr{base + 0x400010});
    EXPECT_EQ(start.hypercall_page, mappings.at(base + 0x401000).frame);
    expect_tables_agree();
    expect_boot_area(base);

    EXPECT_EQ(bytes_at(base + 0x400000, 0x1800), std::vector(0x1800, std::byte{'K'}));
    EXPECT_EQ(bytes_at(base + 0x401800, 0x1800), std::vector(0x1800, std::byte{0}));
    const std::string data = "data that begins within a page";
    EXPECT_EQ(memcmp(bytes_at(base + 0x404100, data.size()).data(), data.data(), data.size()), 0);
    EXPECT_EQ(bytes_at(base + 0x404100 + data.size(), 0x100 - data.size()),
              std::vector(0x100 - data.size(), std::byte{0}));
    EXPECT_EQ(info.mod_len, initrd.size());
    EXPECT_EQ(pseudo_physical(info.mod_start << 12, info.mod_len), initrd);
    EXPECT_GE(info.mod_start << 12, boot_end - base);
    // The stack is a page of zeros below its pointer; start_info's page ends with zeros.
    EXPECT_EQ(bytes_at(start.stack.value() - 4096, 4096), std::vector(4096, std::byte{0}));
    EXPECT_EQ(bytes_at(start.start_info.value() + sizeof(info), 4096 - sizeof(info)),
              std::vector(4096 - sizeof(info), std::byte{0}));
}

TEST_P(PvDomain, maps_the_p2m_list_alone_where_the_kernel_wants_it) {
    expect_built();
    const uint64_t list_pages = (domain.memory_bytes >> 12) / 512;
    EXPECT_EQ(info.nr_p2m_frames, list_pages + 3);  // and an L3, an L2 and an L1
    for (uint64_t i = 0; i < list_pages; ++i) {
        const Mapping& mapping = mappings.at(0x8000000000 + i * hv::page_size);
        EXPECT_EQ(mapping.frame.value(), mfn_of(info.first_p2m_pfn + i));
        EXPECT_TRUE(mapping.writable);
    }
    EXPECT_FALSE(mappings.contains(0x8000000000 + list_pages * hv::page_size));
    expect_boot_area(base);
    EXPECT_EQ(mappings.size(), list_pages + (boot_end - base) / hv::page_size);
}

TEST_P(PvDomain, of_a_plain_kernel_has_everything_in_one_piece) {
    ElfFile plain;
    plain.add_load(0x100000, std::string(0x2000, 'P'), 0x2000);
    plain.add_note(ElfFile::note("Xen", 5, std::string{"xen-3.0\0", 8}) +
                   ElfFile::note("Xen", 1, ElfFile::number(0x100000, 4)));
    file = plain.bytes();
    domain.memory_bytes = (64 << 20) + 4096;  // an odd number of pages, a list that ends in a page
    expect_built();
    EXPECT_EQ(info.flags, hv::abi::SIF_VIRT_P2M_4TOOLS);
    EXPECT_EQ(info.first_p2m_pfn, 0U);
    EXPECT_EQ(info.nr_p2m_frames, 0U);
    EXPECT_EQ(info.mod_start, 0x102000U);
    EXPECT_EQ(bytes_at(info.mod_start, info.mod_len), initrd);
    EXPECT_EQ(info.mfn_list, hv::align_up(0x102000 + initrd.size(), 4096));
    EXPECT_FALSE(start.hypercall_page.has_value());
    EXPECT_EQ(read<uint64_t>(info.mfn_list + info.nr_pages * 8), ~uint64_t{0});
    expect_tables_agree();
    expect_boot_area(0);
    EXPECT_EQ(mappings.size(), boot_end / 4096);
}

TEST_P(PvDomain, finds_the_channel_to_xenstore_where_there_is_one) {
    has_xenstore = true;
    expect_built();
    EXPECT_EQ(info.store_mfn, hv::abi::pv_xenstore_gfn);
    EXPECT_EQ(info.store_evtchn, hv::abi::xenstore_port);
}

TEST_P(PvDomain, without_initrd_says_so) {
    expect_built(false);
    EXPECT_EQ(info.flags, hv::abi::SIF_VIRT_P2M_4TOOLS);
    EXPECT_EQ(info.mod_start, 0U);
    EXPECT_EQ(info.mod_len, 0U);
}

TEST_P(PvDomain, has_one_range_of_memory) {
    expect_built();
    const auto& map = hypervisor.domains[domid].memory_map;
    ASSERT_TRUE(map.has_value());
    ASSERT_EQ(map->size(), 1U);
    EXPECT_EQ((*map)[0].gpaddr, 0U);
    EXPECT_EQ((*map)[0].bytes, domain.memory_bytes);
    EXPECT_EQ((*map)[0].type, layout::MemoryType::Ram);
}

TEST_P(PvDomain, is_told_of_the_memory_it_may_balloon_up_to) {
    domain.max_memory_bytes = 96 << 20;
    expect_built();
    EXPECT_EQ((*hypervisor.domains[domid].memory_map)[0].bytes, 96U << 20);
    EXPECT_EQ(info.nr_pages, (64U << 20) / 4096);
    expect_tables_agree();
}

TEST_P(PvDomain, is_refused_with_the_member_that_is_wrong) {
    const auto expect_refused = [this](Refusal why, std::string_view member) {
        const auto result = build();
        ASSERT_FALSE(result.ok());
        EXPECT_EQ(result.error().why, why);
        EXPECT_EQ(result.error().member, member);
        EXPECT_FALSE(hypervisor.domains[domid].pv_start.has_value());
    };
    domain.cmdline = "";
    const std::string longest(1023, 'c');
    const std::string too_long(1024, 'c');
    domain.cmdline = longest;
    EXPECT_TRUE(build().ok());
    hypervisor.domains.clear();
    domain.cmdline = too_long;
    expect_refused(Refusal::CommandLine, "/cmdline");
    domain.cmdline = "";
    for (const launch::Role role : launch::all_roles) {
        domain.roles.add(role);
        expect_refused(Refusal::Role, "/roles");
        domain.roles = {};
    }
    domain.memory_bytes = 4 << 20;
    expect_refused(Refusal::TooLittleMemory, "/memory");
    domain.memory_bytes = uint64_t{64} << 30;
    expect_refused(Refusal::TooMuchMemory, "/memory");
    domain.memory_bytes = 64 << 20;
    domain.max_memory_bytes = uint64_t{64} << 30;
    expect_refused(Refusal::TooMuchMemory, "/memory");
    domain.max_memory_bytes = 0;
    file = ElfFile::good().bytes();
    expect_refused(Refusal::NoPvNotes, "/kernel");
    file[4] = std::byte{1};
    expect_refused(Refusal::Elf32, "/kernel");
}

TEST_P(PvDomain, is_refused_whenever_the_hypervisor_refuses_an_operation) {
    int n = 0;
    for (;; ++n) {
        hypervisor.refuse_after = n;
        const auto result = build();
        if (result.ok()) {
            break;
        }
        EXPECT_EQ(result.error().why, Refusal::Hypervisor);
        ASSERT_LT(n, 100);
    }
    EXPECT_GT(n, 10);
}

// Debian's kernel, if a scenario has fetched it (images/recipe/fetch-kernel).
TEST_P(PvDomain, of_debians_kernel) {
    const auto packed = launch::model::read_file(GANTRY_SOURCE_DIR "/build/cache/vmlinuz");
    if (!packed) {
        GTEST_SKIP() << "build/cache/vmlinuz is not there";
    }
    auto unpacked = launch::model::unpack_kernel(*packed);
    ASSERT_TRUE(unpacked.ok());
    file = launch::model::repack_kernel(unpacked.take().bytes);
    domain.memory_bytes = 256 << 20;
    expect_built();
    EXPECT_EQ(info.mfn_list, 0x8000000000U);
    EXPECT_NE(info.flags & hv::abi::SIF_MOD_START_PFN, 0U);
    expect_tables_agree();
    expect_boot_area(base);
    // Linux copies one L2 of its start: what is mapped must not go beyond.
    EXPECT_LT(boot_end - base, 1U << 30);
    auto kernel = pv::read_kernel(file);
    ASSERT_TRUE(kernel.ok());
    for (const Segment& segment : kernel.take().segments) {
        auto wanted = std::vector(segment.contents.begin(), segment.contents.end());
        wanted.resize(segment.memory_bytes);
        EXPECT_TRUE(bytes_at(base + segment.gpaddr, segment.memory_bytes) == wanted);
    }
    EXPECT_EQ(pseudo_physical(info.mod_start << 12, info.mod_len), initrd);
}

INSTANTIATE_TEST_SUITE_P(, PvDomain, testing::Values(P2mOrder::Identity, P2mOrder::Permuted),
                         [](const auto& order) {
                             return order.param == P2mOrder::Identity ? "identity" : "permuted";
                         });

}  // namespace
}  // namespace builder
