// SPDX-License-Identifier: Apache-2.0
// Hyperlaunch as the hypervisor sees it: the steps of boot.cpp. What follows them is in phase.hpp.
#pragma once

#include "hv/boot/machine.hpp"
#include "hv/launch/plan.hpp"

namespace hv::hyperlaunch {

// Copies and decodes the LCM and checks that its modules are there. Stops the boot with the reason
// if the machine must not go on.
Plan& read_plan(boot::Machine& machine);

// Opens the TPM, starts the event log, measures the hypervisor's command line, the LCM and domB.
// What `required` cannot measure stops the boot; so does a domB that the LCM does not expect.
void start_measurement(boot::Machine& machine, const Plan& plan);

// Every domain of the plan, and domB, under construction, with all they will ever own but the
// reserves, which are proved to be there later. Stops the boot if the machine is too small.
void create_domains(boot::Machine& machine, const Plan& plan);

// Makes domB runnable, with its modules, TPM and log mapped.
void start_builder(boot::Machine& machine, const Plan& plan);

}  // namespace hv::hyperlaunch
