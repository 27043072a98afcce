// SPDX-License-Identifier: Apache-2.0
// ReadyNodes: the Xenstore nodes that the plan's readiness needs, what was last read of each, and
// whether that makes a domain ready. Their writers are other domains: any value is possible, and
// one that makes no sense is one that does not make ready. Who reads them: NodeReader.
#pragma once

#include "domb/services/launcher/plan.hpp"
#include "hv/base/static_string.hpp"
#include "hv/base/static_vector.hpp"
#include "hv/base/text.hpp"

#include <optional>

namespace launcher {

struct Node {
    Index awaiting = 0;  // whose readiness it is
    Index owner = 0;     // whose device
    uint32_t device = 0;
    bool is_there = false;
    bool is_met = false;           // its value is one that makes ready
    hv::StaticString<16> shown{};  // the value's beginning, for people
};

class ReadyNodes {
  public:
    // Each device at most twice: for its own domain and for the one that serves it.
    static constexpr size_t max_nodes = max_entries * (2 * hv::abi::launcher_plan_max_devices + 1);

    constexpr ReadyNodes() = default;
    void find(const Plan& plan);

    [[nodiscard]] size_t size() const { return nodes_.size(); }
    [[nodiscard]] const Node& operator[](size_t node) const { return nodes_[node]; }
    void put_path(hv::Text& out, size_t node) const;

    // What was read: nothing if the node is not there, or not for us.
    void set(size_t node, std::optional<std::string_view> value);

    [[nodiscard]] bool are_met(Index domain) const;
    // What the domain's readiness still lacks, for people. Only if !are_met().
    void put_lack(hv::Text& out, Index domain) const;

  private:
    void add_devices(Index domain, bool is_served);
    void add(const Node& node);
    [[nodiscard]] const LauncherPlanDevice& device_of(const Node& node) const;
    [[nodiscard]] bool is_met(const Node& node, std::string_view value) const;
    void put_lack(hv::Text& out, const Node& node) const;

    Plan plan_{};
    hv::StaticVector<Node, max_nodes> nodes_{};
};

}  // namespace launcher
