// SPDX-License-Identifier: Apache-2.0
#include "images/qemu/failure.hpp"

#include <system_error>

namespace images {

Failure system_failure(const std::string& what, int error) {
    return Failure{what + ": " + std::generic_category().message(error)};
}

}  // namespace images
