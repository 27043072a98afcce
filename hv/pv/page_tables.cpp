// SPDX-License-Identifier: Apache-2.0
#include "hv/pv/page_tables.hpp"

#include "hv/abi/pv_layout.hpp"
#include "hv/domain/physmap.hpp"
#include "hv/mm/page_entry.hpp"
#include "hv/pv/area.hpp"
#include "hv/pv/frames.hpp"
#include "hv/pv/pv.hpp"
#include "hv/svm/vmcb.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>

namespace hv::pv {

namespace {

namespace pte = mm::pte;

// User mappings survive a change of CR3 on Xen, kernel mappings never do; nobody may ask.
constexpr uint64_t global = 1 << 8;

// SAFETY: `page` is a mapped frame, `index` below 512.
std::atomic_ref<uint64_t> entry_at(std::byte* page, uint64_t index) {
    return std::atomic_ref{reinterpret_cast<uint64_t*>(page)[index]};
}

// The note about a frame; nothing for frames beyond the plan's.
std::atomic<uint8_t>* level_of(domain::Domain& d, Gfn gfn) {
    const auto index = index_of(d, gfn);
    return index ? &d.pv->table_levels[*index] : nullptr;
}

uint8_t level(domain::Domain& d, Gfn gfn) {
    const std::atomic<uint8_t>* note = level_of(d, gfn);
    return note == nullptr ? 0 : note->load(std::memory_order_relaxed);
}

bool is_ram(const domain::Domain& d, Gfn gfn) {
    return index_of(d, gfn).has_value();
}

// Whether a present entry may name what it names. What RAM has ballooned out faults when used.
bool is_legal(domain::Domain& d, uint64_t value) {
    if ((value & pte::P) == 0) {
        return true;
    }
    const Gfn gfn = to_gfn(GuestPaddr{value & pte::address_mask});
    if ((value & global) != 0) {
        return false;
    }
    return is_ram(d, gfn) || (gfn.value() < mm::P2m::gfn_limit && d.p2m.lookup(gfn).has_value());
}

bool is_hypervisor_slot(uint64_t index) {
    return index - abi::pv_first_l4_slot < abi::pv_l4_slots;
}

// Reads one entry of a table of the guest.
std::optional<uint64_t> read_entry(const domain::Domain& d, uint64_t table, uint64_t index) {
    uint64_t value = 0;
    const bool found =
        d.p2m.with_page(to_gfn(GuestPaddr{table & pte::address_mask}), false,
                        [&](std::byte* page) { value = entry_at(page, index).load(); });
    return found ? std::optional{value} : std::nullopt;
}

struct Leaf {
    GuestPaddr at{};
    uint64_t value = 0;
    bool is_writable_above = true;
    bool is_user = true;
};

// The level-1 entry, present or not.
std::optional<Leaf> walk(const domain::Vcpu& v, GuestVaddr address) {
    uint64_t table = v.vmcb->save().cr3 & pte::address_mask;
    const uint64_t page = (address.value() & 0x0000ffffffffffff) >> page_shift;
    Leaf leaf;
    for (unsigned depth = pte::root_level;; --depth) {
        const uint64_t index = pte::index(page, depth);
        const auto value = read_entry(*v.domain, table, index);
        if (!value) {
            return std::nullopt;
        }
        if (depth == 0) {
            leaf.at = GuestPaddr{table + index * pte::entry_bytes};
            leaf.value = *value;
            leaf.is_user = leaf.is_user && (*value & pte::US) != 0;
            return leaf;
        }
        if ((*value & pte::P) == 0 || (*value & pte::PS) != 0) {
            return std::nullopt;
        }
        leaf.is_writable_above = leaf.is_writable_above && (*value & pte::RW) != 0;
        leaf.is_user = leaf.is_user && (*value & pte::US) != 0;
        table = *value & pte::address_mask;
    }
}

void note_level(domain::Domain& d, Gfn table, uint8_t value) {
    if (std::atomic<uint8_t>* note = level_of(d, table)) {
        note->store(value, std::memory_order_relaxed);
    }
}

constexpr uint64_t entries_at_a_time = 32;
using Entries = std::array<uint64_t, entries_at_a_time>;

// Entries of a table of the guest from `first` on; none are present where no frame is.
Entries read_entries(const domain::Domain& d, Gfn table, uint64_t first) {
    Entries read{};
    d.p2m.with_page(table, false, [&](std::byte* page) {
        for (uint64_t n = 0; n < read.size(); ++n) {
            read[n] = entry_at(page, first + n).load(std::memory_order_relaxed);
        }
    });
    return read;
}

Result<void, TableError> note_below(domain::Domain& d, Gfn table, uint8_t own_level, bool is_pinned,
                                    uint32_t& tables_left);

// Notes the table that an entry names, after what is below it.
Result<void, TableError> note_entry(domain::Domain& d, uint64_t value, uint8_t its_level,
                                    bool is_pinned, uint32_t& tables_left) {
    if ((value & pte::P) == 0 || (value & pte::PS) != 0) {
        return Ok{};
    }
    const Gfn below = to_gfn(GuestPaddr{value & pte::address_mask});
    const uint8_t wanted = is_pinned ? its_level : uint8_t{0};
    const uint8_t before = level(d, below);
    // A root stays one where a linear map names it as a lower table.
    if (!is_ram(d, below) || before == wanted || before == 4) {
        return Ok{};
    }
    TRY(note_below(d, below, its_level, is_pinned, tables_left));
    note_level(d, below, wanted);
    return Ok{};
}

// Notes every table below, down to level 1. What carries its note already is skipped with all below
// it: so what the guest has pinned piece by piece costs nothing here, and an operation that is done
// again because it had to give way goes on where it was. The tables are the guest's: they may name
// each other in circles, and only tables_left ends that.
Result<void, TableError> note_below(domain::Domain& d, Gfn table, uint8_t own_level, bool is_pinned,
                                    uint32_t& tables_left) {
    if (own_level == 1) {
        return Ok{};
    }
    if (tables_left == 0) {
        return Err{TableError::NotDone};
    }
    --tables_left;
    for (uint64_t first = 0; first < pte::entries; first += entries_at_a_time) {
        const Entries read = read_entries(d, table, first);
        for (uint64_t n = 0; n < read.size(); ++n) {
            if (own_level == 4 && is_hypervisor_slot(first + n)) {
                continue;
            }
            TRY(note_entry(d, read[n], static_cast<uint8_t>(own_level - 1), is_pinned,
                           tables_left));
        }
    }
    return Ok{};
}

// Calls `use` with the entry at that place.
template <class Use>
Result<void, TableError> with_entry(domain::Domain& d, GuestPaddr at, Use&& use) {
    TRY(check_place(d, at));
    const bool found = d.p2m.with_page(to_gfn(at), true, [&](std::byte* page) {
        use(entry_at(page, page_offset(at.value()) / pte::entry_bytes));
    });
    if (!found) {
        return Err{TableError::BadFrame};
    }
    return Ok{};
}

}  // namespace

Result<void, TableError> check_place(domain::Domain& d, GuestPaddr at) {
    const Gfn table = to_gfn(at);
    if (at.value() % pte::entry_bytes != 0 || !own_frame(d, table)) {
        return Err{TableError::BadFrame};
    }
    const uint64_t index = page_offset(at.value()) / pte::entry_bytes;
    if (is_hypervisor_slot(index) && level(d, table) == 4) {
        return Err{TableError::BadSlot};
    }
    return Ok{};
}

Result<void, TableError> write_entry(domain::Domain& d, GuestPaddr at, uint64_t value,
                                     bool keep_accessed_dirty) {
    if (!is_legal(d, value)) {
        TRY(check_place(d, at));  // what is wrong with the place is said first
        return Err{TableError::BadEntry};
    }
    return with_entry(d, at, [&](std::atomic_ref<uint64_t> entry) {
        if (!keep_accessed_dirty) {
            entry.store(value);
            return;
        }
        uint64_t old = entry.load();
        while (!entry.compare_exchange_weak(old, value | (old & (pte::A | pte::D)))) {
        }
    });
}

Result<void, TableError> replace_entry(domain::Domain& d, GuestPaddr at, Gfn named,
                                       uint64_t value) {
    bool is_replaced = false;
    TRY(with_entry(d, at, [&](std::atomic_ref<uint64_t> entry) {
        uint64_t old = entry.load();
        do {
            is_replaced = to_gfn(GuestPaddr{old & pte::address_mask}) == named;
        } while (is_replaced && !entry.compare_exchange_weak(old, value));
    }));
    if (!is_replaced) {
        return Err{TableError::BadEntry};
    }
    return Ok{};
}

Result<uint64_t, TableError> take_entry(domain::Domain& d, GuestPaddr at) {
    uint64_t old = 0;
    TRY(with_entry(d, at, [&](std::atomic_ref<uint64_t> entry) { old = entry.exchange(0); }));
    return old;
}

std::optional<GuestPaddr> find_leaf(const domain::Vcpu& v, GuestVaddr address) {
    const auto leaf = walk(v, address);
    return leaf ? std::optional{leaf->at} : std::nullopt;
}

Result<void, TableError> pin(domain::Domain& d, Gfn table, uint8_t own_level,
                             uint32_t& tables_left) {
    if (!is_ram(d, table) || !domain::own_ram(d, table)) {
        return Err{TableError::BadFrame};
    }
    if (own_level == 4) {
        d.p2m.with_page(table, true, [&](std::byte* page) { fill_l4_slots(page, *d.pv); });
    }
    note_level(d, table, own_level);
    return note_below(d, table, own_level, true, tables_left);
}

Result<void, TableError> unpin(domain::Domain& d, Gfn table, uint32_t& tables_left) {
    const uint8_t own_level = level(d, table);
    if (own_level == 0) {
        return Err{TableError::BadFrame};
    }
    // Tables of the kernel's half are shared by every process and stay.
    if (own_level < 4) {
        TRY(note_below(d, table, own_level, false, tables_left));
    }
    note_level(d, table, 0);
    return Ok{};
}

Result<void, TableError> use_root(domain::Domain& d, Gfn table) {
    if (level(d, table) == 4) {
        return Ok{};
    }
    if (!is_ram(d, table) || !domain::own_ram(d, table)) {
        return Err{TableError::BadFrame};
    }
    d.p2m.with_page(table, true, [&](std::byte* page) { fill_l4_slots(page, *d.pv); });
    return Ok{};
}

bool is_for_kernel_only(const domain::Vcpu& v, GuestVaddr address) {
    const auto leaf = walk(v, address);
    return leaf && (leaf->value & pte::P) != 0 && !leaf->is_user;
}

bool mend_write_fault(domain::Vcpu& v, GuestVaddr address) {
    const auto leaf = walk(v, address);
    if (!leaf || (leaf->value & pte::P) == 0 || leaf->is_user || !leaf->is_writable_above) {
        return false;
    }
    v.tlb_generation = 0;  // flush on the next entry
    if ((leaf->value & pte::RW) != 0) {
        return true;  // another vCPU was faster
    }
    const Gfn target = to_gfn(GuestPaddr{leaf->value & pte::address_mask});
    if (level(*v.domain, target) != 1) {
        return false;
    }
    return v.domain->p2m.with_page(to_gfn(leaf->at), true, [&](std::byte* page) {
        entry_at(page, page_offset(leaf->at.value()) / pte::entry_bytes).fetch_or(pte::RW);
    });
}

bool is_table(const domain::Domain& d, Gfn frame) {
    const auto index = index_of(d, frame);
    return index && d.pv->table_levels[*index].load(std::memory_order_relaxed) != 0;
}

void forget_table(domain::Domain& d, Gfn frame) {
    note_level(d, frame, 0);
}

}  // namespace hv::pv
