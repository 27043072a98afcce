// SPDX-License-Identifier: Apache-2.0
#include "hv/base/assert.hpp"
#include "hv/dev/log.hpp"
#include "hv/launch/launch.hpp"
#include "launch-config/binding/decode.hpp"

#include <algorithm>
#include <cstring>

namespace hv::hyperlaunch {

namespace {

constinit Plan the_plan;

[[noreturn]] void refuse(const launch::DecodeError& error) {
    TextOf<300> text;
    text.put("launch control module refused: ").put(launch::to_string(error.reason));
    text.put(" at ").put(error.path.view());
    if (!error.property.view().empty()) {
        text.put(", property ").put(error.property.view());
    }
    dev::stop(text.view());
}

// Whether the artefact's index names a module of exactly the size that was built; if not, `text`
// says so.
bool is_delivered(const boot::BootInfo& info, const launch::Artifact& artifact,
                  std::string_view whose, Text& text) {
    text.put(whose).put(": ").put(artifact.name).put(": boot module ").dec(artifact.module_index);
    if (artifact.module_index == 0 || artifact.module_index >= info.modules.size()) {
        text.put(" is missing: the loader delivered ").dec(info.modules.size());
        return false;
    }
    const uint64_t bytes = info.modules[artifact.module_index].bytes;
    text.put(" has ").dec(bytes).put(" bytes, expected ").dec(artifact.size_bytes);
    return artifact.can_have(bytes);
}

void say_unless_delivered(const boot::BootInfo& info, const launch::Artifact& artifact,
                          std::string_view whose) {
    TextOf<300> text;
    if (!is_delivered(info, artifact, whose, text)) {
        dev::log(text.view());
    }
}

// Nothing can be built without domB. A domain whose artefacts are not what was built is domB's
// affair: it measures what there is and refuses the domain (find_problem), and others run.
void check_modules(const boot::BootInfo& info, const launch::LaunchGraph& graph) {
    TextOf<300> text;
    if (!is_delivered(info, graph.builder, "builder", text)) {
        dev::stop(text.view());
    }
    for (const launch::Domain& d : graph.domains) {
        TextOf<200> whose;
        whose.put("domain ").put(d.name).put(" (").put(d.path).put(")");
        say_unless_delivered(info, d.kernel, whose.view());
        if (d.initrd) {
            say_unless_delivered(info, *d.initrd, whose.view());
        }
    }
}

std::string_view copy_of_line(boot::Machine& m, std::string_view line) {
    const auto to = m.arena.bytes(line.size(), 1);
    if (!to.ok()) {
        PANIC("no memory: copy of the command line");
    }
    if (!line.empty()) {  // without a command line there is nothing to copy from
        std::memcpy(to.value(), line.data(), line.size());
    }
    return {reinterpret_cast<const char*>(to.value()), line.size()};
}

// In frames of its own, because domB is given these, too.
std::span<const std::byte> copy_of_lcm(boot::Machine& m, const boot::PhysicalRange& lcm) {
    const uint64_t count = align_up(std::max<uint64_t>(lcm.bytes, 1), page_size) >> page_shift;
    const auto frames = m.arena.frames(count);
    if (!frames.ok()) {
        PANIC("no memory: copy of the launch control module");
    }
    std::byte* const to = mm::direct_map(frames.value());
    std::memcpy(to, mm::direct_map(lcm.first), lcm.bytes);
    return {to, lcm.bytes};
}

}  // namespace

Plan& read_plan(boot::Machine& m) {
    if (m.info.modules.empty()) {
        dev::stop("no launch control module: the loader delivered no boot modules");
    }
    const boot::PhysicalRange& lcm = m.info.modules[0];
    if (lcm.bytes > launch::max_lcm_bytes) {
        dev::stop("launch control module refused: larger than 1 MiB");
    }
    the_plan.lcm = copy_of_lcm(m, lcm);
    the_plan.effective_cmdline = copy_of_line(m, m.info.command_line);

    launch::DecodeNotes notes;
    const auto decoded = launch::decode(the_plan.lcm, the_plan.graph, &notes);
    if (!decoded.ok()) {
        refuse(decoded.error());
    }
    for (const launch::DecodeNote& note : notes) {
        TextOf<200> text;
        text.put("launch control module: ignored ").put(note.path.view()).put(' ');
        dev::log(text.put(note.property.view()).view());
    }
    check_modules(m.info, the_plan.graph);
    dev::Record{"lcm"}.with("domains", the_plan.graph.domains.size());
    return the_plan;
}

}  // namespace hv::hyperlaunch
