// SPDX-License-Identifier: Apache-2.0
#include "launch-config/binding/canonical.hpp"

namespace launch {
namespace {

void put_escaped(hv::Text& out, std::string_view value) {
    for (const char c : value) {
        if (c >= 0x20 && c <= 0x7e && c != '\\') {
            out.put(c);
        } else {
            out.put("\\x").hex(static_cast<uint8_t>(c), 2);
        }
    }
}

void put_line(hv::Text& out, std::string_view key, std::string_view value) {
    out.put(key).put(' ');
    put_escaped(out, value);
    out.put('\n');
}

void put_line(hv::Text& out, std::string_view key, uint64_t value) {
    out.put(key).put(' ').dec(value).put('\n');
}

void put_uuid(hv::Text& out, const std::array<std::byte, 16>& uuid) {
    out.put("uuid ");
    for (size_t i = 0; i < uuid.size(); ++i) {
        out.put(i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "");
        out.hex(static_cast<uint64_t>(uuid[i]), 2);
    }
    out.put('\n');
}

void put_roles(hv::Text& out, const Roles& roles) {
    out.put("roles");
    for (const Role role : all_roles) {
        if (roles.has(role)) {
            out.put(' ').put(to_string(role));
        }
    }
    out.put(roles.empty() ? " none\n" : "\n");
}

// "kernel vmlinux sha256:…", and the digest that the manifest demands, if it does.
void put_artifact(hv::Text& out, std::string_view kind, const Artifact& artifact,
                  const Sha256& digest) {
    out.put(kind).put(' ');
    put_escaped(out, artifact.name);
    out.put(" sha256:").hex(digest).put('\n');
    out.put(kind).put("-expected ");
    if (artifact.expected_sha256) {
        out.put("sha256:").hex(*artifact.expected_sha256).put('\n');
    } else {
        out.put("any\n");
    }
}

void put_mac(hv::Text& out, const Mac& mac) {
    for (size_t i = 0; i < mac.size(); ++i) {
        out.put(i == 0 ? "" : ":").hex(static_cast<uint64_t>(mac[i]), 2);
    }
}

// What may contain spaces stands last. Their forms leave nothing to escape.
void put_devices(hv::Text& out, const Domain& domain) {
    for (const Disk& disk : domain.disks) {
        out.put("disk ").put(disk.vdev).put(' ').put(to_string(disk.mode)).put(' ');
        out.put(disk.backend).put(' ').put(disk.target).put('\n');
    }
    for (const Net& net : domain.nets) {
        out.put("net ");
        put_mac(out, net.mac);
        out.put(' ').put(net.backend).put(' ').put(net.bridge).put('\n');
    }
    for (const Channel& channel : domain.channels) {
        out.put("channel ").put(channel.name).put(' ').put(to_string(channel.end)).put(' ');
        out.put(channel.backend).put('\n');
    }
}

void put_ready(hv::Text& out, const Ready& ready) {
    out.put("ready ").put(to_string(ready.when));
    if (!ready.path.empty()) {
        out.put(' ').put(ready.path);
    }
    out.put(" timeout ").dec(ready.timeout_ms);
    if (!ready.text.empty()) {
        out.put(ready.when == ReadyWhen::Console ? " text " : " value ");
        put_escaped(out, ready.text);
    }
    out.put('\n');
}

// What is as it is without a word about it has no line.
void put_order(hv::Text& out, const Domain& domain) {
    if (!domain.after.empty()) {
        out.put("after");
        for (const std::string_view& name : domain.after) {
            out.put(&name == domain.after.begin() ? ' ' : ',').put(name);
        }
        out.put('\n');
    }
    if (domain.ready.when != ReadyWhen::Started) {
        put_ready(out, domain.ready);
    }
    if (domain.on_failure != Policy::Ignore) {
        put_line(out, "on-failure", to_string(domain.on_failure));
    }
    if (domain.on_crash != Policy::Ignore) {
        put_line(out, "on-crash", to_string(domain.on_crash));
    }
    if (domain.start_unmeasured) {
        put_line(out, "start-unmeasured", 1);
    }
}

}  // namespace

void write_domain_text(const Domain& domain, const ArtifactDigests& digests, hv::Text& out) {
    put_line(out, "domain", domain.name);
    put_line(out, "domid", domain.domid.value());
    put_uuid(out, domain.uuid);
    put_line(out, "type", to_string(domain.type));
    if (domain.type == DomainType::Pv) {
        put_line(out, "pv-p2m", to_string(domain.p2m));
    }
    put_line(out, "vcpus", domain.vcpu_count);
    put_line(out, "memory", domain.memory_bytes);
    put_line(out, "memory-max", domain.max_memory_bytes);
    put_roles(out, domain.roles);
    put_line(out, "cpuid-x2apic", domain.cpuid.x2apic ? 1 : 0);
    put_line(out, "cpuid-xsave", domain.cpuid.xsave ? 1 : 0);
    put_line(out, "expect", to_string(domain.expected_end));
    put_order(out, domain);
    put_devices(out, domain);
    put_line(out, "cmdline", domain.cmdline);
    put_artifact(out, "kernel", domain.kernel, digests.kernel);
    if (domain.initrd && digests.initrd) {
        put_artifact(out, "initrd", *domain.initrd, *digests.initrd);
    } else {
        out.put("initrd none\n");
    }
}

void write_hypervisor_text(const LaunchGraph& graph, std::string_view effective_cmdline, Root root,
                           hv::Text& out) {
    put_line(out, "hypervisor", "gantry");
    put_line(out, "cmdline", effective_cmdline);
    put_line(out, "root", to_string(root));
    put_line(out, "measurement", to_string(graph.measurement));
    put_line(out, "pcr-text", graph.pcrs.text.value());
    put_line(out, "pcr-blobs", graph.pcrs.blobs.value());
    put_line(out, "pcr-mirror", graph.pcrs.mirror.value());
}

std::string_view to_string(DomainType type) {
    switch (type) {
        case DomainType::Pv:
            return "pv";
        case DomainType::Pvh:
            return "pvh";
        case DomainType::Hvm:
            return "hvm";
    }
    return "?";
}

std::string_view to_string(P2mOrder order) {
    switch (order) {
        case P2mOrder::Identity:
            return "identity";
        case P2mOrder::Permuted:
            return "permuted";
    }
    return "?";
}

std::string_view to_string(Measurement measurement) {
    switch (measurement) {
        case Measurement::Required:
            return "required";
        case Measurement::Preferred:
            return "preferred";
        case Measurement::Off:
            return "off";
    }
    return "?";
}

std::string_view to_string(Role role) {
    switch (role) {
        case Role::Control:
            return "control";
        case Role::Hardware:
            return "hardware";
        case Role::Console:
            return "console";
        case Role::Xenstore:
            return "xenstore";
        case Role::Recovery:
            return "recovery";
        case Role::Tpm:
            return "tpm";
        case Role::Launcher:
            return "launcher";
    }
    return "?";
}

std::string_view to_string(ExpectedEnd end) {
    switch (end) {
        case ExpectedEnd::Poweroff:
            return "poweroff";
        case ExpectedEnd::Reboot:
            return "reboot";
        case ExpectedEnd::Crash:
            return "crash";
        case ExpectedEnd::Never:
            return "never";
    }
    return "?";
}

std::string_view to_string(Root root) {
    return root == Root::Firmware ? "firmware" : "none";
}

}  // namespace launch
