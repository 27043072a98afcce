// SPDX-License-Identifier: Apache-2.0
// Xenstore as a PV test kernel has it: the ring that start_info names, one request at a time.
// [xen-pub] io/xs_wire.h. A ring that makes no sense, or no answer for too long, ends the guest.
#pragma once

#include "hv/abi/xen_xenstore.hpp"

#include <string_view>

namespace pv {

class Xenstore {
  public:
    Xenstore();

    // Replies are good until the next request. What is refused is the error's name, e.g. "EACCES".
    std::string_view directory(std::string_view path);  // names, each with a NUL behind it
    std::string_view read(std::string_view path);
    std::string_view write(std::string_view path, std::string_view value);  // "OK"

  private:
    std::string_view ask(hv::abi::XsType type, std::string_view path, std::string_view value);
    void put(std::string_view bytes);
    void get(char* to, uint32_t count);
    void notify();

    hv::abi::XenstoreDomainInterface& page_;
    char reply_[512]{};
};

}  // namespace pv
