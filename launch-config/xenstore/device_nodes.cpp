// SPDX-License-Identifier: Apache-2.0
#include "launch-config/xenstore/device_nodes.hpp"

#include "hv/abi/pv_layout.hpp"
#include "hv/abi/service_plan.hpp"
#include "launch-config/binding/canonical.hpp"
#include "launch-config/model/scalars.hpp"
#include "launch-config/xenstore/paths.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace launch::xenstore {
namespace {

constexpr std::string_view initialising = "1";  // XenbusStateInitialising
constexpr std::string_view console_limit = "1048576";
constexpr std::string_view scripts = "/etc/xen/scripts/";  // where Xen's tools have theirs

const Domain& domain_named(const LaunchGraph& graph, std::string_view name) {
    const auto* const found = std::find_if(graph.domains.begin(), graph.domains.end(),
                                           [name](const Domain& d) { return d.name == name; });
    if (found == graph.domains.end()) {
        throw std::logic_error{"no back end " + std::string{name}};
    }
    return *found;
}

// Linux's number for a device whose number is always the same: loop and RAM disks. blkback needs
// it, and a hotplug script, where there is one, would find out no other.
std::string physical_device(std::string_view target) {
    for (const auto& [prefix, major] :
         {std::pair{"/dev/loop", "7:"}, std::pair{"/dev/ram", "1:"}}) {
        if (!target.starts_with(prefix)) {
            continue;
        }
        const std::string_view digits = target.substr(std::string_view{prefix}.size());
        const bool is_number = !digits.empty() && digits.size() <= 3 &&
                               (digits == "0" || digits[0] != '0') &&
                               digits.find_first_not_of("0123456789") == digits.npos;
        if (is_number) {
            hv::TextOf<8> text;
            return major + std::string{text.hex(std::stoul(std::string{digits})).view()};
        }
    }
    return {};
}

std::string backend_path(const Domain& domain, const Domain& backend, const std::string& kind,
                         const std::string& id) {
    return home_of(backend) + "/backend/" + kind + "/" + number_of(domain) + "/" + id;
}

// What a device is called in paths.
std::string id_of(const Disk& disk) {
    return std::to_string(virtual_device(disk.vdev).value());
}
std::string id_of_net(size_t index) {
    return std::to_string(index);
}
std::string id_of_channel(size_t index) {
    return std::to_string(index + 1);  // 0 is the console
}

// One device: its front end belongs to the domain, its back end to whom serves it, and each may
// read the other's.
class Device {
  public:
    Device(Tree& tree, const Domain& domain, const Domain& backend, const std::string& kind,
           const std::string& id, bool is_first_console = false)
        : tree_{tree},
          front_{home_of(domain) + (is_first_console ? "/console" : "/device/" + kind + "/" + id)},
          back_{backend_path(domain, backend, kind, id)},
          copy_{libxl_home_of(domain) + "/device/" + kind + "/" + id},
          guests_{shared(domain, backend)},
          backends_{shared(backend, domain)} {
        tree.make(front_, is_first_console ? backends_ : guests_);
        tree.write(front_ + "/backend", back_);
        tree.make(back_, backends_);
        tree.write(back_ + "/frontend", front_);
        tree.write(copy_ + "/frontend", front_);
        tree.write(copy_ + "/backend", back_);
        back("frontend-id", number_of(domain));
        back("online", "1");
        back("state", initialising);
        front("backend-id", number_of(backend));
    }

    // Of the front end: what the domain may change, and what it may only read.
    void front(const std::string& key, std::string_view value) {
        tree_.write(front_ + "/" + key, value, guests_);
    }
    void fixed(const std::string& key, std::string_view value) {
        tree_.write(front_ + "/" + key, value, backends_);
    }
    void back(const std::string& key, std::string_view value) {
        tree_.write(back_ + "/" + key, value);
        tree_.write(copy_ + "/" + key, value);
    }

