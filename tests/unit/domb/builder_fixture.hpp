// SPDX-License-Identifier: Apache-2.0
// The builder's whole job against a fake hypervisor and a log without a TPM: what the tests of
// build_all share. A suite derives from it.
#pragma once

#include "domb/builder/builder.hpp"
#include "measure/tcg/log_reader.hpp"
#include "tests/unit/domb/elf_file.hpp"
#include "tests/unit/domb/fake_hypervisor.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace builder {

inline constexpr measure::BankSet banks{0b0110};  // SHA-256, SHA-384

// A log in memory whose TPM fails at a chosen event.
class FakeEvents final : public Events {
  public:
    FakeEvents() { EXPECT_TRUE(log_.start(banks).ok()); }
    hv::Result<void, measure::MeasureError> record(const measure::Event& event) override {
        if (fail_after >= 0 && fail_after-- == 0) {
            return hv::Err{measure::MeasureError{
                measure::TpmError{measure::TpmError::Kind::ResponseCode, 0x101}}};
        }
        if (!log_.append(event).ok()) {
            return hv::Err{measure::MeasureError{}};
        }
        return hv::Ok{};
    }
    [[nodiscard]] size_t log_used() const override { return log_.used(); }
    void finish() override { finished = true; }

    // One line per event: PCR, first 16 characters of its data.
    [[nodiscard]] std::vector<std::string> events() const {
        std::vector<std::string> out;
        auto reader = measure::LogReader::open(log_.bytes()).take();
        while (!reader.at_end()) {
            const auto record = reader.next().take();
            out.push_back(std::to_string(record.pcr.value()) + " " +
                          std::to_string(static_cast<uint32_t>(record.type)));
            last_data = {reinterpret_cast<const char*>(record.data.data()), record.data.size()};
            data.push_back(last_data);
            digests.push_back(record.digests);
        }
        return out;
    }

    int fail_after = -1;
    bool finished = false;
    mutable std::string last_data;
    mutable std::vector<std::string> data;
    mutable std::vector<measure::DigestSet> digests;

  private:
    std::vector<std::byte> area_ = std::vector<std::byte>(64 * 1024);
    measure::LogWriter log_{area_};
};

class BuilderFixture : public testing::Test {
  protected:
    // Modules: 0 LCM, 1 domB, 2 kernel, 3 initrd, 4 a second kernel without PVH note.
    BuilderFixture() {
        ::test::ElfFile no_note;
        no_note.add_load(0x1000000, "code", 4);
        contents_ = {std::vector<std::byte>(10), std::vector<std::byte>(20),
                     ::test::ElfFile::good().bytes(), std::vector<std::byte>(5000, std::byte{'I'}),
                     no_note.bytes()};
        for (const auto& c : contents_) {
            modules_.emplace_back(c);
        }
    }
    launch::Domain& add_domain(std::string_view name, std::string_view path, bool with_initrd) {
        launch::Domain domain;
        domain.domid = hv::DomainId{static_cast<uint16_t>(graph.domains.size() + 1)};
        domain.name = name;
        domain.path = path;
        domain.memory_bytes = 64 << 20;
        domain.kernel.module_index = 2;
        domain.kernel.name = "vmlinux";
        domain.kernel.size_bytes = contents_[2].size();
        if (with_initrd) {
            domain.initrd.emplace();
            domain.initrd->module_index = 3;
            domain.initrd->name = "initrd";
            domain.initrd->size_bytes = contents_[3].size();
        }
        EXPECT_TRUE(graph.domains.push(domain).ok());
        return graph.domains.back();
    }
    Outcome build(FakeEvents* used) {
        std::vector<std::byte> heap(heap_bytes);
        std::vector<std::byte> tables(layout::tables_end - layout::tables);
        Arena arena{heap};
        auto modules = std::make_unique<Modules>(modules_, arena, banks);
        Measurement measurement{
            used, {.pcrs = graph.pcrs, .banks = banks, .mirror = mirror}, log_used_before};
        return build_all({.graph = graph,
                          .hypervisor = hypervisor,
                          .modules = *modules,
                          .measurement = measurement,
                          .tables = tables,
                          .tpm_log_bytes = 0x2000});
    }
    std::optional<hv::abi::LaunchOutcome> outcome(uint16_t domid) {
        return hypervisor.domains[domid].outcome;
    }

    launch::LaunchGraph graph;
    ::test::FakeHypervisor hypervisor;
    FakeEvents events;
    bool mirror = false;
    size_t heap_bytes = 1 << 20;
    uint64_t log_used_before = 0;
    std::vector<std::vector<std::byte>> contents_;
    std::vector<std::span<const std::byte>> modules_;
};

}  // namespace builder
