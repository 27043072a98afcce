// SPDX-License-Identifier: Apache-2.0
#include "hv/hvm/fetch.hpp"

#include "hv/domain/guest_copy.hpp"
#include "hv/svm/vmcb.hpp"

#include <algorithm>

namespace hv::hvm {

namespace {

constexpr uint16_t cs_long = 1 << 9;  // of a VMCB segment's attributes
constexpr uint16_t cs_default = 1 << 10;
constexpr uint64_t efer_lma = 1 << 10;

// The virtual address of the next instruction.
uint64_t code_address(const domain::Vcpu& v, CodeMode mode) {
    const svm::VmcbSave& save = v.vmcb->save();
    return mode == CodeMode::Code64 ? save.rip : (save.cs.base + save.rip) & 0xffffffff;
}

}  // namespace

CodeMode code_mode(const domain::Vcpu& v) {
    const svm::VmcbSave& save = v.vmcb->save();
    if ((save.efer & efer_lma) != 0 && (save.cs.attributes & cs_long) != 0) {
        return CodeMode::Code64;
    }
    return (save.cs.attributes & cs_default) != 0 ? CodeMode::Code32 : CodeMode::Code16;
}

bool fetch(const domain::Vcpu& v, std::span<std::byte> to) {
    return domain::copy_from_guest(v, to, GuestVaddr{code_address(v, code_mode(v))}).ok();
}

Fetched::Fetched(const domain::Vcpu& v) : mode_{code_mode(v)} {
    const uint64_t at = code_address(v, mode_);
    // In two parts, so that an unmapped next page does not hide the end of this one.
    const uint64_t in_page = std::min<uint64_t>(bytes_.size(), page_size - page_offset(at));
    if (!domain::copy_from_guest(v, std::span{bytes_}.first(in_page), GuestVaddr{at}).ok()) {
        return;
    }
    size_ = in_page;
    const auto rest = std::span{bytes_}.subspan(in_page);
    if (domain::copy_from_guest(v, rest, GuestVaddr{at + in_page}).ok()) {
        size_ = bytes_.size();
    }
}

}  // namespace hv::hvm
