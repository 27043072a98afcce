// SPDX-License-Identifier: Apache-2.0
#include "domb/services/launcher/ready_nodes.hpp"

#include <array>

namespace launcher {
namespace {

using launch::ReadyWhen;

// XenbusState of [xen-pub] io/xenbus.h.
constexpr unsigned XenbusStateInitWait = 2;
constexpr unsigned XenbusStateConnected = 4;
constexpr std::array<std::string_view, 9> state_names{
    "Unknown", "Initialising", "InitWait",      "Initialised",  "Connected",
    "Closing", "Closed",       "Reconfiguring", "Reconfigured",
};

std::optional<unsigned> to_state(std::string_view value) {
    if (value.size() != 1 || value[0] < '0' || value[0] > '8') {
        return std::nullopt;
    }
    return static_cast<unsigned>(value[0] - '0');
}

std::string_view to_name(LauncherPlanDeviceKind kind) {
    switch (kind) {
        case LauncherPlanDeviceKind::vbd:
            return "vbd";
        case LauncherPlanDeviceKind::vif:
            return "vif";
        case LauncherPlanDeviceKind::console:
            break;
    }
    return "console";
}

// Values are other domains' bytes.
template <size_t Capacity>
hv::StaticString<Capacity> printable(std::string_view value) {
    hv::StaticString<Capacity> out;
    for (const char c : value) {
        const char shown = c < ' ' || c > '~' ? '?' : c;
        out.append({&shown, 1});
    }
    return out;
}

}  // namespace

void ReadyNodes::find(const Plan& plan) {
    plan_ = plan;
    for (Index i = 0; i < plan.entries.size(); ++i) {
        switch (ready_when(plan.entries[i])) {
            case ReadyWhen::Started:
                break;
            case ReadyWhen::Serving:
                add_devices(i, true);
                break;
            case ReadyWhen::Connected:
                add_devices(i, false);
                break;
            case ReadyWhen::Xenstore:
            case ReadyWhen::Console:
                add({.awaiting = i, .owner = i});
                break;
        }
    }
}

// Of all devices, those that the domain serves, or its own.
void ReadyNodes::add_devices(Index domain, bool is_served) {
    const uint16_t domid = plan_.entries[domain].domid;
    for (Index owner = 0; owner < plan_.entries.size(); ++owner) {
        const Entry& entry = plan_.entries[owner];
        for (uint32_t device = 0; device < entry.device_count; ++device) {
            if (is_served ? entry.devices[device].backend == domid : owner == domain) {
                add({.awaiting = domain, .owner = owner, .device = device});
            }
        }
    }
}

void ReadyNodes::add(const Node& node) {
    ASSERT(nodes_.push(node).ok());
}

const LauncherPlanDevice& ReadyNodes::device_of(const Node& node) const {
    return plan_.entries[node.owner].devices[node.device];
}

void ReadyNodes::put_path(hv::Text& out, size_t node) const {
    const Node& n = nodes_[node];
    const Entry& entry = plan_.entries[n.awaiting];
    out.put("/local/domain/");
    switch (ready_when(entry)) {
        case ReadyWhen::Xenstore:
            out.dec(entry.domid).put('/').put(text_of(entry.ready_path));
            return;
        case ReadyWhen::Console:
            out.dec(plan_.console.value()).put("/matched/").dec(entry.domid);
            return;
        case ReadyWhen::Started:
        case ReadyWhen::Serving:
        case ReadyWhen::Connected:
            break;
    }
    const LauncherPlanDevice& device = device_of(n);
    out.dec(device.backend).put("/backend/").put(to_name(device.kind)).put('/');
    out.dec(plan_.entries[n.owner].domid).put('/').dec(device.id).put("/state");
}

void ReadyNodes::set(size_t node, std::optional<std::string_view> value) {
    Node& n = nodes_[node];
    n.is_there = value.has_value();
    n.is_met = value && is_met(n, *value);
    n.shown = printable<16>(value.value_or(std::string_view{}));
}

bool ReadyNodes::is_met(const Node& node, std::string_view value) const {
    const Entry& entry = plan_.entries[node.awaiting];
    const auto state = to_state(value).value_or(0);
    switch (ready_when(entry)) {
        case ReadyWhen::Started:
            return true;
        case ReadyWhen::Serving:
            return state >= XenbusStateInitWait && state <= XenbusStateConnected;
        case ReadyWhen::Connected:
            return state == XenbusStateConnected;
        case ReadyWhen::Xenstore: {
            const std::string_view wanted = text_of(entry.ready_text);
            return wanted.empty() ? !value.empty() : value == wanted;
        }
        case ReadyWhen::Console:
            break;
    }
    return value == "1";
}

bool ReadyNodes::are_met(Index domain) const {
    return std::all_of(nodes_.begin(), nodes_.end(), [domain](const Node& node) {
        return node.awaiting != domain || node.is_met;
    });
}

void ReadyNodes::put_lack(hv::Text& out, Index domain) const {
    for (const Node& node : nodes_) {
        if (node.awaiting == domain && !node.is_met) {
            put_lack(out, node);
            return;
        }
    }
}

void ReadyNodes::put_lack(hv::Text& out, const Node& node) const {
    const Entry& entry = plan_.entries[node.awaiting];
    const std::string_view shown = node.shown.view();
    if (ready_when(entry) == ReadyWhen::Console) {
        out.put("its console has not printed \"").put(text_of(entry.ready_text)).put('"');
        return;
    }
    if (ready_when(entry) == ReadyWhen::Xenstore) {
        out.put(text_of(entry.ready_path));
        if (!node.is_there) {
            out.put(" is not there");
        } else if (shown.empty()) {
            out.put(" is empty");
        } else {
            out.put(" is \"").put(shown).put('"');
        }
        return;
    }
    const LauncherPlanDevice& device = device_of(node);
    out.put("back end ").put(to_name(device.kind)).put(' ');
    out.dec(plan_.entries[node.owner].domid).put('/').dec(device.id);
    if (const auto state = to_state(shown)) {
        out.put(" is in state ").dec(*state).put(" (").put(state_names[*state]).put(')');
    } else if (node.is_there) {
        out.put(" has the state \"").put(shown).put('"');
    } else {
        out.put(" has no state");
    }
}

}  // namespace launcher
