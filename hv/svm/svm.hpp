// SPDX-License-Identifier: Apache-2.0
// AMD virtualisation for the rest of hv, all of it. Nothing above this folder but hv/hvm's exit
// handling looks into a VMCB.
#pragma once

#include "hv/svm/container.hpp"
#include "hv/svm/debug_registers.hpp"
#include "hv/svm/events.hpp"
#include "hv/svm/exit_code.hpp"
#include "hv/svm/permissions.hpp"
#include "hv/svm/registers.hpp"
#include "hv/svm/run.hpp"
#include "hv/svm/support.hpp"
#include "hv/svm/vmcb.hpp"
