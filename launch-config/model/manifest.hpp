// SPDX-License-Identifier: Apache-2.0
// The manifest as typed values, each with its place for later messages. Read from JSON by
// read_manifest, checked as a whole by check_manifest, turned into modules and a launch graph by
// plan. What a field means is in launch-config/README.md.
#pragma once

#include "launch-config/binding/launch_graph.hpp"
#include "launch-config/model/diagnostics.hpp"
#include "launch-config/model/scalars.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace launch::model {

// A value and where the manifest states it.
template <class T>
struct At {
    T value{};
    Place place;
};

struct FileReference {
    Place place;
    std::string file;            // as written
    std::filesystem::path path;  // to open: relative names start at the manifest
    std::optional<At<std::array<std::byte, 32>>> sha256;  // of the file as it stands
};

struct DiskSpec {
    Place place;
    At<std::string> vdev;
    At<std::string> backend;
    At<std::string> target;
    DiskMode mode = DiskMode::ReadWrite;
};

struct NetSpec {
    Place place;
    At<std::string> backend;
    At<std::string> bridge;  // empty: default_bridge
    std::optional<At<Mac>> mac;
};
inline constexpr std::string_view default_bridge = "xenbr0";

struct ChannelSpec {
    Place place;
    At<std::string> name;
    At<std::string> backend;  // empty: whoever drains the consoles
    ChannelEnd end = ChannelEnd::Pty;
};

struct ReadySpec {
    Place place;
    At<ReadyWhen> when;
    std::string path;
    std::string text;
    uint32_t timeout_ms = default_ready_timeout_ms;
};

struct DomainSpec {
    Place place;
    At<std::string> name;
    std::optional<At<uint16_t>> domid;
    std::optional<At<Uuid>> uuid;
    At<DomainType> type{DomainType::Pvh, {}};
    std::optional<Place> pv_place;  // of the object "pv"
    std::optional<P2mOrder> p2m;
    uint32_t vcpu_count = 1;
    At<uint64_t> memory_bytes;
    At<uint64_t> max_memory_bytes;  // the same value and place when one size is stated
    std::vector<At<Role>> roles;
    CpuidPolicy cpuid;
    std::optional<FileReference> kernel;  // always there when reading succeeded
    std::optional<FileReference> initrd;
    std::string cmdline;
    Place cmdline_place;
    ExpectedEnd expected_end = ExpectedEnd::Poweroff;
    std::vector<DiskSpec> disks;
    std::vector<NetSpec> nets;
    std::vector<ChannelSpec> channels;
    std::vector<At<std::string>> device_fields;  // those of the three that are there
    std::vector<At<std::string>> after;
    ReadySpec ready;
    At<Policy> on_failure;
    At<Policy> on_crash;
    At<bool> start_unmeasured;
};

// The machine the plan must fit; what is not stated is not checked.
struct MachineSpec {
    std::optional<uint64_t> memory_bytes;
    std::optional<uint32_t> cpu_count;
};

struct Manifest {
    MachineSpec machine;
    Measurement measurement = Measurement::Required;
    PcrPlan pcrs;
    std::string hypervisor_cmdline;
    bool has_xenstore = false;  // the service, unless a domain has its role
    Place domains_place;
    std::vector<DomainSpec> domains;
};

// Reads the diagnostics' text. Whatever is wrong is added to `diagnostics`; the result is complete
// only if nothing was. `directory` is the manifest's.
Manifest read_manifest(Diagnostics& diagnostics, const std::filesystem::path& directory);

// The rules between fields and with the file system.
void check_manifest(const Manifest& manifest, Diagnostics& diagnostics);

}  // namespace launch::model
