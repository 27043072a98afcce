// SPDX-License-Identifier: Apache-2.0
// The memory between what a domain starts with and what it may balloon up to. It is promised before
// the point of no return and set aside for the domain in phase *gone*, before the domain runs:
// until then it may be the memory of domB and of the modules. Nothing is ever allocated at run
// time.
#pragma once

#include "hv/boot/machine.hpp"
#include "hv/domain/domain.hpp"

namespace hv::hyperlaunch {

// Frames of boot modules, which are free once domB is gone.
mm::Extent frames_of(const boot::PhysicalRange& module);

// Stops the boot if the reserves of all domains cannot be met by what is free now and by what will
// come back from domB and the modules.
void check_reserves(const boot::Machine& machine);

// Fills every reserve, with `reclaimed` frames as long as there are any, and leaves the rest of
// them to the free ones. Cannot fail, because check_reserves has counted them.
void fill_reserves(boot::Machine& machine, mm::Extents& reclaimed);

}  // namespace hv::hyperlaunch
