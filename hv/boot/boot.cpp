// SPDX-License-Identifier: Apache-2.0
// The table of contents of the hypervisor: from the boot loader to the run loop, one step a line.
#include "hv/boot/boot.hpp"

#include "hv/base/assert.hpp"
#include "hv/boot/cpus.hpp"
#include "hv/boot/machine.hpp"
#include "hv/boot/memory.hpp"
#include "hv/boot/multiboot1.hpp"
#include "hv/dev/acpi.hpp"
#include "hv/dev/clock.hpp"
#include "hv/dev/io_apic.hpp"
#include "hv/dev/log.hpp"
#include "hv/dev/pci.hpp"
#include "hv/dev/power.hpp"
#include "hv/dev/uart.hpp"
#include "hv/dev/uart_input.hpp"
#include "hv/hvm/msr.hpp"
#include "hv/launch/launch.hpp"
#include "hv/run/run_loop.hpp"
#include "hv/svm/svm.hpp"
#include "hv/x86/cpu_local.hpp"

namespace hv::boot {

namespace {

constinit Machine machine;

void read_firmware_tables(Machine& m) {
    const auto acpi = dev::read_acpi();
    if (!acpi) {
        PANIC("no ACPI tables: not a machine this hypervisor knows");
    }
    m.acpi = *acpi;
    if (m.acpi.repeated_cpus != 0) {
        TextOf<64> text;
        text.put("ACPI: ").dec(m.acpi.repeated_cpus).put(" CPUs have the APIC id of another one");
        dev::log(text.view());
    }
    dev::set_power_off_port(m.acpi.pm1a_control, m.acpi.s5_sleep_type);
}

void check_processor() {
    switch (svm::check_cpu()) {
        case svm::SvmMissing::None:
            return;
        case svm::SvmMissing::Svm:
            PANIC("the processor has no SVM (AMD-V)");
        case svm::SvmMissing::DisabledByFirmware:
            PANIC("the firmware has disabled SVM (AMD-V)");
        case svm::SvmMissing::NestedPaging:
            PANIC("the processor has no nested paging");
        case svm::SvmMissing::Nx:
            PANIC("the processor has no NX");
        case svm::SvmMissing::Xsave:
            PANIC("the processor has no XSAVE");
    }
}

void stop_dma() {
    const unsigned count = dev::pci_disable_bus_masters();
    TextOf<64> text;
    dev::log(text.put("bus mastering turned off on ").dec(count).put(" PCI functions").view());
}

void start_console_input(const Machine& m) {
    const auto com1 = dev::com1_route(m.acpi);
    if (!com1 ||
        !dev::io_apic_route(*com1, x86::this_cpu().apic_id, x86::HostVector::ConsoleInput)) {
        dev::log("the UART's interrupt arrives nowhere: consoles take no input");
        return;
    }
    dev::uart_start_input();
}

void build_permission_maps(Machine& m) {
    auto frames = m.arena.frames(svm::permission_map_frames);
    ASSERT(frames.ok());
    svm::build_permission_maps(frames.value(), hvm::passed_through_msrs);
}

}  // namespace

void boot(Machine& m) {
    check_processor();
    read_firmware_tables(m);
    start_memory(m);
    use_host_map(m);
    start_boot_cpu(m);
    dev::clock_init();
    // NOLINTNEXTLINE(bugprone-unused-raii): the record is written when it ends.
    dev::Record{"hv-start"};
    stop_dma();
    start_other_cpus(m);
    start_console_input(m);
    build_permission_maps(m);
    hyperlaunch::Plan& plan = hyperlaunch::read_plan(m);
    hyperlaunch::start_measurement(m, plan);
    hyperlaunch::create_domains(m, plan);
    // ---- Point of no return: failures above stop the boot, failures below stop one domain. ----
    hyperlaunch::start_builder(m, plan);
    release_cpus(run::loop);
}

}  // namespace hv::boot

// Entered by entry.S with what the loader left in EAX and EBX.
void boot_from_multiboot1(uint32_t magic, uint32_t information) {
    using namespace hv;
    dev::uart_init();
    if (magic != boot::multiboot1_magic ||
        !boot::from_multiboot1(Paddr{information}, boot::machine.info)) {
        PANIC("not started by a Multiboot 1 loader with a memory map");
    }
    boot::boot(boot::machine);
}
