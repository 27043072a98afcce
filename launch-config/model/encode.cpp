// SPDX-License-Identifier: Apache-2.0
#include "launch-config/model/encode.hpp"

#include "hv/base/endian.hpp"
#include "launch-config/binding/canonical.hpp"
#include "launch-config/binding/names.hpp"

#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>

#include <libfdt.h>

namespace launch {
namespace {

// libfdt's sequential writer. Nodes are opened and closed in order; the first error is kept by
// throwing: with the buffer of max_lcm_bytes, lack of space is the only one that can happen.
class TreeWriter {
  public:
    TreeWriter() : blob_(max_lcm_bytes) {
        check(fdt_create(blob_.data(), static_cast<int>(blob_.size())));
        check(fdt_finish_reservemap(blob_.data()));
    }
    void begin(const std::string& name) { check(fdt_begin_node(blob_.data(), name.c_str())); }
    void end() { check(fdt_end_node(blob_.data())); }
    void bytes(std::string_view name, std::span<const std::byte> value) {
        check(fdt_property(blob_.data(), std::string{name}.c_str(), value.data(),
                           static_cast<int>(value.size())));
    }
    void cells(std::string_view name, std::initializer_list<uint32_t> values) {
        const std::vector<hv::Be<uint32_t>> ordered(values.begin(), values.end());
        bytes(name, std::as_bytes(std::span{ordered}));
    }
    void u64(std::string_view name, uint64_t value) {
        const hv::Be<uint64_t> ordered{value};
        bytes(name, std::as_bytes(std::span{&ordered, 1}));
    }
    void strings(std::string_view name, std::initializer_list<std::string_view> values) {
        std::string all;
        for (const std::string_view value : values) {
            all.append(value).push_back('\0');
        }
        bytes(name, std::as_bytes(std::span{all}));
    }
    std::vector<std::byte> finish() {
        check(fdt_finish(blob_.data()));
        blob_.resize(fdt_totalsize(static_cast<const void*>(blob_.data())));
        return std::move(blob_);
    }

