// SPDX-License-Identifier: Apache-2.0
#include "launch-config/xenstore/initial_tree.hpp"

#include "hv/abi/pv_layout.hpp"
#include "hv/abi/service_plan.hpp"
#include "launch-config/binding/canonical.hpp"
#include "launch-config/model/scalars.hpp"
#include "launch-config/xenstore/device_nodes.hpp"
#include "launch-config/xenstore/order_nodes.hpp"
#include "launch-config/xenstore/paths.hpp"

#include <algorithm>

namespace launch::xenstore {
namespace {

constexpr uint64_t kib = 1024;

template <class Devices>
bool names_backend(const Devices& devices, std::string_view name) {
    return std::any_of(devices.begin(), devices.end(),
                       [name](const auto& device) { return device.backend == name; });
}

// Whether it serves disks or nets, so that a toolstack would call it a driver domain.
bool is_driver_domain(const LaunchGraph& graph, const Domain& domain) {
    return std::any_of(graph.domains.begin(), graph.domains.end(), [&domain](const Domain& d) {
        return names_backend(d.disks, domain.name) || names_backend(d.nets, domain.name);
    });
}

// Who serves others hears of domains that come and go, as a toolstack can allow driver domains to.
void write_special(Tree& tree, const LaunchGraph& graph) {
    Permissions readers = hidden();
    for (const Domain& domain : graph.domains) {
        if (is_driver_domain(graph, domain) || domain.roles.has(Role::Console)) {
            readers.push_back({domain.domid, 'r'});
        }
    }
    tree.make_special("@introduceDomain", readers);
    tree.make_special("@releaseDomain", readers);
}

// Everybody may see which domains there are, and whatever a domain shows of its own.
void write_top(Tree& tree, const LaunchGraph& graph) {
    tree.write("/local/domain", "");
    tree.make("/tool", hidden());
    tree.write("/tool/xenstored", "");
    if (const Domain* xenstore = holder_of(graph, Role::Xenstore)) {
        tree.write("/tool/xenstored/domid", number_of(*xenstore));
    }
    tree.make("/vm", hidden());
    tree.make("/libxl", hidden());
}

void write_identity(Tree& tree, const Domain& domain) {
    const std::string home = home_of(domain);
    const std::string vm = "/vm/" + model::format_uuid(domain.uuid);
    tree.make(home, readable_by(domain));
    tree.make(vm, readable_by(domain));
    tree.write(home + "/vm", vm);
    tree.write(home + "/name", domain.name);
    tree.write(home + "/domid", number_of(domain));
    tree.write(vm + "/name", domain.name);
    tree.write(vm + "/uuid", model::format_uuid(domain.uuid));
    tree.write(libxl_home_of(domain) + "/device", "");
    tree.write(libxl_home_of(domain) + "/type", to_string(domain.type));
    tree.write(libxl_home_of(domain) + "/dm-version", "qemu_xen");
}

// Linux takes the difference between static-max and the memory that it found for what firmware
// hides from a PVH domain, and subtracts it from every target. So this is what such a domain starts
// with; the rest is plugged in. A PV domain sees all of it from the start.
uint64_t static_max_of(const Domain& domain) {
    return domain.type == DomainType::Pv ? domain.max_memory_bytes : domain.memory_bytes;
}

void write_resources(Tree& tree, const Domain& domain) {
    const std::string home = home_of(domain);
    tree.write(home + "/memory/static-max", std::to_string(static_max_of(domain) / kib));
    tree.write(home + "/memory/target", std::to_string(domain.memory_bytes / kib));
    tree.write(home + "/memory/videoram", "-1");
    for (uint32_t i = 0; i < domain.vcpu_count; ++i) {
        tree.write(home + "/cpu/" + std::to_string(i) + "/availability", "online");
    }
}

void write_control(Tree& tree, const LaunchGraph& graph, const Domain& domain) {
    const std::string home = home_of(domain);
    tree.write(home + "/device", "");
    for (const char* key :
         {"device/suspend/event-channel", "control/shutdown", "control/feature-poweroff",
          "control/feature-reboot", "control/feature-suspend", "control/sysrq", "data", "drivers",
          "feature", "attr", "error"}) {
        tree.make(home + "/" + key, owned_by(domain));
    }
    tree.write(home + "/control/platform-feature-multiprocessor-suspend", "1");
    tree.write(home + "/control/platform-feature-xs_reset_watches", "1");
    if (is_driver_domain(graph, domain)) {
        tree.make(home + "/libxl", owned_by(domain));
        tree.make(home + "/device-model", owned_by(domain));
    }
}

void write_rings(Tree& tree, const LaunchGraph& graph, const Domain& domain) {
    const Domain* xenstore = holder_of(graph, Role::Xenstore);
    if (xenstore != nullptr && xenstore != &domain) {
        tree.write(home_of(domain) + "/store/port", std::to_string(hv::abi::xenstore_port));
        tree.write(home_of(domain) + "/store/ring-ref", std::to_string(hv::abi::pv_xenstore_gfn));
    }
    const Domain* console = holder_of(graph, Role::Console);
    if (console != nullptr && console != &domain) {
        write_console(tree, domain, *console);
    }
}

}  // namespace

Tree initial_tree(const LaunchGraph& graph) {
    Tree tree{{{hv::DomainId{}, 'r'}}};
    write_top(tree, graph);
    for (const Domain& domain : graph.domains) {
        write_identity(tree, domain);
        write_resources(tree, domain);
        write_control(tree, graph, domain);
    }
    for (const Domain& domain : graph.domains) {
        write_rings(tree, graph, domain);
        write_devices(tree, graph, domain);
    }
    write_order(tree, graph);
    write_special(tree, graph);
    return tree;
}

}  // namespace launch::xenstore
