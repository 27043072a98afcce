// SPDX-License-Identifier: Apache-2.0
// The parts of the manifest's compiler that the golden tests see only from outside.
#include "domb/builder/pv/kernel.hpp"
#include "domb/builder/pvh_kernel.hpp"
#include "launch-config/model/artifacts.hpp"
#include "launch-config/model/check_pv.hpp"
#include "launch-config/model/json_document.hpp"
#include "launch-config/model/kernel_image.hpp"
#include "launch-config/model/repack.hpp"
#include "launch-config/model/scalars.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include <elf.h>
#include <gtest/gtest.h>

namespace launch::model {
namespace {

Bytes kernel_file(const std::string& name) {
    const auto bytes = read_file(std::filesystem::path{GANTRY_SOURCE_DIR} /
                                 "tests/corpus/manifest/kernels" / name);
    EXPECT_TRUE(bytes.has_value()) << name;
    return bytes.value_or(Bytes{});
}

TEST(Size, takes_whole_binary_units_only) {
    EXPECT_EQ(256ULL << 20, parse_size("256M"));
    EXPECT_EQ(256ULL << 20, parse_size("256MiB"));
    EXPECT_EQ(4096ULL, parse_size("4K"));
    EXPECT_EQ(UINT64_MAX - ((1ULL << 40) - 1), parse_size("16777215T"));
    for (const char* wrong : {"", "M", "256", "256MB", "256m", " 1G", "1 G", "-1G", "1.5G", "1GG",
                              "16777216T", "99999999999999999999G", "0x10M"}) {
        EXPECT_EQ(std::nullopt, parse_size(wrong)) << wrong;
    }
}

TEST(Size, is_formatted_exactly) {
    EXPECT_EQ("256M", format_size(256ULL << 20));
    EXPECT_EQ("1025K", format_size(1025 * 1024));
    EXPECT_EQ("17", format_size(17));
    EXPECT_EQ("0", format_size(0));
}

TEST(Duration, takes_a_number_of_one_unit) {
    EXPECT_EQ(250U, parse_duration("250ms"));
    EXPECT_EQ(60'000U, parse_duration("60s"));
    EXPECT_EQ(3'600'000U, parse_duration("60m"));
    EXPECT_EQ(0U, parse_duration("0s"));
    for (const char* wrong : {"", "s", "60", "60 s", "-1s", "1.5s", "1h", "1S", "1m30s", "+1s",
                              "18446744073709551616ms", "18446744073709551615s"}) {
        EXPECT_EQ(std::nullopt, parse_duration(wrong)) << wrong;
    }
}

TEST(Uuid, is_derived_as_rfc_4122_says) {
    const Uuid uuid = derive_uuid("web");
    EXPECT_EQ(uuid, derive_uuid("web"));
    EXPECT_NE(uuid, derive_uuid("db"));
    const std::string text = format_uuid(uuid);
    EXPECT_EQ('5', text[14]);                                          // version
    EXPECT_NE(std::string::npos, std::string{"89ab"}.find(text[19]));  // variant
    EXPECT_EQ(uuid, parse_uuid(text));
    EXPECT_EQ("e119df53-25d5-5c1c-bdcf-031e6b9261a7", text);
}

TEST(Uuid, refuses_other_forms) {
    for (const char* wrong :
         {"", "0123", "0123456789abcdef0123456789abcdef1234",
          "01234567-89ab-cdef-0123-456789abcdeg", "0123456-789ab-cdef-0123-456789abcdef"}) {
        EXPECT_EQ(std::nullopt, parse_uuid(wrong)) << wrong;
    }
}

TEST(Mac, is_read_and_written) {
    const Mac mac{std::byte{0x00}, std::byte{0x16}, std::byte{0x3e},
                  std::byte{0x0a}, std::byte{0xbc}, std::byte{0xff}};
    EXPECT_EQ(mac, parse_mac("00:16:3e:0A:bc:ff"));
    EXPECT_EQ("00:16:3e:0a:bc:ff", format_mac(mac));
    for (const char* wrong : {"", "00:16:3e:0a:bc", "00:16:3e:0a:bc:ff:", "00-16-3e-0a-bc-ff",
                              "00:16:3e:0a:bc:fg", "0:016:3e:0a:bc:ff"}) {
        EXPECT_EQ(std::nullopt, parse_mac(wrong)) << wrong;
    }
}

// Changing how they are derived would give all guests new interfaces.
TEST(Mac, is_derived_from_the_uuid_and_the_number) {
    const Uuid uuid = derive_uuid("web");
    EXPECT_EQ("00:16:3e:4d:f5:b5", format_mac(derive_mac(uuid, 0)));
    EXPECT_EQ("00:16:3e:65:fd:11", format_mac(derive_mac(uuid, 1)));
    EXPECT_TRUE(is_mac(derive_mac(uuid, 2)));
    EXPECT_NE(derive_mac(derive_uuid("db"), 0), derive_mac(uuid, 0));
}

TEST(Nearest, finds_slips_and_not_strangers) {
    constexpr std::array<std::string_view, 3> words{"memory", "kernel", "vcpus"};
    EXPECT_EQ("memory", nearest("memroy", words));
    EXPECT_EQ("vcpus", nearest("vcpu", words));
    EXPECT_EQ(std::nullopt, nearest("passthrough", words));
}

TEST(Json, keeps_positions_in_characters) {
    Diagnostics diagnostics{"m", "{\n \"é\\\"x\": [1, -2.5, {\"a\": true}],\r\n\t\"b\":null}"};
    const auto root = parse_json(diagnostics);
    ASSERT_TRUE(root.has_value());
    ASSERT_EQ(2U, root->members.size());
    const auto& text = diagnostics.text();
    EXPECT_EQ("é\"x", root->members[0].key);
    const auto& items = root->members[0].value.items;
    ASSERT_EQ(3U, items.size());
    EXPECT_EQ('1', text[items[0].offset]);
    EXPECT_EQ('-', text[items[1].offset]);
    EXPECT_EQ('{', text[items[2].offset]);
    EXPECT_EQ('t', text[items[2].members[0].value.offset]);
    EXPECT_EQ('n', text[root->members[1].value.offset]);
    diagnostics.add({items[0].offset, "/x"}, "what", "expected");
    EXPECT_EQ(2U, diagnostics.sorted()[0].line);
    EXPECT_EQ(11U, diagnostics.sorted()[0].column);
    EXPECT_EQ("m:2:11: /x: what: expected", diagnostics.to_text(diagnostics.sorted()[0]));
}

TEST(Kernel, is_the_same_from_every_packing) {
    const Bytes good = kernel_file("good.elf");
    for (const std::string packing : {"gzip", "xz", "lzma", "bzip2", "lz4", "zstd"}) {
        auto kernel = unpack_kernel(kernel_file(packing + ".bz"));
        ASSERT_TRUE(kernel.ok()) << packing << ' ' << kernel.error().what;
        EXPECT_EQ(good, kernel.value().bytes) << packing;
        EXPECT_EQ(packing, kernel.value().packing);
    }
}

// No damaged kernel file is read beyond its end or unpacked without bound.
TEST(Kernel, every_truncation_is_refused_or_harmless) {
    for (const char* name : {"good.elf", "gzip.bz", "xz.bz", "lz4.bz", "zstd.bz", "bzip2.bz"}) {
        const Bytes whole = kernel_file(name);
        for (size_t size = 0; size < whole.size(); size += 7) {
            Bytes cut(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size));
            cut.shrink_to_fit();
            auto kernel = unpack_kernel(std::move(cut));
            if (kernel.ok() && inspect_kernel(kernel.value().bytes).ok()) {
                static_cast<void>(repack_kernel(kernel.value().bytes));
            }
        }
    }
}

// What a loader puts into memory: the segments, each followed by its zeros.
Bytes loaded(const Bytes& elf) {
    Bytes memory(0x200000);
    Elf64_Ehdr header;
    std::memcpy(&header, elf.data(), sizeof(header));
    for (size_t i = 0; i < header.e_phnum; ++i) {
        Elf64_Phdr segment;
        std::memcpy(&segment, elf.data() + header.e_phoff + i * sizeof(segment), sizeof(segment));
        if (segment.p_type == PT_LOAD) {
            std::copy_n(elf.begin() + static_cast<ptrdiff_t>(segment.p_offset), segment.p_filesz,
                        memory.begin() + static_cast<ptrdiff_t>(segment.p_paddr));
        }
    }
    return memory;
}

bool is_refused(const Bytes& file, DomainType type) {
    const auto layout = inspect_kernel(file);
    return !layout.ok() || find_start_problem(layout.value(), type).has_value();
}

TEST(Repack, keeps_what_is_loaded_and_drops_the_rest) {
    const Bytes good = kernel_file("good.elf");
    const Bytes packed = repack_kernel(good);
    EXPECT_EQ(loaded(good), loaded(packed));
    auto before = inspect_kernel(good);
    auto after = inspect_kernel(packed);
    ASSERT_TRUE(before.ok() && after.ok());
    EXPECT_EQ(before.value().pvh_entry, after.value().pvh_entry);
    EXPECT_EQ(before.value().low, after.value().low);
    EXPECT_EQ(before.value().high, after.value().high);
    EXPECT_EQ(packed, repack_kernel(packed));
    const std::string_view text{reinterpret_cast<const char*>(packed.data()), packed.size()};
    EXPECT_EQ(text.npos, text.find("symbols nobody loads"));
}

// What the tool lets pass, domB can place: the two readers of ELF images are different code.
TEST(Repack, suits_domb) {
    for (const char* name : {"good.elf", "up-to-4m.elf", "large.elf"}) {
        const Bytes file = kernel_file(name);
        auto expected = inspect_kernel(file);
        ASSERT_TRUE(expected.ok()) << name;
        for (const Bytes& form : {file, repack_kernel(file)}) {
            auto kernel = builder::read_kernel(form);
            ASSERT_TRUE(kernel.ok()) << name;
            EXPECT_EQ(expected.value().pvh_entry, kernel.value().entry) << name;
        }
    }
    for (const char* name : {"no-note.elf", "arm.elf", "entry-outside.elf", "segment-outside.elf",
                             "32-bit.elf", "pv.elf"}) {
        const Bytes file = kernel_file(name);
        EXPECT_TRUE(is_refused(file, DomainType::Pvh)) << name;
        EXPECT_FALSE(builder::read_kernel(file).ok()) << name;
    }
}

TEST(Repack, suits_domb_for_pv) {
    const Bytes file = kernel_file("pv.elf");
    EXPECT_FALSE(is_refused(file, DomainType::Pv));
    for (const Bytes& form : {file, repack_kernel(file)}) {
        EXPECT_TRUE(builder::pv::read_kernel(form).ok());
    }
    for (const char* name : {"good.elf", "no-note.elf", "arm.elf", "32-bit.elf"}) {
        const Bytes other = kernel_file(name);
        EXPECT_TRUE(is_refused(other, DomainType::Pv)) << name;
        EXPECT_FALSE(builder::pv::read_kernel(other).ok()) << name;
    }
}

std::vector<std::string> pv_problems(const DomainSpec& domain) {
    Diagnostics diagnostics{"launch.json", "{}"};
    check_pv(domain, diagnostics);
    std::vector<std::string> pointers;
    for (const auto& diagnostic : diagnostics.sorted()) {
        pointers.push_back(diagnostic.place.pointer);
    }
    return pointers;
}

DomainSpec pv_domain() {
    DomainSpec domain;
    domain.type = {DomainType::Pv, {0, "/type"}};
    domain.memory_bytes = domain.max_memory_bytes = {uint64_t{63} << 30, {0, "/memory"}};
    domain.cmdline = std::string(1023, 'c');
    domain.cmdline_place.pointer = "/cmdline";
    return domain;
}

TEST(PvRules, point_at_what_a_pv_domain_cannot_have) {
    using Pointers = std::vector<std::string>;
    EXPECT_EQ(pv_problems(pv_domain()), Pointers{});
    DomainSpec domain = pv_domain();
    domain.roles.push_back({Role::Tpm, {0, "/roles/0"}});
    EXPECT_EQ(pv_problems(domain), Pointers{"/roles/0"});
    domain = pv_domain();
    domain.cmdline += "c";
    EXPECT_EQ(pv_problems(domain), Pointers{"/cmdline"});
    domain = pv_domain();
    domain.max_memory_bytes.value += 4096;
    EXPECT_EQ(pv_problems(domain), Pointers{"/memory"});
    domain = pv_domain();
    domain.type.value = DomainType::Pvh;
    EXPECT_EQ(pv_problems(domain), Pointers{});
    domain.pv_place = {0, "/pv"};
    EXPECT_EQ(pv_problems(domain), Pointers{"/pv"});
}

}  // namespace
}  // namespace launch::model
