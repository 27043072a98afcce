// SPDX-License-Identifier: Apache-2.0
#include "hv/pv/area.hpp"

#include "hv/abi/pv_layout.hpp"
#include "hv/abi/xen_pv.hpp"
#include "hv/abi/xen_shared_info.hpp"
#include "hv/base/assert.hpp"
#include "hv/grant/grant_table.hpp"
#include "hv/mm/frame_table.hpp"
#include "hv/mm/page_entry.hpp"
#include "hv/pv/exchange.hpp"
#include "hv/pv/frames.hpp"
#include "hv/pv/stub.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

namespace hv::pv {

namespace {

namespace pte = mm::pte;

constexpr uint64_t blocks_per_table = 8;  // STUB_BLOCK is 64 pages
constexpr uint64_t block_pages = STUB_BLOCK / page_size;
constexpr uint64_t vcpu_frames = 5;  // data, traps, IDT, fault stack, GDT

constexpr uint64_t table_flags = pte::P | pte::RW | pte::A;
constexpr uint64_t text_flags = pte::P | pte::A;
constexpr uint64_t read_only = pte::P | pte::A | pte::D | pte::NX;
constexpr uint64_t read_write = read_only | pte::RW;

uint64_t entry(Gfn gfn, uint64_t flags) {
    return to_gpaddr(gfn).value() | flags;
}

// Frames in a row, the guest's name of each, handed out one after the other.
class Frames {
  public:
    Frames(Mfn first, uint64_t count) : first_{first}, count_{count} {}
    struct Frame {
        Gfn gfn;
        std::byte* bytes;
        [[nodiscard]] std::span<uint64_t, pte::entries> table() const {
            // SAFETY: a whole zeroed frame, aligned to its size.
            return std::span<uint64_t, pte::entries>{reinterpret_cast<uint64_t*>(bytes),
                                                     pte::entries};
        }
    };
    Frame take() {
        ASSERT(used_ < count_);
        const uint64_t n = used_++;
        return {Gfn{abi::pv_area_gfn + n}, mm::direct_map(first_ + n)};
    }