  private:
    Tree& tree_;
    std::string front_;
    std::string back_;
    std::string copy_;  // for tools, which need not believe the back end
    Permissions guests_;
    Permissions backends_;
};

void write_disk(Tree& tree, const Domain& domain, const Domain& backend, const Disk& disk) {
    const std::string number = id_of(disk);
    Device device{tree, domain, backend, "vbd", number};
    device.back("params", disk.target);
    device.back("script", std::string{scripts} + "block");
    if (const std::string physical = physical_device(disk.target); !physical.empty()) {
        device.back("physical-device", physical);
    }
    device.back("removable", "0");
    device.back("bootable", "1");
    device.back("dev", disk.vdev);
    device.back("type", "phy");
    device.back("mode", disk.mode == DiskMode::ReadOnly ? "r" : "w");
    device.back("device-type", "disk");
    device.back("discard-enable", "1");
    device.back("specification", "xen");
    device.front("state", initialising);
    device.front("virtual-device", number);
    device.front("device-type", "disk");
    device.front("trusted", "1");
    if (domain.type == DomainType::Pv) {
        device.front("protocol", "x86_64-abi");
    }
}

void write_net(Tree& tree, const Domain& domain, const Domain& backend, const Net& net,
               const std::string& handle) {
    const std::string mac = model::format_mac(net.mac);
    Device device{tree, domain, backend, "vif", handle};
    device.back("script", std::string{scripts} + "vif-bridge");
    device.back("mac", mac);
    device.back("bridge", net.bridge);
    device.back("handle", handle);
    device.back("type", "vif");
    // netback waits for a script to say so; without one it would wait for ever.
    device.back("hotplug-status", "connected");
    device.front("state", initialising);
    device.front("handle", handle);
    device.front("mac", mac);
    device.front("trusted", "1");
    device.fixed("mtu", "1500");
}

void write_channel(Tree& tree, const Domain& domain, const Domain& backend, const Channel& channel,
                   const std::string& id) {
    Device device{tree, domain, backend, "console", id};
    device.back("protocol", "vt100");
    device.back("name", channel.name);
    device.back("connection", to_string(channel.end));
    device.front("state", initialising);
    device.front("protocol", "vt100");
    device.fixed("name", channel.name);
    device.fixed("limit", console_limit);
    device.fixed("type", "xenconsoled");
    device.fixed("output", to_string(channel.end));
    device.fixed("tty", "");
}

}  // namespace

void write_console(Tree& tree, const Domain& domain, const Domain& backend) {
    Device device{tree, domain, backend, "console", "0", true};
    device.back("protocol", "vt100");
    device.fixed("limit", console_limit);
    device.fixed("type", "xenconsoled");
    device.fixed("output", "pty");
    device.fixed("tty", "");
    device.fixed("port", std::to_string(hv::abi::console_port));
    // The frame is the same one in a PVH domain (ARCHITECTURE.md).
    device.fixed("ring-ref", std::to_string(hv::abi::pv_console_gfn));
}

void write_devices(Tree& tree, const LaunchGraph& graph, const Domain& domain) {
    for (const Disk& disk : domain.disks) {
        write_disk(tree, domain, domain_named(graph, disk.backend), disk);
    }
    for (size_t i = 0; i < domain.nets.size(); ++i) {
        const Net& net = domain.nets[i];
        write_net(tree, domain, domain_named(graph, net.backend), net, id_of_net(i));
    }
    for (size_t i = 0; i < domain.channels.size(); ++i) {
        const Channel& channel = domain.channels[i];
        write_channel(tree, domain, domain_named(graph, channel.backend), channel,
                      id_of_channel(i));
    }
}

std::vector<BackendState> backend_states(const LaunchGraph& graph, const Domain& domain) {
    std::vector<BackendState> states;
    const auto add = [&](std::string_view name, const std::string& kind, const std::string& id) {
        const Domain& backend = domain_named(graph, name);
        states.push_back({&backend, backend_path(domain, backend, kind, id) + "/state"});
    };
    for (const Disk& disk : domain.disks) {
        add(disk.backend, "vbd", id_of(disk));
    }
    for (size_t i = 0; i < domain.nets.size(); ++i) {
        add(domain.nets[i].backend, "vif", id_of_net(i));
    }
    for (size_t i = 0; i < domain.channels.size(); ++i) {
        add(domain.channels[i].backend, "console", id_of_channel(i));
    }
    return states;
}

}  // namespace launch::xenstore
