// SPDX-License-Identifier: Apache-2.0
#include "hv/hvm/msr_mtrr.hpp"

#include <algorithm>
#include <optional>

namespace hv::hvm {
namespace {

constexpr uint32_t mtrr_cap = 0xfe;
constexpr uint32_t first_variable = 0x200;
constexpr uint32_t last_variable = 0x20f;
constexpr uint32_t default_type = 0x2ff;
constexpr std::array<uint32_t, 11> fixed_msrs = {0x250, 0x258, 0x259, 0x268, 0x269, 0x26a,
                                                 0x26b, 0x26c, 0x26d, 0x26e, 0x26f};

constexpr uint8_t write_back = 6;
constexpr uint64_t cap_fixed = 1U << 8;
constexpr uint64_t cap_write_combining = 1U << 10;
constexpr uint64_t enable_bits = 0xc00;  // of the default type register: MTRRs, fixed MTRRs
constexpr uint64_t mask_valid = 1U << 11;

// UC, WC, WT, WP, WB.
bool is_type(uint64_t type) {
    return type == 0 || type == 1 || type == 4 || type == 5 || type == write_back;
}

template <class Check>
bool all_bytes(uint64_t value, Check is_legal) {
    for (unsigned shift = 0; shift < 64; shift += 8) {
        if (!is_legal((value >> shift) & 0xff)) {
            return false;
        }
    }
    return true;
}

std::optional<size_t> fixed_index(uint32_t msr) {
    const auto* found = std::find(fixed_msrs.begin(), fixed_msrs.end(), msr);
    return found == fixed_msrs.end() ? std::nullopt
                                     : std::optional{static_cast<size_t>(found - &fixed_msrs[0])};
}

bool is_variable(uint32_t msr) {
    return msr >= first_variable && msr <= last_variable;
}

}  // namespace

bool is_legal_pat(uint64_t value) {
    constexpr uint64_t uc_minus = 7;
    return all_bytes(value, [](uint64_t type) { return is_type(type) || type == uc_minus; });
}

Mtrrs::Mtrrs(unsigned physical_bits)
    : address_mask_{((uint64_t{1} << physical_bits) - 1) & ~uint64_t{0xfff}},
      default_type_{enable_bits | write_back} {
    fixed_.fill(0x0606060606060606);
}

bool Mtrrs::has(uint32_t msr) {
    return msr == mtrr_cap || msr == default_type || is_variable(msr) || fixed_index(msr);
}

Result<uint64_t, MsrFault> Mtrrs::read(uint32_t msr) const {
    if (msr == mtrr_cap) {
        return cap_write_combining | cap_fixed | variable_count;
    }
    if (msr == default_type) {
        return default_type_;
    }
    if (is_variable(msr)) {
        return variable_[msr - first_variable];
    }
    if (const auto index = fixed_index(msr)) {
        return fixed_[*index];
    }
    return Err{MsrFault::GeneralProtection};
}

Result<void, MsrFault> Mtrrs::write(uint32_t msr, uint64_t value) {
    if (msr == default_type && (value & ~(enable_bits | 0xff)) == 0 && is_type(value & 0xff)) {
        default_type_ = value;
        return Ok{};
    }
    if (is_variable(msr)) {
        const bool is_mask = (msr & 1) != 0;
        const uint64_t legal = address_mask_ | (is_mask ? mask_valid : 0xff);
        if ((value & ~legal) == 0 && (is_mask || is_type(value & 0xff))) {
            variable_[msr - first_variable] = value;
            return Ok{};
        }
    }
    if (const auto index = fixed_index(msr); index && all_bytes(value, is_type)) {
        fixed_[*index] = value;
        return Ok{};
    }
    return Err{MsrFault::GeneralProtection};
}

}  // namespace hv::hvm
