// SPDX-License-Identifier: Apache-2.0
// The canonical text of a launch: the data of the EV_IPL events in the text PCR. Written by hv (the
// hypervisor's event) and domB (one per domain), predicted by the tool: one piece of code for all,
// so they cannot disagree. Verifiers take every label from here, because the digest covers it.
//
// One `key value` per line, always the same keys in the same order, a key once for each device,
// those of start order and policies only where they are not the default.
// Values are printable ASCII:
// every other byte, and the backslash, is written as \xNN, so no value can forge a line. Left out
// is what another dialect of the LCM cannot say (path, source and size of artefacts): equivalent
// LCMs have equal text; those fields are covered by the event of the LCM itself.
#pragma once

#include "hv/base/text.hpp"
#include "launch-config/binding/launch_graph.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace launch {

using Sha256 = std::array<std::byte, 32>;

// What domB measured of one domain's artefacts.
struct ArtifactDigests {
    Sha256 kernel{};
    std::optional<Sha256> initrd;  // present exactly when the domain has one
};

// Buffers of this size are never too small. The length does not depend on the digests' values.
inline constexpr size_t max_domain_text_bytes = 13 * 1024;
inline constexpr size_t max_hypervisor_text_bytes = 9 * 1024;

// What measured the hypervisor itself before it ran.
enum class Root : uint8_t { None, Firmware };

void write_domain_text(const Domain& domain, const ArtifactDigests& digests, hv::Text& out);

// `effective_cmdline` is what the hypervisor really got from its loader.
void write_hypervisor_text(const LaunchGraph& graph, std::string_view effective_cmdline, Root root,
                           hv::Text& out);

// The words of the text and of the manifest.
std::string_view to_string(DomainType type);
std::string_view to_string(P2mOrder order);
std::string_view to_string(Measurement measurement);
std::string_view to_string(Role role);
std::string_view to_string(ExpectedEnd end);
std::string_view to_string(Root root);

}  // namespace launch