  private:
    Mfn first_;
    uint64_t count_;
    uint64_t used_ = 0;
};

constexpr uint64_t tables_for_m2p(uint64_t max_mfn) {
    return (max_mfn / abi::pv_m2p_entries_per_frame + pte::entries - 1) / pte::entries;
}
constexpr uint64_t tables_for_blocks(uint64_t vcpus) {
    return (vcpus + blocks_per_table - 1) / blocks_per_table;
}

auto or_no_memory(auto result) {
    return with_error(std::move(result), AreaError::NoMemory);
}

// --- M2P

// Frames of the M2P that have entries for [first, +count) and are not there yet.
Result<void, AreaError> add_m2p_frames(mm::Arena& arena, domain::Domain& d, Gfn first,
                                       uint64_t count) {
    constexpr uint64_t each = abi::pv_m2p_entries_per_frame;
    const uint64_t n = first.value() / each;
    const uint64_t frames = (first.value() + count + each - 1) / each - n;
    const Mfn memory = TRY(or_no_memory(arena.frames(frames)));
    std::memset(mm::direct_map(memory), 0xff, frames << page_shift);
    // Guest frames: domB writes the entries before the domain runs.
    mm::machine_frames.set(memory, frames, mm::FrameUse::Guest, d.id);
    return or_no_memory(d.p2m.map(Gfn{abi::pv_m2p_gfn + n}, memory, frames, mm::Access::ReadWrite));
}

void map_m2p(Frames& frames, domain::Domain& d) {
    PvDomain& pv = *d.pv;
    const Frames::Frame invalid = frames.take();
    std::memset(invalid.bytes, 0xff, page_size);
    const Frames::Frame l3 = frames.take();
    const Frames::Frame l2 = frames.take();
    l3.table()[0] = entry(l2.gfn, table_flags);
    const uint64_t pages = pv.max_mfn / abi::pv_m2p_entries_per_frame;
    std::span<uint64_t> l1;
    for (uint64_t page = 0; page < pages; ++page) {
        if (page % pte::entries == 0) {
            const Frames::Frame table = frames.take();
            l2.table()[page / pte::entries] = entry(table.gfn, table_flags);
            l1 = table.table();
        }
        const Gfn gfn{abi::pv_m2p_gfn + page};
        const bool exists = d.p2m.lookup(gfn).has_value();
        l1[page % pte::entries] = entry(exists ? gfn : invalid.gfn, read_only);
    }
    pv.m2p_root = l3.gfn;
}

// --- RAM, for the stub's stores into page tables: by pages of 2 MiB, and no more of it than the
// domain may have.
constexpr uint64_t frames_per_2m = 512;
constexpr uint64_t tables_for_ram(uint64_t frames) {
    constexpr uint64_t frames_per_table = frames_per_2m * pte::entries;
    return (frames + frames_per_table - 1) / frames_per_table;
}

void map_ram(Frames& frames, PvDomain& pv) {
    const Frames::Frame l3 = frames.take();
    pv.ram_root = l3.gfn;
    std::span<uint64_t> l2;
    for (uint64_t gfn = 0; gfn < pv.mapped_frames; gfn += frames_per_2m) {
        const uint64_t page = gfn / frames_per_2m;
        if (page % pte::entries == 0) {
            const Frames::Frame table = frames.take();
            l3.table()[page / pte::entries] = entry(table.gfn, table_flags);
            l2 = table.table();
        }
        l2[page % pte::entries] = entry(Gfn{gfn}, read_write | pte::PS);
    }
}

// --- Blocks

// Descriptors of hv's part of the GDT, from selector 0xe000. [apm2] 4.7, 4.8.
void fill_gdt(std::span<uint64_t, pte::entries> gdt, uint64_t tss) {
    constexpr uint64_t base = abi::FIRST_RESERVED_GDT_BYTE;
    const auto at = [&](uint64_t selector) -> uint64_t& { return gdt[(selector - base) / 8]; };
    at(abi::FLAT_RING3_CS32) = 0x00cffb000000ffff;
    at(abi::FLAT_RING3_SS64) = 0x00cff3000000ffff;
    at(abi::FLAT_RING3_CS64) = 0x00affb000000ffff;
    at(STUB_KERNEL_CS) = 0x00af9b000000ffff;
    at(STUB_KERNEL_SS) = 0x00cf93000000ffff;
    constexpr uint64_t tss_limit = 0x67;
    constexpr uint64_t busy_tss = uint64_t{0x8b} << 40;
    at(STUB_TSS) = tss_limit | (tss & 0xffffff) << 16 | busy_tss | (tss >> 24 & 0xff) << 56;
    at(STUB_TSS + 8) = tss >> 32;
}

// What the stub relies on before the guest has said anything.
void fill_data(domain::Vcpu& v) {
    constexpr uint64_t ist1 = STUB_DATA + 0x24;
    constexpr uint64_t io_map_base = STUB_DATA + 0x66;
    put(v.pv->data, ist1, stub_address(v, STUB_FAULT_STACK + page_size));
    put(v.pv->data, io_map_base, uint16_t{0x68});  // behind the limit: no port for user space
    put(v.pv->data, STUB_IN_KERNEL, uint8_t{1});
    const PvDomain& pv = *v.domain->pv;
    put(v.pv->data, STUB_RAM_FRAMES, pv.mapped_frames);
    put(v.pv->data, STUB_L4_ENTRY, entry(pv.area_root, table_flags));
    put(v.pv->data, STUB_VCPUS, static_cast<uint32_t>(v.domain->vcpus.size()));
}

Result<void, AreaError> add_block(mm::Arena& arena, Frames& frames, domain::Vcpu& v,
                                  std::span<const Gfn, STUB_TEXT_PAGES> text) {
    v.pv = TRY(or_no_memory(arena.make<PvVcpu>()));
    PvVcpu& pv = *v.pv;
    pv.block = area_virt + v.id.value() * STUB_BLOCK;
    pv.area_table = &v.domain->pv->area_tables[v.id.value() * block_pages];
    const auto map = [&](uint64_t offset, Gfn gfn, uint64_t flags) {
        pv.area_table[offset / page_size] = entry(gfn, flags);
    };
    for (uint64_t i = 0; i < text.size(); ++i) {
        map(i * page_size, text[i], text_flags);
    }
    const auto add = [&](uint64_t offset, uint64_t flags) {
        const Frames::Frame frame = frames.take();
        map(offset, frame.gfn, flags);
        return frame;
    };
    pv.data = add(STUB_DATA, read_write).bytes;
    pv.traps = add(STUB_TRAPS, read_only).bytes;
    pv.idt = add(STUB_IDT, read_only).bytes;
    add(STUB_FAULT_STACK, read_write);
    const Frames::Frame gdt = add(STUB_GDT + abi::FIRST_RESERVED_GDT_PAGE * page_size, read_write);
    fill_gdt(gdt.table(), stub_address(v, STUB_DATA));
    fill_data(v);
    set_vcpu_info(v, Gfn{abi::pv_shared_info_gfn},
                  offsetof(abi::SharedInfo, vcpu_info) + v.id.value() * sizeof(abi::VcpuInfo));
    return Ok{};
}

Result<void, AreaError> map_blocks(mm::Arena& arena, Frames& frames, domain::Domain& d) {
    PvDomain& pv = *d.pv;
    const Frames::Frame l3 = frames.take();
    const Frames::Frame l2 = frames.take();
    pv.area_root = l3.gfn;
    l3.table()[0] = entry(l2.gfn, table_flags);
    const uint64_t tables = tables_for_blocks(d.vcpus.size());
    for (uint64_t i = 0; i < tables; ++i) {
        const Frames::Frame l1 = frames.take();  // in a row
        l2.table()[i] = entry(l1.gfn, table_flags);
        if (i == 0) {
            pv.area_tables = {l1.table().data(), tables * pte::entries};
        }
    }
    std::array<Gfn, STUB_TEXT_PAGES> text{};
    for (uint64_t i = 0; i < text.size(); ++i) {
        const Frames::Frame frame = frames.take();
        std::memcpy(frame.bytes, stub_text + i * page_size, page_size);
        text[i] = frame.gfn;
    }
    for (domain::Vcpu* v : d.vcpus) {
        TRY(add_block(arena, frames, *v, text));
    }
    return Ok{};
}

}  // namespace

Result<void, AreaError> create_area(mm::Arena& arena, domain::Domain& d) {
    constexpr uint64_t most_m2p_frames = abi::pv_area_gfn - abi::pv_m2p_gfn;
    const uint64_t below = std::min(d.max_pages, ram_hole_start);
    const uint64_t above = d.max_pages - below;
    const uint64_t max_mfn = ram_hole_end + align_up(above, abi::pv_m2p_entries_per_frame);
    if (max_mfn / abi::pv_m2p_entries_per_frame > most_m2p_frames) {
        return Err{AreaError::TooLarge};
    }
    d.pv = TRY(or_no_memory(arena.make<PvDomain>()));
    PvDomain& pv = *d.pv;
    pv.mapped_frames = below;
    pv.max_mfn = max_mfn;
    pv.context = TRY(or_no_memory(arena.make<abi::VcpuGuestContext>()));
    pv.table_levels = TRY(or_no_memory(arena.array<std::atomic<uint8_t>>(name_count(d))));
    pv.exchanged = TRY(or_no_memory(arena.array<ExchangedPage>(Exchange::max_pages))).data();

    TRY(or_no_memory(
        d.p2m.map(Gfn{abi::pv_shared_info_gfn}, d.shared_info_mfn, 1, mm::Access::ReadWrite)));
    const Mfn xenstore = TRY(or_no_memory(arena.frames(1)));  // start_info names it in any case
    mm::machine_frames.set(xenstore, 1, mm::FrameUse::Guest, d.id);
    TRY(or_no_memory(d.p2m.map(Gfn{abi::pv_xenstore_gfn}, xenstore, 1, mm::Access::ReadWrite)));
    TRY(add_m2p_frames(arena, d, Gfn{0}, below));
    if (above != 0) {
        TRY(add_m2p_frames(arena, d, Gfn{ram_hole_end}, above));
    }
    TRY(add_m2p_frames(arena, d, Gfn{abi::pv_spare_gfn}, spare_names));
    TRY(add_m2p_frames(arena, d, Gfn{abi::pv_xenstore_gfn}, 4));  // and the console's

    const uint64_t count = 3 + tables_for_m2p(pv.max_mfn) + 2 + tables_for_blocks(d.vcpus.size()) +
                           1 + tables_for_ram(pv.mapped_frames) + STUB_TEXT_PAGES +
                           vcpu_frames * d.vcpus.size();
    const Mfn memory = TRY(or_no_memory(arena.frames(count)));
    TRY(or_no_memory(
        d.p2m.map(Gfn{abi::pv_area_gfn}, memory, count, mm::Access::ReadWriteExecute)));
    Frames frames{memory, count};
    map_m2p(frames, d);
    map_ram(frames, pv);
    return map_blocks(arena, frames, d);
}

void fill_l4_slots(std::byte* table, const PvDomain& pv) {
    for (unsigned i = 0; i < abi::pv_l4_slots; ++i) {
        const unsigned slot = abi::pv_first_l4_slot + i;
        uint64_t value = 0;
        if (slot == m2p_l4_slot) {
            value = entry(pv.m2p_root, table_flags);
        } else if (slot == ram_l4_slot) {
            value = entry(pv.ram_root, table_flags);
        } else if (slot == area_l4_slot) {
            value = entry(pv.area_root, table_flags);
        }
        std::memcpy(table + slot * sizeof(value), &value, sizeof(value));
    }
}

void set_gdt(domain::Vcpu& v, std::span<const Gfn> frames) {
    ASSERT(frames.size() <= abi::FIRST_RESERVED_GDT_PAGE);
    for (uint64_t i = 0; i < abi::FIRST_RESERVED_GDT_PAGE; ++i) {
        v.pv->area_table[STUB_GDT / page_size + i] =
            i < frames.size() ? entry(frames[i], read_write) : 0;
    }
    v.tlb_generation = 0;  // flush on the next entry
}

void set_ldt_pages(domain::Vcpu& v, std::span<const Gfn> frames) {
    constexpr uint64_t most = (STUB_BLOCK - STUB_LDT) / page_size;
    ASSERT(frames.size() <= most);
    for (uint64_t i = 0; i < most; ++i) {
        v.pv->area_table[STUB_LDT / page_size + i] =
            i < frames.size() ? entry(frames[i], read_write) : 0;
    }
    v.tlb_generation = 0;
}

void set_vcpu_info(domain::Vcpu& v, Gfn gfn, uint64_t offset) {
    v.pv->area_table[STUB_VCPU_INFO_PAGE / page_size] = entry(gfn, read_write);
    put(v.pv->data, STUB_VCPU_INFO, stub_address(v, STUB_VCPU_INFO_PAGE + offset));
    v.tlb_generation = 0;
}

uint64_t stub_address(const domain::Vcpu& v, uint64_t offset) {
    return v.pv->block + offset;
}

bool is_in_stub(uint64_t rip) {
    constexpr uint64_t area_bytes = launch::max_vcpus_per_domain * STUB_BLOCK;
    return rip - area_virt < area_bytes &&
           (rip - area_virt) % STUB_BLOCK < STUB_TEXT_PAGES * page_size;
}

}  // namespace hv::pv
