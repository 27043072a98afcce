// SPDX-License-Identifier: Apache-2.0
// A launch of two domains for the tests of this folder: graph and module bytes in one object.
#pragma once

#include "measure/replay/predict.hpp"
#include "measure/tcg/digest.hpp"

#include <array>
#include <string>
#include <vector>

namespace measure {

class SampleLaunch {
  public:
    SampleLaunch() {
        graph.hypervisor_cmdline = "console=com1";
        graph.builder = artifact(1, "domb", "domb.bin");
        add("web", "/domains/0", 2, 3);
        add("db", "/domains/1", 2, std::nullopt);
        modules = {"the lcm", "the builder", "a kernel", "an initrd"};
    }

    launch::LaunchGraph graph;
    std::vector<std::string> modules;

    [[nodiscard]] ReferenceValues predict(bool mirror = true) const {
        std::vector<std::span<const std::byte>> bytes;
        for (const std::string& m : modules) {
            bytes.push_back(std::as_bytes(std::span{m}));
        }
        return measure::predict({.graph = graph, .modules = bytes, .mirror = mirror});
    }

  private:
    static launch::Artifact artifact(uint32_t module, std::string_view name,
                                     std::string_view source) {
        launch::Artifact a;
        a.module_index = module;
        a.name = name;
        a.source = source;
        return a;
    }
    void add(std::string_view name, std::string_view path, uint32_t kernel,
             std::optional<uint32_t> initrd) {
        launch::Domain domain;
        domain.domid = hv::DomainId{static_cast<uint16_t>(graph.domains.size() + 1)};
        domain.name = name;
        domain.path = path;
        domain.memory_bytes = 256U << 20;
        domain.max_memory_bytes = domain.memory_bytes;
        domain.cmdline = "console=hvc0";
        domain.kernel = artifact(kernel, "vmlinux", "vmlinuz (unpacked)");
        if (initrd) {
            domain.initrd = artifact(*initrd, "initrd.gz", "initrd");
        }
        (void)graph.domains.push(domain);
    }
};

}  // namespace measure
