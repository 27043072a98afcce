// SPDX-License-Identifier: Apache-2.0
// Fuzz entry: the decoder of launch control modules. What it accepts must be within the limits that
// hv and domB rely on, its text must fit the promised buffers, and encoding it again must give a
// module with the same graph.
#include "launch-config/binding/canonical.hpp"
#include "launch-config/binding/decode.hpp"
#include "launch-config/model/encode.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

void require(bool condition) {
    if (!condition) {
        std::abort();
    }
}

// All that reaches the measurement, in one text.
std::string text_of(const launch::LaunchGraph& graph) {
    std::vector<char> buffer(launch::max_domain_text_bytes);
    std::string all;
    for (const launch::Domain& domain : graph.domains) {
        hv::Text out{buffer};
        launch::write_domain_text(domain, {.kernel = {}, .initrd = launch::Sha256{}}, out);
        require(!out.truncated());
        all.append(out.view()).append(domain.path).append(domain.kernel.source);
    }
    hv::Text out{buffer};
    launch::write_hypervisor_text(graph, graph.hypervisor_cmdline, launch::Root::None, out);
    require(!out.truncated() && out.view().size() <= launch::max_hypervisor_text_bytes);
    return all.append(out.view());
}

bool serves(const launch::LaunchGraph& graph, std::string_view name, const launch::Domain& to) {
    return name != to.name &&
           std::any_of(graph.domains.begin(), graph.domains.end(),
                       [name](const launch::Domain& d) { return d.name == name; });
}

void check_devices(const launch::LaunchGraph& graph, const launch::Domain& domain) {
    for (const launch::Disk& disk : domain.disks) {
        require(serves(graph, disk.backend, domain) && launch::is_target(disk.target));
        require(std::count_if(domain.disks.begin(), domain.disks.end(), [&](const auto& other) {
                    return launch::virtual_device(other.vdev) == launch::virtual_device(disk.vdev);
                }) == 1);
    }
    for (const launch::Net& net : domain.nets) {
        require(serves(graph, net.backend, domain) && launch::is_bridge(net.bridge));
        require(launch::is_mac(net.mac));
    }
    for (const launch::Channel& channel : domain.channels) {
        require(serves(graph, channel.backend, domain));
    }
}

void check_limits(const launch::LaunchGraph& graph) {
    require(!graph.domains.empty() && graph.builder.module_index == launch::builder_module_index);
    for (const launch::Domain& domain : graph.domains) {
        require(domain.domid.value() >= 1 && domain.domid.value() <= launch::max_domid);
        require(domain.vcpu_count >= 1 && domain.vcpu_count <= launch::max_vcpus_per_domain);
        require(domain.memory_bytes > 0 && domain.memory_bytes % hv::page_size == 0);
        require(domain.kernel.module_index > launch::builder_module_index);
        require(domain.kernel.module_index < launch::max_modules);
        require(domain.type != launch::DomainType::Hvm);
        require(std::count_if(graph.domains.begin(), graph.domains.end(), [&](const auto& other) {
                    return other.name == domain.name || other.domid == domain.domid ||
                           other.uuid == domain.uuid;
                }) == 1);
        check_devices(graph, domain);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    // A buffer of exactly this size, aligned as hv keeps the module.
    const auto copy = std::make_unique<std::byte[]>(size);
    std::transform(data, data + size, copy.get(), [](uint8_t b) { return std::byte{b}; });
    launch::LaunchGraph graph;
    launch::DecodeNotes notes;
    const auto decoded = launch::decode({copy.get(), size}, graph, &notes);
    if (!decoded.ok()) {
        require(!to_string(decoded.error().reason).empty());
        return 0;
    }
    check_limits(graph);
    const auto again = launch::encode(graph);
    launch::LaunchGraph second;
    require(launch::decode(again, second).ok());
    require(text_of(graph) == text_of(second));
    return 0;
}
