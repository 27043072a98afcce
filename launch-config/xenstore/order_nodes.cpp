// SPDX-License-Identifier: Apache-2.0
#include "launch-config/xenstore/order_nodes.hpp"

#include "launch-config/xenstore/device_nodes.hpp"
#include "launch-config/xenstore/paths.hpp"

namespace launch::xenstore {
namespace {

// What tells that `domain` is ready.
void write_readiness(Tree& tree, const LaunchGraph& graph, const Domain& domain,
                     const Domain& launcher) {
    switch (domain.ready.when) {
        case ReadyWhen::Started:
            break;
        case ReadyWhen::Serving:
            for (const Domain& other : graph.domains) {
                for (const BackendState& device : backend_states(graph, other)) {
                    if (device.backend == &domain) {
                        tree.let_read(device.path, launcher.domid);
                    }
                }
            }
            break;
        case ReadyWhen::Connected:
            for (const BackendState& device : backend_states(graph, domain)) {
                tree.let_read(device.path, launcher.domid);
            }
            break;
        case ReadyWhen::Xenstore:
            tree.make(home_of(domain) + "/" + std::string{domain.ready.path},
                      shared(domain, launcher));
            break;
        case ReadyWhen::Console:
            if (const Domain* console = holder_of(graph, Role::Console)) {
                tree.make(home_of(*console) + "/matched/" + number_of(domain),
                          shared(*console, launcher));
            }
            break;
    }
}

}  // namespace

void write_order(Tree& tree, const LaunchGraph& graph) {
    const Domain* launcher = holder_of(graph, Role::Launcher);
    if (launcher == nullptr) {
        return;
    }
    for (const Domain& domain : graph.domains) {
        write_readiness(tree, graph, domain, *launcher);
    }
    if (const Domain* recovery = holder_of(graph, Role::Recovery)) {
        tree.make(home_of(*recovery) + "/recovery/reason", shared(*launcher, *recovery));
    }
}

}  // namespace launch::xenstore
