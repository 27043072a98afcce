// SPDX-License-Identifier: Apache-2.0
// What a toolstack deletes when a domain has gone, where there is no toolstack.
#include "domb/services/xenstore/server.hpp"

namespace xenstore {
namespace {

void remove_if_there(Store& store, std::string_view path) {
    const Store::Nearest found = store.find(path);
    if (found.is_it) {
        store.remove(found.node);
    }
}

// The value of <home>/vm, if the node is nobody's and the value names a node below /vm: what the
// domain itself says there counts for nothing, it could name another one's.
std::string_view find_vm(Store& store, std::string_view home, PathBuffer& buffer) {
    hv::TextOf<40> path;
    path.put(home).put("/vm");
    const Store::Nearest found = store.find(path.view());
    if (!found.is_it || store.permissions(found.node)[0].domain != hv::DomainId{}) {
        return {};
    }
    constexpr std::string_view parent = "/vm/";
    const size_t size = store.memory().copy(store.tree().at(found.node).value, buffer);
    const std::string_view text{buffer.data(), size};
    const bool is_below = text.starts_with(parent) && text.size() > parent.size();
    return is_below ? text : std::string_view{};
}

}  // namespace

void Server::bury(hv::DomainId domain) {
    if (!find(domain)) {
        return;
    }
    HomePath home;
    put_home(home, domain);
    hv::TextOf<24> libxl;
    libxl.put("/libxl/").dec(domain.value());
    PathBuffer buffer;
    if (const std::string_view vm = find_vm(store_, home.view(), buffer); !vm.empty()) {
        remove_if_there(store_, vm);
    }
    remove_if_there(store_, libxl.view());
    remove_if_there(store_, home.view());
    remove_domain(domain);
}

}  // namespace xenstore
