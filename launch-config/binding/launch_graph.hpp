// SPDX-License-Identifier: Apache-2.0
// The launch graph: what one launch control module (LCM) describes, after every dialect has been
// normalised. hv, domB, the tool and the verifier all work on this one form.
// Strings are views into the LCM, which the holder of the graph keeps alive and unchanged.
#pragma once

#include "hv/abi/uart_frame.hpp"
#include "hv/base/address.hpp"
#include "hv/base/static_vector.hpp"
#include "launch-config/binding/devices.hpp"
#include "launch-config/binding/order.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace launch {

inline constexpr size_t max_domains = 32;
inline constexpr size_t max_vcpus_per_domain = 32;
inline constexpr size_t max_modules = 128;  // boot modules, the LCM (index 0) included
inline constexpr uint32_t builder_module_index = 1;
// Domids are UART sources, and the next one is domB's.
inline constexpr uint16_t max_domid = static_cast<uint16_t>(hv::abi::UartSource::Builder) - 1;
inline constexpr size_t max_lcm_bytes = 1 << 20;  // a larger LCM is rejected
inline constexpr size_t max_name_bytes = 63;      // of a domain or an artefact: [A-Za-z0-9._+-]
inline constexpr size_t max_source_bytes = 255;
inline constexpr size_t max_cmdline_bytes = 2047;  // COMMAND_LINE_SIZE of x86 Linux, less the NUL

enum class DomainType : uint8_t { Pv, Pvh, Hvm };

// PV domains: whether the frame behind each page is the one of its number, or none is. For tests of
// kernels and of hv, which must not care.
enum class P2mOrder : uint8_t { Identity, Permuted };

// What happens when something cannot be measured ([design] 4). Part of the measured configuration.
enum class Measurement : uint8_t { Required, Preferred, Off };

// One right a domain holds. The values are ours; binding.md maps them to the Hyperlaunch bits.
enum class Role : uint8_t { Control, Hardware, Console, Xenstore, Recovery, Tpm, Launcher };
inline constexpr std::array all_roles{Role::Control,  Role::Hardware, Role::Console, Role::Xenstore,
                                      Role::Recovery, Role::Tpm,      Role::Launcher};

class Roles {
  public:
    constexpr void add(Role r) { bits_ |= bit(r); }
    [[nodiscard]] constexpr bool has(Role r) const { return (bits_ & bit(r)) != 0; }
    [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }

  private:
    static constexpr uint8_t bit(Role r) {
        return static_cast<uint8_t>(1U << static_cast<unsigned>(r));
    }
    uint8_t bits_ = 0;
};

// How the machine's owner expects a domain's life to end; `gantry boot` compares.
enum class ExpectedEnd : uint8_t {
    Poweroff,  // SHUTDOWN_poweroff
    Reboot,    // SHUTDOWN_reboot
    Crash,     // SHUTDOWN_crash, a triple fault, or ended by the hypervisor
    Never,     // a service: it is still there when all others have ended
};

// A file that becomes part of a domain: a boot module of the loader, by index.
struct Artifact {
    uint32_t module_index = 0;  // multiboot order, the LCM is 0
    std::string_view name;      // label, e.g. "vmlinux"; measured in the domain's text
    std::string_view source;    // what `gantry build` made it from, e.g. "vmlinuz (unpacked)"
    uint64_t size_bytes = 0;    // as built; 0: unknown
    std::optional<std::array<std::byte, 32>> expected_sha256;  // enforced by domB, or hv

    // Whether a module of so many bytes can be this file: what is cut short is refused.
    bool can_have(uint64_t bytes) const { return size_bytes == 0 || bytes == size_bytes; }
};

// Overrides of the default CPUID policy of a domain.
struct CpuidPolicy {
    bool x2apic = true;  // offer the virtual x2APIC
    bool xsave = true;   // offer XSAVE and what depends on it (AVX, AVX2)
};

struct Domain {
    hv::DomainId domid{};
    std::string_view name;
    std::array<std::byte, 16> uuid{};
    DomainType type = DomainType::Pvh;
    P2mOrder p2m = P2mOrder::Identity;  // PV only
    uint32_t vcpu_count = 1;
    uint64_t memory_bytes = 0;      // RAM it starts with, a multiple of 4 KiB
    uint64_t max_memory_bytes = 0;  // RAM it may balloon up to: as much, or more
    Roles roles;
    CpuidPolicy cpuid;
    Artifact kernel;
    std::optional<Artifact> initrd;
    std::string_view cmdline;
    hv::StaticVector<Disk, max_disks> disks;
    hv::StaticVector<Net, max_nets> nets;
    hv::StaticVector<Channel, max_channels> channels;
    ExpectedEnd expected_end = ExpectedEnd::Poweroff;
    hv::StaticVector<std::string_view, max_after>
        after;  // names of domains that must be ready first
    Ready ready;
    Policy on_failure = Policy::Ignore;
    Policy on_crash = Policy::Ignore;
    // The recovery domain, PVH and without the role tpm, alone can have it: when `required` cannot
    // be kept it starts, alone, unmeasured, and with nothing but its memory ([design] 4).
    bool start_unmeasured = false;
    std::string_view path;  // where the manifest describes it, a JSON pointer such as "/domains/0"

    // Whether it waits for the launcher to start it.
    [[nodiscard]] bool is_held() const { return !after.empty() || roles.has(Role::Recovery); }
    // Whether anything of it is the launcher's to carry out, so that there must be one.
    [[nodiscard]] bool has_order() const {
        return is_held() || ready.when != ReadyWhen::Started || on_failure != Policy::Ignore ||
               on_crash != Policy::Ignore;
    }
};

// PCR numbers of the launch measurement ([design] 4).
struct PcrPlan {
    hv::PcrIndex text{12};
    hv::PcrIndex blobs{13};
    hv::PcrIndex mirror{21};
};

struct LaunchGraph {
    Measurement measurement = Measurement::Required;
    PcrPlan pcrs;
    Artifact builder;                               // domB's image, a flat binary
    std::string_view hypervisor_cmdline;            // as planned; the effective one is measured
    hv::StaticVector<Domain, max_domains> domains;  // in manifest order
};

}  // namespace launch
