// SPDX-License-Identifier: Apache-2.0
// Definitions of Tis. Included by tis.hpp only.
#pragma once

#include "hv/base/reader.hpp"

#include <algorithm>

namespace measure {

template <TisMmio Mmio, TisClock Clock>
template <class Condition>
bool Tis<Mmio, Clock>::wait(uint64_t limit_ns, Condition condition) {
    const uint64_t start = clock_.now_ns();
    while (!condition()) {
        if (clock_.now_ns() - start > limit_ns) {
            return condition();
        }
    }
    return true;
}

template <TisMmio Mmio, TisClock Clock>
hv::Result<void, TpmError> Tis<Mmio, Clock>::probe() {
    locality_ = 0;
    const uint32_t did_vid = mmio_.read32(at(TisOffset::DID_VID));
    if (did_vid == 0 || did_vid == 0xffffffff) {
        return hv::Err{TpmError{TpmError::Kind::Absent}};
    }
    // InterfaceType: 0 is the FIFO interface of TPM 2.0, f that of TPM 1.2, 1 is CRB.
    if ((mmio_.read32(at(TisOffset::INTERFACE_ID)) & 0xf) != 0) {
        return hv::Err{TpmError{TpmError::Kind::NotTpm2}};
    }
    if (!wait(tis_interface_limit_ns, [this] { return access().get(TisAccess::tpmRegValidSts); })) {
        return hv::Err{TpmError{TpmError::Kind::Timeout}};
    }
    return hv::Ok{};
}

// Firmware, or a program that has died, may have left another locality active.
template <TisMmio Mmio, TisClock Clock>
void Tis<Mmio, Clock>::release_others(uint32_t wanted) {
    for (uint32_t other = 0; other <= highest_locality; ++other) {
        locality_ = other;
        const Access now = access();
        if (other != wanted && now.raw() != 0xff && now.get(TisAccess::activeLocality)) {
            command_ready();
            relinquish();
        }
    }
}

template <TisMmio Mmio, TisClock Clock>
hv::Result<void, TpmError> Tis<Mmio, Clock>::request(uint32_t locality) {
    release_others(locality);
    locality_ = locality;
    // A locality that does not exist reads as all ones, or never becomes valid.
    const Access now = access();
    if (now.raw() == 0xff || !now.get(TisAccess::tpmRegValidSts)) {
        return hv::Err{TpmError{TpmError::Kind::NoLocality}};
    }
    mmio_.write8(at(TisOffset::ACCESS), Access{}.with(TisAccess::requestUse, true).raw());
    if (!wait(tis_interface_limit_ns, [this] {
            const Access a = access();
            return a.get(TisAccess::tpmRegValidSts) && a.get(TisAccess::activeLocality);
        })) {
        return hv::Err{TpmError{TpmError::Kind::NoLocality}};
    }
    return hv::Ok{};
}

template <TisMmio Mmio, TisClock Clock>
void Tis<Mmio, Clock>::relinquish() {
    mmio_.write8(at(TisOffset::ACCESS), Access{}.with(TisAccess::activeLocality, true).raw());
}

// A TPM that somebody left in the middle of a command becomes idle first and ready only at the next
// request, so this is asked until it is.
template <TisMmio Mmio, TisClock Clock>
bool Tis<Mmio, Clock>::become_ready() {
    command_ready();
    return status().get(TisStatus::commandReady);
}

template <TisMmio Mmio, TisClock Clock>
hv::Result<size_t, TpmError> Tis<Mmio, Clock>::burst() {
    size_t count = 0;
    if (!wait(tis_interface_limit_ns, [this, &count] {
            count = static_cast<size_t>(status().get(TisStatus::burstCount));
            return count != 0;
        })) {
        return hv::Err{TpmError{TpmError::Kind::Timeout}};
    }
    return count;
}

template <TisMmio Mmio, TisClock Clock>
auto Tis<Mmio, Clock>::valid_status() -> hv::Result<Status, TpmError> {
    Status now;
    if (!wait(tis_interface_limit_ns, [this, &now] {
            now = status();
            return now.get(TisStatus::stsValid);
        })) {
        return hv::Err{TpmError{TpmError::Kind::Timeout}};
    }
    return now;
}

template <TisMmio Mmio, TisClock Clock>
hv::Result<void, TpmError> Tis<Mmio, Clock>::send(std::span<const std::byte> command) {
    if (!wait(tis_interface_limit_ns, [this] { return become_ready(); })) {
        return hv::Err{TpmError{TpmError::Kind::Timeout}};
    }
    for (size_t sent = 0; sent < command.size();) {
        const size_t n = std::min(TRY(burst()), command.size() - sent);
        for (const std::byte b : command.subspan(sent, n)) {
            mmio_.write8(at(TisOffset::DATA_FIFO), static_cast<uint8_t>(b));
        }
        sent += n;
    }
    // The TPM has read the size field: it must expect nothing after the last byte.
    if (TRY(valid_status()).get(TisStatus::Expect)) {
        return hv::Err{TpmError{TpmError::Kind::Malformed}};
    }
    mmio_.write32(at(TisOffset::STS), Status{}.with(TisStatus::tpmGo, true).raw());
    return hv::Ok{};
}

template <TisMmio Mmio, TisClock Clock>
hv::Result<void, TpmError> Tis<Mmio, Clock>::receive(std::span<std::byte> out) {
    for (size_t got = 0; got < out.size();) {
        const size_t n = std::min(TRY(burst()), out.size() - got);
        for (std::byte& b : out.subspan(got, n)) {
            if (!TRY(valid_status()).get(TisStatus::dataAvail)) {
                return hv::Err{TpmError{TpmError::Kind::Malformed}};  // shorter than it says
            }
            b = static_cast<std::byte>(mmio_.read8(at(TisOffset::DATA_FIFO)));
        }
        got += n;
    }
    return hv::Ok{};
}

template <TisMmio Mmio, TisClock Clock>
hv::Result<std::span<const std::byte>, TpmError> Tis<Mmio, Clock>::exchange(
    std::span<const std::byte> command, std::span<std::byte> response) {
    constexpr size_t header_bytes = 10;  // tag, size, code
    TRY(send(command));
    if (!wait(tis_command_limit_ns, [this] {
            const Status now = status();
            return now.get(TisStatus::stsValid) && now.get(TisStatus::dataAvail);
        })) {
        return hv::Err{TpmError{TpmError::Kind::Timeout}};
    }
    TRY(receive(response.first(header_bytes)));
    hv::Reader header{response.subspan(2, 4)};
    const size_t size = header.read_be<uint32_t>().take();
    if (size < header_bytes || size > response.size()) {
        return hv::Err{TpmError{TpmError::Kind::Malformed}};
    }
    TRY(receive(response.subspan(header_bytes, size - header_bytes)));
    if (TRY(valid_status()).get(TisStatus::dataAvail)) {
        return hv::Err{TpmError{TpmError::Kind::Malformed}};  // longer than it says
    }
    return std::span<const std::byte>{response.first(size)};
}

template <TisMmio Mmio, TisClock Clock>
hv::Result<std::span<const std::byte>, TpmError> Tis<Mmio, Clock>::transmit(
    std::span<const std::byte> command, std::span<std::byte> response) {
    auto result = exchange(command, response);
    command_ready();  // idle again, or cancels what has failed
    return result;
}

}  // namespace measure
