// SPDX-License-Identifier: Apache-2.0
// What the two event ABIs, TwoLevel and Fifo, have in common: how an event is put into memory that
// the guest shares, and what remains to be done. A domain begins with 2-level and may change to
// FIFO. Used by pending.cpp, which tells vCPUs; neither ABI knows the scheduler.
#pragma once

#include "hv/base/address.hpp"
#include "hv/domain/vcpu.hpp"

#include <atomic>
#include <concepts>

namespace hv::event {

// A word that the guest changes too, with locked instructions; so do we.
template <class T>
std::atomic_ref<T> shared(T& word) {
    return std::atomic_ref{word};
}

// What became of an event.
struct Raised {
    bool is_new = false;        // it was not pending before: who polls its port wants to know
    bool wants_upcall = false;  // its vCPU has to look
};

// Everything with event::lock held, for ports of the domain's table.
template <class T>
concept EventAbi = requires(T abi, EvtchnPort port, const domain::Vcpu& notify) {
    // Makes the port pending and, unless it is masked, puts it where its vCPU looks.
    { abi.raise(port, notify) } -> std::same_as<Raised>;
    // Forgets an event that the guest has not seen yet.
    { abi.clear(port) } -> std::same_as<void>;
    // Clears the mask; what was pending is put where its vCPU looks.
    { abi.unmask(port, notify) } -> std::same_as<Raised>;
    { abi.is_pending(port) } -> std::same_as<bool>;
};

}  // namespace hv::event