  private:
    static void check(int result) {
        if (result < 0) {
            throw std::length_error{std::string{"launch control module: "} + fdt_strerror(result)};
        }
    }
    std::vector<std::byte> blob_;
};

void write_artifact(TreeWriter& tree, const Artifact& artifact) {
    tree.cells(names::module_index, {artifact.module_index});
    tree.strings(names::name, {artifact.name});
    if (!artifact.source.empty()) {
        tree.strings(names::source, {artifact.source});
    }
    tree.u64(names::size, artifact.size_bytes);
    if (artifact.expected_sha256) {
        hv::TextOf<names::digest_prefix.size() + 64> text;
        text.put(names::digest_prefix).hex(*artifact.expected_sha256);
        tree.strings(names::digest, {text.view()});
    }
}

void write_config(TreeWriter& tree, const LaunchGraph& graph) {
    tree.begin("config");
    tree.strings("compatible", {names::config_compatible});
    tree.strings(names::bootargs, {graph.hypervisor_cmdline});
    tree.begin("builder");
    tree.strings("compatible", {names::builder_compatible, names::module_compatible});
    write_artifact(tree, graph.builder);
    tree.end();
    tree.end();
}

void write_roles(TreeWriter& tree, const Roles& roles) {
    std::string all;
    for (const Role role : all_roles) {
        if (roles.has(role)) {
            all.append(to_string(role)).push_back('\0');
        }
    }
    tree.bytes(names::roles, std::as_bytes(std::span{all}));
}

uint32_t mode_of(DomainType type) {
    switch (type) {
        case DomainType::Pv:
            return names::mode_pv | names::mode_long;
        case DomainType::Pvh:
            return 0;
        case DomainType::Hvm:
            return names::mode_device_model;
    }
    return 0;
}

void write_devices(TreeWriter& tree, const Domain& domain) {
    size_t number = 0;
    const auto begin = [&](std::string_view kind, std::string_view compatible,
                           std::string_view backend) {
        tree.begin(std::string{kind} + "-" + std::to_string(++number));
        tree.strings("compatible", {compatible});
        tree.strings(names::backend, {backend});
    };
    for (const Disk& disk : domain.disks) {
        begin("vbd", names::disk_compatible, disk.backend);
        tree.strings(names::vdev, {disk.vdev});
        tree.strings(names::target, {disk.target});
        tree.strings(names::disk_mode, {to_string(disk.mode)});
        tree.end();
    }
    for (const Net& net : domain.nets) {
        begin("vif", names::net_compatible, net.backend);
        tree.strings(names::bridge, {net.bridge});
        tree.bytes(names::mac, net.mac);
        tree.end();
    }
    for (const Channel& channel : domain.channels) {
        begin("console", names::channel_compatible, channel.backend);
        tree.strings(names::name, {channel.name});
        tree.strings(names::channel_end, {to_string(channel.end)});
        tree.end();
    }
}

void write_order(TreeWriter& tree, const Domain& domain) {
    if (!domain.after.empty()) {
        std::string all;
        for (const std::string_view name : domain.after) {
            all.append(name).push_back('\0');
        }
        tree.bytes(names::after, std::as_bytes(std::span{all}));
    }
    const Ready& ready = domain.ready;
    if (ready.when != ReadyWhen::Started) {
        tree.strings(names::ready_when, {to_string(ready.when)});
        tree.cells(names::ready_timeout, {ready.timeout_ms});
    }
    if (!ready.path.empty()) {
        tree.strings(names::ready_path, {ready.path});
    }
    if (!ready.text.empty()) {
        tree.strings(names::ready_text, {ready.text});
    }
    if (domain.on_failure != Policy::Ignore) {
        tree.strings(names::on_failure, {to_string(domain.on_failure)});
    }
    if (domain.on_crash != Policy::Ignore) {
        tree.strings(names::on_crash, {to_string(domain.on_crash)});
    }
    if (domain.start_unmeasured) {
        tree.cells(names::start_unmeasured, {1});
    }
}

void write_domain(TreeWriter& tree, const Domain& domain, size_t number) {
    tree.begin("domain-" + std::to_string(number));
    tree.strings("compatible", {names::domain_compatible});
    tree.strings(names::name, {domain.name});
    tree.cells(names::domid, {domain.domid.value()});
    tree.bytes(names::uuid, domain.uuid);
    tree.cells(names::mode, {mode_of(domain.type)});
    if (domain.type == DomainType::Pv) {
        tree.strings(names::p2m, {to_string(domain.p2m)});
    }
    tree.cells(names::cpus, {domain.vcpu_count});
    tree.u64(names::memory, domain.memory_bytes / 1024);
    tree.u64(names::max_memory, domain.max_memory_bytes / 1024);
    write_roles(tree, domain.roles);
    tree.cells(names::x2apic, {domain.cpuid.x2apic ? 1U : 0U});
    tree.cells(names::xsave, {domain.cpuid.xsave ? 1U : 0U});
    tree.strings(names::expect, {to_string(domain.expected_end)});
    write_order(tree, domain);
    if (!domain.path.empty()) {
        tree.strings(names::path, {domain.path});
    }
    tree.begin("kernel");
    tree.strings("compatible", {names::kernel_compatible[0], names::kernel_compatible[1],
                                names::module_compatible});
    write_artifact(tree, domain.kernel);
    tree.strings(names::bootargs, {domain.cmdline});
    tree.end();
    if (domain.initrd) {
        tree.begin("ramdisk");
        tree.strings("compatible", {names::ramdisk_compatible[0], names::ramdisk_compatible[1],
                                    names::module_compatible});
        write_artifact(tree, *domain.initrd);
        tree.end();
    }
    write_devices(tree, domain);
    tree.end();
}

}  // namespace

std::vector<std::byte> encode(const LaunchGraph& graph) {
    TreeWriter tree;
    tree.begin("");
    tree.begin("chosen");
    tree.begin("hypervisor");
    tree.strings("compatible", {names::hypervisor_compatible});
    tree.strings(names::measurement, {to_string(graph.measurement)});
    tree.cells(names::pcrs,
               {graph.pcrs.text.value(), graph.pcrs.blobs.value(), graph.pcrs.mirror.value()});
    write_config(tree, graph);
    for (size_t i = 0; i < graph.domains.size(); ++i) {
        write_domain(tree, graph.domains[i], i + 1);
    }
    tree.end();
    tree.end();
    tree.end();
    return tree.finish();
}

}  // namespace launch
