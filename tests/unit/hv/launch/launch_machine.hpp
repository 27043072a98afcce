// SPDX-License-Identifier: Apache-2.0
// A machine just before a launch: a TPM that can go wrong, a log that is kept, boot modules. The
// doors of a launch open one way and its state is the program's, so every test is a process of its
// own: alone().
#pragma once

#include "hv/boot/machine.hpp"
#include "hv/dev/power.hpp"
#include "hv/launch/measurement.hpp"
#include "hv/launch/plan.hpp"
#include "tests/fake/fake_machine.hpp"
#include "tests/fake/fake_tpm.hpp"

#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

// What the functions that do not return do here.
struct Stopped {
    std::string message;
};
struct PoweredOff {
    hv::dev::MachineStatus status;
};

struct LaunchMachine {
    LaunchMachine();
    ~LaunchMachine();

    FakeMachine machine;
    fake::FakeTpm tpm{banks()};
    fake::FakeTis tis{tpm.back_end()};
    hv::boot::Machine boot;
    hv::hyperlaunch::Plan plan;
    std::vector<std::string> lines;  // log and launch record

    static measure::BankSet banks();
    // A boot module with those contents.
    void add_module(std::span<const std::byte> contents);
    void add_module(std::string_view contents) { add_module(std::as_bytes(std::span{contents})); }
    // A plan with domB as module 1 and a domain per name, all made of module 2.
    void make_plan(launch::Measurement measurement);
    [[nodiscard]] bool says(std::string_view text) const;
    // Whether the PCR went through the separator last.
    [[nodiscard]] bool is_capped_with_error(uint32_t pcr, const measure::DigestSet& before) const;
};

// Runs the body in a child process; its failures are this test's.
void alone(const std::function<void()>& body);
