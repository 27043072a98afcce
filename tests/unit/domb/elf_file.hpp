// SPDX-License-Identifier: Apache-2.0
// Makes small ELF kernels for tests, right by default and wrong where the test says so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace test {

class ElfFile {
  public:
    static constexpr size_t header_bytes = 64;
    static constexpr size_t program_header_bytes = 56;

    // A kernel at 16 MiB: one segment of two pages, entry at its start, 64-bit entry note.
    static ElfFile good() {
        ElfFile file;
        file.add_load(0x1000000, std::string(0x1800, 'K'), 0x2000);
        file.add_note(note("Xen", 18, number(0x1000000, 8)));
        return file;
    }
    static std::string number(uint64_t value, size_t bytes) {
        std::string out(bytes, '\0');
        memcpy(out.data(), &value, bytes);
        return out;
    }
    static std::string note(const std::string& name, uint32_t type, const std::string& descriptor) {
        const auto pad = [](std::string s) {
            return s + std::string((4 - s.size() % 4) % 4, '\0');
        };
        return number(name.size() + 1, 4) + number(descriptor.size(), 4) + number(type, 4) +
               pad(name + '\0') + pad(descriptor);
    }
    void add_load(uint64_t paddr, const std::string& contents, uint64_t memsz) {
        parts_.push_back({1, paddr, contents, memsz, 0x1000});
    }
    // A PV kernel as Linux is one: 4 MiB in, above -2 GiB, with a p2m list of its own place.
    static constexpr uint64_t pv_base = 0xffffffff80000000;
    static ElfFile good_pv() {
        ElfFile file;
        file.add_load(0x400000, std::string(0x1800, 'K'), 0x3000);
        file.add_load(0x404100, "data that begins within a page", 0x100);
        file.add_note(pv_notes());
        return file;
    }
    // With another note put first, which then is the one that counts.
    static std::string pv_notes(const std::string& first = "") {
        return first + note("Xen", 5, std::string{"xen-3.0\0", 8}) +
               note("Xen", 6, std::string{"linux\0", 6}) +
               note("Xen", 8, std::string{"generic\0", 8}) +
               note("Xen", 10, "!writable_page_tables|pae_pgdir_above_4gb") +
               note("Xen", 3, number(pv_base, 8)) + note("Xen", 4, number(0, 8)) +
               note("Xen", 1, number(pv_base + 0x400010, 8)) +
               note("Xen", 2, number(pv_base + 0x401000, 8)) +
               note("Xen", 12, number(0xffff800000000000, 8)) +
               note("Xen", 13, number(1, 8) + number(1, 8)) + note("Xen", 14, number(1, 4)) +
               note("Xen", 15, number(0x8000000000, 8)) + note("Xen", 16, number(1, 4)) +
               note("Xen", 17, number(0x8801, 4));
    }
    void add_note(const std::string& contents, uint64_t align = 4) {
        parts_.push_back({4, 0, contents, contents.size(), align});
    }

    [[nodiscard]] std::vector<std::byte> bytes() const {
        std::string out = std::string(
                              "\x7f"
                              "ELF\x02\x01\x01",
                              7) +
                          std::string(9, '\0') + number(2, 2) + number(62, 2) + number(1, 4) +
                          number(0, 8) + number(header_bytes, 8) + number(0, 8) + number(0, 4) +
                          number(header_bytes, 2) + number(program_header_bytes, 2) +
                          number(parts_.size(), 2) + number(0, 6);
        uint64_t at = header_bytes + parts_.size() * program_header_bytes;
        for (const Part& p : parts_) {
            out += number(p.type, 4) + number(7, 4) + number(at, 8) + number(p.paddr, 8) +
                   number(p.paddr, 8) + number(p.contents.size(), 8) + number(p.memsz, 8) +
                   number(p.align, 8);
            at += p.contents.size();
        }
        for (const Part& p : parts_) {
            out += p.contents;
        }
        std::vector<std::byte> result(out.size());
        memcpy(result.data(), out.data(), out.size());
        return result;
    }

  private:
    struct Part {
        uint32_t type;
        uint64_t paddr;
        std::string contents;
        uint64_t memsz;
        uint64_t align;
    };
    std::vector<Part> parts_;
};

// Overwrites a little-endian field.
template <class T>
void poke(std::vector<std::byte>& bytes, size_t at, T value) {
    memcpy(bytes.data() + at, &value, sizeof(T));
}

}  // namespace test
