// SPDX-License-Identifier: Apache-2.0
// Hashing and the TPM driver alone on a bare QEMU machine: the freestanding SHA-2 and QEMU's own
// TIS registers. run.sh beside it knows the right values.
#include "domb/rt/main.hpp"

#include "domb/rt/instructions.hpp"
#include "domb/rt/platform.hpp"
#include "hv/base/text.hpp"
#include "measure/tpm/tpm.hpp"

#include <array>
#include <string_view>

namespace {

using namespace measure;

constexpr uint64_t tis_base = 0xfed40000;
constexpr size_t hashed_bytes = size_t{4} << 20;

struct TisRegisters {
    // SAFETY of all four: the TPM of this machine, which is this program's alone, is mapped here.
    uint8_t read8(uint32_t o) const { return *reinterpret_cast<volatile uint8_t*>(tis_base + o); }
    uint32_t read32(uint32_t o) const {
        return *reinterpret_cast<volatile uint32_t*>(tis_base + o);
    }
    void write8(uint32_t o, uint8_t v) const {
        *reinterpret_cast<volatile uint8_t*>(tis_base + o) = v;
    }
    void write32(uint32_t o, uint32_t v) const {
        *reinterpret_cast<volatile uint32_t*>(tis_base + o) = v;
    }
};

// Nobody tells the rate of this machine's TSC; 3 GHz is near enough for limits in seconds.
struct RoughClock {
    uint64_t now_ns() const { return rt::read_tsc() / 3; }
};

void print(std::string_view what, const DigestSet& digests) {
    for (const Algorithm a : all_algorithms) {
        if (digests.banks().has(a)) {
            hv::TextOf<200> line;
            line.put(what).put(' ').put(to_name(a)).put(' ').hex(digests.get(a)).put('\n');
            rt::write(line.view());
        }
    }
}

bool check(std::string_view what, const hv::Result<void, TpmError>& result) {
    if (!result.ok()) {
        hv::TextOf<200> line;
        line.put(what).put(": ");
        put(line, result.error());
        rt::write(line.put('\n').view());
    }
    return result.ok();
}

void print_pcr(Tpm<TisRegisters, RoughClock>& tpm, std::string_view name, uint32_t pcr) {
    auto value = tpm.read(hv::PcrIndex{pcr});
    if (value.ok()) {
        print(name, value.value());
    }
}

void use_tpm() {
    Tpm tpm{TisRegisters{}, RoughClock{}};
    if (!check("open", tpm.open())) {
        return;
    }
    hv::TextOf<40> line;
    rt::write(line.put("locality ").dec(tpm.locality()).put('\n').view());
    const DigestSet digest = hash(tpm.banks(), "abc");
    check("extend 12", tpm.extend(hv::PcrIndex{12}, digest));
    check("reset 21", tpm.reset(hv::PcrIndex{21}));
    check("extend 21", tpm.extend(hv::PcrIndex{21}, digest));
    print_pcr(tpm, "pcr12", 12);
    print_pcr(tpm, "pcr21", 21);
    tpm.relinquish();
    // What the next owner, and a guest at locality 0, can do.
    if (check("open again", tpm.open_at(0)) && !tpm.extend(hv::PcrIndex{21}, digest).ok()) {
        rt::write("locality 0 cannot extend 21\n");
    }
    tpm.relinquish();
}

// Many blocks, more than one stride of the hasher.
void hash_zeros() {
    static constinit std::array<std::byte, 1 << 18> bytes{};
    Hasher hasher{all_banks};
    for (size_t done = 0; done < hashed_bytes; done += bytes.size()) {
        hasher.update(bytes);
    }
    print("zeros", hasher.finish());
}

}  // namespace

void rt::domain_main(uint64_t) {
    print("abc", hash(all_banks, "abc"));
    hash_zeros();
    use_tpm();
    rt::write("done\n");
}
