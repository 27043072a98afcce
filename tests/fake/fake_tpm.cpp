// SPDX-License-Identifier: Apache-2.0
#include "tests/fake/fake_tpm.hpp"

namespace fake {
namespace {

using measure::Algorithm;
using measure::all_algorithms;

constexpr uint32_t rc_failure = 0x101;
constexpr uint32_t rc_locality = 0x907;
constexpr uint32_t rc_command_code = 0x143;

class Answer {
  public:
    Answer& u8(uint8_t n) { return put(n); }
    Answer& u16(uint16_t n) { return put(n); }
    Answer& u32(uint32_t n) { return put(n); }
    Answer& bytes(std::span<const std::byte> b) {
        body_.insert(body_.end(), b.begin(), b.end());
        return *this;
    }
    // The whole response with its header.
    Bytes finish(uint16_t tag, uint32_t code) {
        Answer whole;
        whole.u16(tag).u32(static_cast<uint32_t>(10 + body_.size())).u32(code).bytes(body_);
        return whole.body_;
    }

  private:
    template <class T>
    Answer& put(T n) {
        const hv::Be<T> ordered{n};
        return bytes(std::as_bytes(std::span{&ordered, 1}));
    }
    Bytes body_;
};

Bytes failure(uint32_t code) {
    return Answer{}.finish(0x8001, code);
}
// Empty parameters and the response to the empty password.
Bytes done() {
    return Answer{}.u32(0).u16(0).u8(1).u16(0).finish(0x8002, 0);
}

void fill(measure::DigestSet& out, measure::BankSet banks, std::byte value) {
    for (const Algorithm a : all_algorithms) {
        if (banks.has(a)) {
            out.set(a, Bytes(measure::digest_bytes(a), value));
        }
    }
}

bool is_ff_at_start(uint32_t pcr) {
    return pcr >= 17 && pcr <= 22;
}

}  // namespace

FakeTpm::FakeTpm(measure::BankSet banks) : banks_{banks} {
    for (uint32_t i = 0; i < pcrs_.size(); ++i) {
        fill(pcrs_[i], banks, is_ff_at_start(i) ? std::byte{0xff} : std::byte{});
    }
}

Bytes FakeTpm::execute(uint32_t locality, std::span<const std::byte> command) {
    hv::Reader in{command};
    (void)in.read_be<uint16_t>();
    const auto size = in.read_be<uint32_t>();
    const auto code = in.read_be<uint32_t>();
    if (!code.ok() || size.value() != command.size()) {
        return failure(rc_failure);
    }
    if (busy_times > 0) {
        --busy_times;
        return failure(busy_code);
    }
    switch (code.value()) {
        case 0x17a:
            return get_pcr_banks();
        case 0x182:
            return extend(locality, in);
        case 0x13d:
            return reset(locality, in);
        case 0x17e:
            return read(in);
        default:
            return failure(rc_command_code);
    }
}

// Inactive banks are listed with an empty selection, as TPMs do.
Bytes FakeTpm::get_pcr_banks() const {
    Answer answer;
    answer.u8(0).u32(5).u32(static_cast<uint32_t>(all_algorithms.size()) + (has_sm3 ? 1 : 0));
    for (const Algorithm a : all_algorithms) {
        const uint8_t bits = banks_.has(a) ? 0xff : 0;
        answer.u16(measure::tcg_id(a)).u8(3).u8(bits).u8(bits).u8(bits);
    }
    if (has_sm3) {
        answer.u16(0x12).u8(3).u8(0xff).u8(0xff).u8(0xff);
    }
    return answer.finish(0x8001, 0);
}

Bytes FakeTpm::extend(uint32_t locality, hv::Reader in) {
    const uint32_t pcr = in.read_be<uint32_t>().take();
    (void)in.take(in.read_be<uint32_t>().take());  // authorisation
    if (++extends_ > fail_extends_after) {
        return failure(rc_failure);
    }
    if ((pcr == 21 || pcr == 22) && locality != 2) {
        return failure(rc_locality);
    }
    const uint32_t count = in.read_be<uint32_t>().take();
    measure::DigestSet digests;
    for (uint32_t i = 0; i < count; ++i) {
        const Algorithm a = *measure::from_tcg_id(in.read_be<uint16_t>().take());
        digests.set(a, in.take(measure::digest_bytes(a)).take());
    }
    if (!in.at_end() || digests.banks() != banks_) {
        return failure(rc_failure);
    }
    pcrs_[pcr] = measure::extend(pcrs_[pcr], digests);
    return done();
}

Bytes FakeTpm::reset(uint32_t locality, hv::Reader in) {
    const uint32_t pcr = in.read_be<uint32_t>().take();
    const bool resettable =
        pcr == 16 || pcr == 23 || (pcr >= 20 && pcr <= 22 && locality == 2 && knows_locality_2);
    if (!resettable) {
        return failure(rc_locality);
    }
    fill(pcrs_[pcr], banks_, std::byte{});
    return done();
}

Bytes FakeTpm::read(hv::Reader in) const {
    (void)in.read_be<uint32_t>();
    const Algorithm bank = *measure::from_tcg_id(in.read_be<uint16_t>().take());
    const auto select = in.take(in.read_be<uint8_t>().take()).take();
    uint32_t pcr = 0;
    while (((static_cast<uint32_t>(select[pcr / 8]) >> (pcr % 8)) & 1) == 0) {
        ++pcr;
    }
    const auto value = pcrs_[pcr].get(bank);
    return Answer{}
        .u32(1)  // pcrUpdateCounter
        .u32(1)
        .u16(measure::tcg_id(bank))
        .u8(3)
        .bytes(select)
        .u32(1)
        .u16(static_cast<uint16_t>(value.size()))
        .bytes(value)
        .finish(0x8001, 0);
}

}  // namespace fake
