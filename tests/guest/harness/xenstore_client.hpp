// SPDX-License-Identifier: Apache-2.0
// A guest's own end of its Xenstore ring, for test guests: requests and replies, bounded in time.
// Hides nothing: who wants to write nonsense into the page may.
#pragma once

#include "hv/abi/xen_xenstore.hpp"
#include "tests/guest/harness/guest.hpp"

#include <string_view>

namespace guest {

class Client {
  public:
    // Ends the guest if there is no Xenstore. It fails as soon as it waits for longer than this.
    explicit Client(uint64_t patience_ns);

    hv::abi::XenstoreDomainInterface& page() { return page_; }
    void notify();
    void reconnect();
    void send(hv::abi::XsType type, std::string_view payload, uint32_t transaction = 0);

    struct Reply {
        hv::abi::XsType type{};
        std::string_view payload;  // until the next one is received
    };
    // The next one, which fails unless it is to the request after the last one that was answered;
    // watch events before it are forgotten.
    Reply receive();
    // The reply's payload; fails unless it is of this type.
    std::string_view receive(hv::abi::XsType type);

  private:
    template <class Condition>
    void wait_until(Condition&& holds, std::string_view what);
    void put(std::string_view bytes);
    void get(char* to, size_t count);

    hv::abi::XenstoreDomainInterface& page_;
    uint32_t port_;
    uint64_t patience_ns_;
    uint32_t sent_ = 0;
    uint32_t answered_ = 0;
    char reply_[256]{};
};

}  // namespace guest
