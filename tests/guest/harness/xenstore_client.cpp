// SPDX-License-Identifier: Apache-2.0
#include "tests/guest/harness/xenstore_client.hpp"

#include "domb/rt/address_space.hpp"
#include "domb/rt/hypercall.hpp"
#include "hv/abi/xen_event_channel.hpp"
#include "hv/abi/xen_hvm.hpp"
#include "hv/abi/xen_sched.hpp"
#include "hv/base/address.hpp"

#include <atomic>
#include <cstring>

namespace guest {

using hv::abi::HvmParam;
using hv::abi::XsdSockmsg;
using hv::abi::XsType;

namespace {

constexpr uint32_t ring_size = hv::abi::XENSTORE_RING_SIZE;

uint64_t get_param(HvmParam index) {
    hv::abi::HvmParamArgs argument{
        .domid = hv::abi::DOMID_SELF, .pad = 0, .index = static_cast<uint32_t>(index), .value = 0};
    if (rt::hypercall(rt::Hypercall::hvm_op, hv::abi::HvmOp::HVMOP_get_param, &argument) != 0 ||
        argument.value == 0) {
        error("there is no Xenstore");
    }
    return argument.value;
}

}  // namespace

Client::Client(uint64_t patience_ns)
    // SAFETY: the hypervisor says that the ring is there.
    : page_{*reinterpret_cast<hv::abi::XenstoreDomainInterface*>(
          rt::bytes_of({get_param(HvmParam::HVM_PARAM_STORE_PFN) * hv::page_size, hv::page_size})
              .data())},
      port_{static_cast<uint32_t>(get_param(HvmParam::HVM_PARAM_STORE_EVTCHN))},
      patience_ns_{patience_ns} {}

void Client::notify() {
    const hv::abi::EvtchnSend argument{port_};
    rt::hypercall(rt::Hypercall::event_channel_op, hv::abi::EventChannelOp::EVTCHNOP_send,
                  &argument);
}

template <class Condition>
void Client::wait_until(Condition&& holds, std::string_view what) {
    const uint64_t start = now_ns();
    while (!holds()) {
        if (now_ns() - start > patience_ns_) {
            fail(what);
        }
        rt::hypercall(rt::Hypercall::sched_op, hv::abi::SchedOp::SCHEDOP_yield);
    }
}

void Client::reconnect() {
    std::atomic_ref{page_.connection}.store(hv::abi::XENSTORE_RECONNECT);
    notify();
    wait_until(
        [this] { return std::atomic_ref{page_.connection}.load() == hv::abi::XENSTORE_CONNECTED; },
        "nobody reconnects");
    answered_ = sent_;
}

void Client::send(XsType type, std::string_view payload, uint32_t transaction) {
    const XsdSockmsg header{.type = static_cast<uint32_t>(type),
                            .req_id = ++sent_,
                            .tx_id = transaction,
                            .len = static_cast<uint32_t>(payload.size())};
    char bytes[sizeof(header)];
    memcpy(bytes, &header, sizeof(header));
    put({bytes, sizeof(bytes)});
    put(payload);
    notify();
}

Client::Reply Client::receive() {
    XsdSockmsg header{};
    do {
        char bytes[sizeof(header)];
        get(bytes, sizeof(bytes));
        memcpy(&header, bytes, sizeof(header));
        if (header.len > sizeof(reply_)) {
            fail("a reply of length", header.len);
        }
        get(reply_, header.len);
        notify();
    } while (header.type == static_cast<uint32_t>(XsType::XS_WATCH_EVENT));
    if (header.req_id != ++answered_) {
        fail("a reply to request", header.req_id);
    }
    return {static_cast<XsType>(header.type), {reply_, header.len}};
}

std::string_view Client::receive(XsType type) {
    const Reply reply = receive();
    if (reply.type != type) {
        fail("a reply of type", static_cast<uint64_t>(reply.type));
    }
    return reply.payload;
}

void Client::put(std::string_view bytes) {
    for (const char c : bytes) {
        wait_until(
            [this] { return page_.req_prod - std::atomic_ref{page_.req_cons}.load() < ring_size; },
            "nobody reads requests");
        page_.req[page_.req_prod % ring_size] = c;
        std::atomic_ref{page_.req_prod}.fetch_add(1);
    }
}

void Client::get(char* to, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        wait_until([this] { return std::atomic_ref{page_.rsp_prod}.load() != page_.rsp_cons; },
                   "nobody answers");
        to[i] = page_.rsp[page_.rsp_cons % ring_size];
        std::atomic_ref{page_.rsp_cons}.fetch_add(1);
    }
}

}  // namespace guest
