// SPDX-License-Identifier: Apache-2.0
// domB, the builder domain: copies, measures and places every domain of the plan, then is gone for
// good. This file finds the pieces that hv lends it; builder.cpp does the work.
#include "domb/rt/main.hpp"

#include "domb/builder/arena.hpp"
#include "domb/builder/builder.hpp"
#include "domb/builder/construct.hpp"
#include "domb/builder/hypercalls.hpp"
#include "domb/builder/tpm_events.hpp"
#include "domb/rt/address_space.hpp"
#include "domb/rt/platform.hpp"
#include "hv/abi/launch_op.hpp"
#include "hv/base/text.hpp"
#include "launch-config/binding/decode.hpp"
#include "measure/tcg/log_reader.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <optional>

namespace {

using namespace builder;  // this file is its main program

constinit hv::abi::LaunchInfo info{};
constinit launch::LaunchGraph graph{};
constinit std::array<std::span<const std::byte>, hv::abi::launch_max_modules> sources{};

// What cannot happen unless hv and domB disagree. hv caps with the error separator.
[[noreturn]] void give_up(std::string_view what) {
    hv::TextOf<200> line;
    rt::write(line.put("domB gives up: ").put(what).put("\n").view());
    rt::shutdown(rt::ShutdownReason::SHUTDOWN_crash);
}

template <class T>
T or_give_up(hv::Result<T, OutOfMemory> result) {
    if (!result.ok()) {
        give_up("the heap is too small");
    }
    return result.take();
}

// The memory of a range that hv told, mapped.
std::span<std::byte> memory_of(const hv::abi::LaunchRange& range, Arena& arena) {
    const rt::Range wanted{range.gpaddr, range.bytes};
    rt::map_more(wanted, or_give_up(arena.take(rt::tables_needed(wanted) * hv::page_size)));
    return rt::bytes_of(wanted);
}

// The heap: its first part must lie below 4 GiB, for there it maps the rest from.
Arena start_heap() {
    if (const auto result = get_info(info); !result.ok() || info.version != 1) {
        give_up("no launch info of a version it knows");
    }
    const rt::Range heap{info.heap.gpaddr, info.heap.bytes};
    Arena arena{rt::bytes_of(heap)};
    rt::map_more(heap, or_give_up(arena.take(rt::tables_needed(heap) * hv::page_size)));
    return arena;
}

std::span<const std::span<const std::byte>> find_modules(Arena& arena) {
    if (info.module_count < 2 || info.module_count > hv::abi::launch_max_modules) {
        give_up("module count");
    }
    for (uint32_t i = 0; i < info.module_count; ++i) {
        sources[i] = memory_of(info.modules[i].contents, arena);
    }
    return std::span{sources}.first(info.module_count);
}

void decode_plan(std::span<const std::byte> lcm, Arena& arena) {
    const auto copy = or_give_up(arena.take(lcm.size()));
    memcpy(copy.data(), lcm.data(), lcm.size());
    if (const auto decoded = launch::decode(copy, graph); !decoded.ok()) {
        give_up(launch::to_string(decoded.error().reason));
    }
}

// Opens the TPM and the log that hv has started. False: nothing can be measured.
bool open_events(std::optional<TpmEvents>& events, Arena& arena) {
    if (graph.measurement == launch::Measurement::Off || info.tpm.bytes == 0) {
        return false;
    }
    const auto log = memory_of(info.log, arena);
    const bool log_fits = measure::log_extent(log).bytes == info.log_used;
    events.emplace(memory_of(info.tpm, arena), log, info.log_used);
    if (const auto opened = events->open(info.tpm_locality); !opened.ok()) {
        hv::TextOf<200> line;
        put(line.put("TPM: "), opened.error());
        rt::write(line.put("\n").view());
        events->finish();
        return false;
    }
    return log_fits && events->banks() == measure::BankSet{info.banks};
}

// SHA-256 is in the canonical text and in the manifest's expectations, whatever the banks.
measure::BankSet banks_to_hash(measure::BankSet measured) {
    measure::BankSet banks = measured;
    const auto expects = [](const launch::Domain& d) {
        return d.kernel.expected_sha256 || (d.initrd && d.initrd->expected_sha256);
    };
    if (!measured.empty() || std::ranges::any_of(graph.domains, expects)) {
        banks.add(measure::Algorithm::Sha256);
    }
    return banks;
}

}  // namespace

void rt::domain_main(uint64_t /*start_info*/) {
    Arena arena = start_heap();
    const auto delivered = find_modules(arena);
    decode_plan(delivered[0], arena);

    std::optional<TpmEvents> events;
    const bool can_measure = open_events(events, arena);
    const measure::EventPlan plan{
        .pcrs = graph.pcrs,
        .banks = can_measure ? events->banks() : measure::BankSet{},
        .mirror = info.tpm_locality == 2,
        .next_record = can_measure ? measure::log_extent(memory_of(info.log, arena)).records : 0};
    Measurement measurement{can_measure ? &*events : nullptr, plan, info.log_used};

    auto* modules = new (or_give_up(arena.take(sizeof(Modules))).data())
        Modules{delivered, arena, banks_to_hash(plan.banks)};
    Hypercalls hypervisor = or_give_up(Hypercalls::create(memory_of(info.window, arena), arena));
    const auto tables = or_give_up(arena.take(scratch_bytes));

    const Outcome outcome = build_all({.graph = graph,
                                       .hypervisor = hypervisor,
                                       .modules = *modules,
                                       .measurement = measurement,
                                       .tables = tables,
                                       .tpm_log_bytes = info.tpm.bytes == 0 ? 0 : info.log.bytes});
    shutdown(outcome == Outcome::Capped ? ShutdownReason::SHUTDOWN_poweroff
                                        : ShutdownReason::SHUTDOWN_crash);
}
