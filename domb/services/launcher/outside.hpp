// SPDX-License-Identifier: Apache-2.0
// What the launcher does to the world around it, so that the same sequence runs in a domain and in
// tests.
#pragma once

#include "hv/abi/launch_op.hpp"
#include "hv/base/address.hpp"
#include "hv/base/result.hpp"

#include <cstdint>
#include <string_view>

namespace launcher {

struct StartError {
    int64_t status = 0;  // -errno
};

class Outside {
  public:
    virtual hv::abi::LaunchFate fate_of(hv::DomainId domain) = 0;
    // A held domain runs.
    virtual hv::Result<void, StartError> start(hv::DomainId domain) = 0;
    // One that runs ends; one that is held never starts.
    virtual void end(hv::DomainId domain) = 0;
    // Tells the recovery domain the reason and starts it, perhaps a little later.
    virtual void recover(hv::DomainId recovery, std::string_view reason) = 0;
    // A line of the launch record, from "event=" on. Waits for nobody.
    virtual void record(std::string_view line) = 0;
    // A message for people. May wait for the UART.
    virtual void print(std::string_view message) = 0;

  protected:
    ~Outside() = default;
};

}  // namespace launcher
