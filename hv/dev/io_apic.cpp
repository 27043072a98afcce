// SPDX-License-Identifier: Apache-2.0
#include "hv/dev/io_apic.hpp"

#include "hv/mm/direct_map.hpp"

namespace hv::dev {

namespace {

constexpr uint64_t select_offset = 0x00;
constexpr uint64_t window_offset = 0x10;
constexpr uint32_t reg_version = 1;
constexpr uint32_t first_redirection = 0x10;  // two registers a pin

class IoApic {
  public:
    explicit IoApic(Paddr base) : base_{base} {}

    uint32_t read(uint32_t index) {
        word(select_offset) = index;
        return word(window_offset);
    }
    void write(uint32_t index, uint32_t value) {
        word(select_offset) = index;
        word(window_offset) = value;
    }

  private:
    // SAFETY: the page is mapped uncached by the host page table, and only boot code comes here.
    volatile uint32_t& word(uint64_t offset) {
        return *mm::direct_map_as<volatile uint32_t>(base_ + offset);
    }
    Paddr base_;
};

}  // namespace

bool io_apic_route(const InterruptRoute& route, uint32_t apic_id, x86::HostVector vector) {
    IoApic io_apic{route.io_apic};
    const uint32_t last_pin = io_apic.read(reg_version) >> 16 & 0xff;
    if (route.pin > last_pin || apic_id > 0xff) {
        return false;
    }
    const uint32_t at = first_redirection + 2 * route.pin;
    io_apic.write(at + 1, apic_id << 24);
    io_apic.write(at, redirection_of(route, vector));
    return true;
}

}  // namespace hv::dev
