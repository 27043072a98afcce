// SPDX-License-Identifier: Apache-2.0
#include "tests/guest/pv/rt/xenstore.hpp"

#include "tests/guest/pv/rt/kernel.hpp"
#include "tests/guest/pv/rt/pages.hpp"
#include "tests/guest/pv/rt/waiting.hpp"

#include <atomic>
#include <cstring>

namespace pv {

using hv::abi::XsdSockmsg;
using hv::abi::XsType;

namespace {

constexpr uint32_t ring_size = hv::abi::XENSTORE_RING_SIZE;

template <class Condition>
void wait_until(Condition holds) {
    if (!wait_for(holds)) {
        fail("Xenstore does not answer");
    }
}

}  // namespace

Xenstore::Xenstore()
    // SAFETY: everything up to the boot area's end is mapped, and the builder's page is in it.
    : page_{*reinterpret_cast<hv::abi::XenstoreDomainInterface*>(
          virt_of(pfn_of(start_info().store_mfn)))} {}

std::string_view Xenstore::directory(std::string_view path) {
    return ask(XsType::XS_DIRECTORY, path, {});
}

std::string_view Xenstore::read(std::string_view path) {
    return ask(XsType::XS_READ, path, {});
}

std::string_view Xenstore::write(std::string_view path, std::string_view value) {
    return ask(XsType::XS_WRITE, path, value);
}

// Every request here is a path and its NUL, and then perhaps a value.
std::string_view Xenstore::ask(XsType type, std::string_view path, std::string_view value) {
    const XsdSockmsg request{.type = static_cast<uint32_t>(type),
                             .req_id = 1,
                             .tx_id = 0,
                             .len = static_cast<uint32_t>(path.size() + 1 + value.size())};
    char header[sizeof(request)];
    memcpy(header, &request, sizeof(header));
    put({header, sizeof(header)});
    put(path);
    put({"", 1});
    put(value);
    notify();

    XsdSockmsg reply{};
    get(header, sizeof(header));
    memcpy(&reply, header, sizeof(header));
    if (reply.len > sizeof(reply_) || reply.req_id != 1) {
        fail("a reply of length", reply.len);
    }
    get(reply_, reply.len);
    const bool is_text = reply.type != static_cast<uint32_t>(type) || type == XsType::XS_WRITE;
    return {reply_, is_text && reply.len > 0 ? reply.len - 1 : reply.len};
}

void Xenstore::put(std::string_view bytes) {
    for (const char byte : bytes) {
        const uint32_t at = std::atomic_ref{page_.req_prod}.load();
        if (at - std::atomic_ref{page_.req_cons}.load() == ring_size) {
            notify();
            wait_until([&] { return at - std::atomic_ref{page_.req_cons}.load() < ring_size; });
        }
        page_.req[at % ring_size] = byte;
        std::atomic_ref{page_.req_prod}.store(at + 1);
    }
}

void Xenstore::get(char* to, uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) {
        const uint32_t at = std::atomic_ref{page_.rsp_cons}.load();
        wait_until([&] { return std::atomic_ref{page_.rsp_prod}.load() != at; });
        to[i] = page_.rsp[at % ring_size];
        std::atomic_ref{page_.rsp_cons}.store(at + 1);
    }
    notify();
}

void Xenstore::notify() {
    send(start_info().store_evtchn);
}

}  // namespace pv
