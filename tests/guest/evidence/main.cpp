// SPDX-License-Identifier: Apache-2.0
// The evidence of a launch from a domain with the role "tpm", without Linux: finds the event log
// the way a kernel does (RSDP, XSDT, TPM2), reads the PCRs at locality 0, prints both as the blocks
// of ARCHITECTURE.md. Before that it tries what this domain must not be able to do: change the log,
// use another locality, touch the mirror PCR. `extend=N` extends PCR N, which it may, and which the
// verifier must notice.
#include "domb/rt/clock.hpp"
#include "measure/tcg/log_reader.hpp"
#include "measure/tpm/tpm.hpp"
#include "tests/guest/evidence/acpi.hpp"
#include "tests/guest/harness/guest.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace {

constexpr uint64_t tis_base = 0xfed40000;
constexpr uint32_t pcr_count = 24;
constexpr hv::PcrIndex mirror{21};

struct TisRegisters {
    // SAFETY of all four: the registers are mapped in a domain that has the TPM, and read as all
    // ones in one that has not.
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

using Tpm = measure::Tpm<TisRegisters, rt::TscClock>;

void put_base64(hv::Text& out, std::span<const std::byte> three) {
    constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0;
    for (size_t i = 0; i < 3; ++i) {
        bits = bits << 8 | (i < three.size() ? static_cast<uint32_t>(three[i]) : 0);
    }
    for (size_t i = 0; i < 4; ++i) {
        out.put(i <= three.size() ? digits[bits >> (18 - 6 * i) & 63] : '=');
    }
}

void emit(std::string_view name, std::span<const std::byte> bytes) {
    constexpr measure::Algorithm sha256 = measure::Algorithm::Sha256;
    measure::BankSet banks;
    banks.add(sha256);
    hv::TextOf<200> head;
    head.put("-----BEGIN GANTRY EVIDENCE name=").put(name).put(" bytes=").dec(bytes.size());
    head.put(" sha256=").hex(measure::hash(banks, bytes).get(sha256)).put("-----\n");
    guest::print(head.view());
    constexpr size_t bytes_per_line = 57;
    for (size_t at = 0; at < bytes.size(); at += bytes_per_line) {
        const auto piece = bytes.subspan(at, std::min(bytes_per_line, bytes.size() - at));
        hv::TextOf<80> line;
        for (size_t i = 0; i < piece.size(); i += 3) {
            put_base64(line, piece.subspan(i, std::min<size_t>(3, piece.size() - i)));
        }
        guest::print(line.put('\n').view());
    }
    guest::print("-----END GANTRY EVIDENCE-----\n");
}

template <class T>
T or_fail(std::string_view what, hv::Result<T, measure::TpmError> result) {
    if (!result.ok()) {
        hv::TextOf<200> text;
        text.put(what).put(": ");
        measure::put(text, result.error());
        guest::fail(text.view());
    }
    return result.take();
}

// Lines "bank index hex".
void emit_pcrs(Tpm& tpm) {
    static constinit std::array<char, 16384> buffer{};
    static constinit std::array<measure::DigestSet, pcr_count> values{};
    for (uint32_t i = 0; i < pcr_count; ++i) {
        values[i] = or_fail("reading a PCR", tpm.read(hv::PcrIndex{i}));
    }
    hv::Text text{buffer};
    for (const measure::Algorithm bank : measure::all_algorithms) {
        for (uint32_t i = 0; tpm.banks().has(bank) && i < pcr_count; ++i) {
            text.put(measure::to_name(bank)).put(' ').dec(i).put(' ');
            text.hex(values[i].get(bank)).put('\n');
        }
    }
    if (text.truncated()) {
        guest::error("the text of the PCRs is too long");
    }
    emit("pcrs", std::as_bytes(std::span{text.view()}));
}

void try_to_change(std::span<const std::byte> log) {
    const auto at = reinterpret_cast<uint64_t>(log.data());
    const uint64_t before = guest::peek(at + 64);
    guest::poke(at + 64, ~before);
    if (guest::peek(at + 64) != before) {
        guest::fail("the event log can be written");
    }
}

// Localities 1 to 4 are not there; at locality 0 the TPM refuses what concerns the mirror.
void try_mirror(Tpm& tpm) {
    for (uint32_t locality = 1; locality <= 4; ++locality) {
        const uint32_t access = locality << 12;
        TisRegisters{}.write8(access, 0x02);
        if (TisRegisters{}.read32(access) != 0xffffffff) {
            guest::fail("there is locality", locality);
        }
    }
    if (tpm.reset(mirror).ok()) {
        guest::fail("PCR 21 can be reset");
    }
    if (tpm.extend(mirror, measure::hash(tpm.banks(), "evil")).ok()) {
        guest::fail("PCR 21 can be extended");
    }
}

}  // namespace

void guest::run(const rt::StartInfo& info) {
    const auto area = find_log_area(info.rsdp());
    if (!area) {
        fail("ACPI names no event log");
    }
    const measure::LogExtent extent = measure::log_extent(*area);
    if (extent.records == 0) {
        fail("there is no event log at", reinterpret_cast<uint64_t>(area->data()));
    }
    try_to_change(*area);
    Tpm tpm{TisRegisters{}, rt::TscClock{}};
    or_fail("opening the TPM", tpm.open_at(0));
    try_mirror(tpm);
    constexpr uint64_t none = ~uint64_t{0};
    if (const uint64_t pcr = option(info, "extend", none); pcr != none) {
        or_fail("extending", tpm.extend(hv::PcrIndex{static_cast<uint32_t>(pcr)},
                                        measure::hash(tpm.banks(), "evil")));
    }
    emit("log", area->first(extent.bytes));
    emit_pcrs(tpm);
    tpm.relinquish();
}
