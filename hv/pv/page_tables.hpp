// SPDX-License-Identifier: Apache-2.0
// The page tables of a PV guest. The processor uses them as they are, and nested paging checks
// where they lead, so hv keeps only what the ABI makes visible: entries in the hypervisor's slots
// are its own, pinned L1 tables may be written through read-only mappings of the kernel, and an
// update of what is not the guest's RAM is an error.
#pragma once

#include "hv/base/address.hpp"
#include "hv/base/result.hpp"
#include "hv/domain/domain.hpp"
#include "hv/domain/vcpu.hpp"

#include <cstdint>
#include <optional>

namespace hv::pv {

enum class TableError : uint8_t {
    BadFrame,  // the table is not RAM of the domain: refuse
    BadEntry,  // the entry names a frame the domain does not have, or flags it may not use: refuse
    BadSlot,   // of a pinned L4, in the hypervisor's part: refuse
    NotDone,   // as many tables as allowed have been looked through: do it again, it goes on
};

// Whether the guest may store an entry there.
Result<void, TableError> check_place(domain::Domain& domain, GuestPaddr at);

// Stores one entry. With keep_accessed_dirty, those two bits of the old one stay set.
Result<void, TableError> write_entry(domain::Domain& domain, GuestPaddr at, uint64_t value,
                                     bool keep_accessed_dirty);

// Replaces an entry if it names that frame, whatever its flags.
Result<void, TableError> replace_entry(domain::Domain& domain, GuestPaddr at, Gfn named,
                                       uint64_t value);
// The entry there, which is then empty.
Result<uint64_t, TableError> take_entry(domain::Domain& domain, GuestPaddr at);

// Where the level-1 entry for the address is in the current tables; nothing if there is no table.
std::optional<GuestPaddr> find_leaf(const domain::Vcpu& vcpu, GuestVaddr address);

// Level 1 to 4. Pinning a level-4 table fills the hypervisor's slots and pins what is below it.
// Every table looked through is counted off `tables_left`.
Result<void, TableError> pin(domain::Domain& domain, Gfn table, uint8_t level,
                             uint32_t& tables_left);
Result<void, TableError> unpin(domain::Domain& domain, Gfn table, uint32_t& tables_left);

// Before a table goes into CR3.
Result<void, TableError> use_root(domain::Domain& domain, Gfn table);

// Whether the address is mapped, and not for user space.
bool is_for_kernel_only(const domain::Vcpu& vcpu, GuestVaddr address);

// A write by the kernel to a read-only page of its own, CR2: true if it may simply be repeated.
bool mend_write_fault(domain::Vcpu& vcpu, GuestVaddr address);

// Whether the frame is a table that the guest has pinned; and that it is none any more.
bool is_table(const domain::Domain& domain, Gfn frame);
void forget_table(domain::Domain& domain, Gfn frame);

}  // namespace hv::pv
