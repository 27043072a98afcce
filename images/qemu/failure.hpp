// SPDX-License-Identifier: Apache-2.0
// What can go wrong around a machine: a missing program, a socket, a file. The caller shows the
// message and ends with the status for "environment"; nothing here is about what a guest did.
#pragma once

#include "hv/base/result.hpp"

#include <string>

namespace images {

struct Failure {
    std::string message;
};

template <class T>
using Outcome = hv::Result<T, Failure>;

// "what: text of errno".
Failure system_failure(const std::string& what, int error);

}  // namespace images
