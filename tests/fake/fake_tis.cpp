// SPDX-License-Identifier: Apache-2.0
#include "tests/fake/fake_tis.hpp"

namespace fake {
namespace {

constexpr uint32_t ACCESS = 0x00;
constexpr uint32_t STS = 0x18;
constexpr uint32_t DATA_FIFO = 0x24;
constexpr uint32_t INTERFACE_ID = 0x30;
constexpr uint32_t DID_VID = 0xf00;

constexpr uint32_t locality_of(uint32_t offset) {
    return offset >> 12;
}
constexpr uint32_t register_of(uint32_t offset) {
    return offset & 0xfff;
}

uint32_t be32(const Bytes& bytes, size_t at) {
    uint32_t value = 0;
    for (size_t i = 0; i < 4; ++i) {
        value = value << 8 | static_cast<uint32_t>(bytes[at + i]);
    }
    return value;
}

}  // namespace

bool FakeTis::expects_more() const {
    return keeps_expecting || command_.size() < 6 || command_.size() < be32(command_, 2);
}

uint32_t FakeTis::status() const {
    uint32_t sts = 1U << 26 | burst << 8;  // TPM 2.0
    switch (state_) {
        case State::Idle:
            return sts;
        case State::Ready:
            return sts | 0x40;
        case State::Reception:
            return sts | 0x80 | (expects_more() ? 0x08 : 0);
        case State::Execution:
            return sts;
        case State::Completion:
            return sts | 0x80 | (read_ < response_.size() ? 0x10 : 0);
    }
    return sts;
}

uint32_t FakeTis::look_at_status() {
    constexpr uint32_t stsValid = 0x80;
    constexpr uint32_t expect_and_data = 0x18;
    if (invalid_looks_ == 0) {
        return status();
    }
    --invalid_looks_;
    return (status() & ~stsValid) | expect_and_data;
}

uint8_t FakeTis::read8(uint32_t offset) {
    const uint32_t locality = locality_of(offset);
    if (is_absent || locality > 4) {
        return 0xff;
    }
    if (register_of(offset) == ACCESS) {
        return static_cast<uint8_t>(0x80 | (active_ == locality ? 0x20 : 0));
    }
    if (register_of(offset) == DATA_FIFO && locality == active_ && state_ == State::Completion &&
        read_ < response_.size() && invalid_looks_ == 0) {
        invalid_looks_ = looks_until_valid;
        return static_cast<uint8_t>(response_[read_++]);
    }
    ++misuses_;
    return 0xff;
}

uint32_t FakeTis::read32(uint32_t offset) {
    const uint32_t locality = locality_of(offset);
    if (is_absent || locality > 4) {
        return 0xffffffff;
    }
    switch (register_of(offset)) {
        case STS:
            if (locality != active_) {
                ++misuses_;
                return 0xffffffff;
            }
            return look_at_status();
        case INTERFACE_ID:
            return interface_id;
        case DID_VID:
            return 0x00011014;
        default:
            ++misuses_;
            return 0xffffffff;
    }
}

void FakeTis::write8(uint32_t offset, uint8_t value) {
    const uint32_t locality = locality_of(offset);
    if (is_absent) {
        return;
    }
    if (register_of(offset) == ACCESS) {
        if ((value & 0x20) != 0 && active_ == locality) {
            active_ = none;
        } else if ((value & 0x02) != 0 && active_ == none &&
                   !denied_localities.contains(locality)) {
            active_ = locality;
        }
        return;
    }
    const bool takes = state_ == State::Ready || state_ == State::Reception;
    if (register_of(offset) != DATA_FIFO || locality != active_ || !takes || !expects_more()) {
        ++misuses_;
        return;
    }
    state_ = State::Reception;
    invalid_looks_ = looks_until_valid;
    command_.push_back(static_cast<std::byte>(value));
}

void FakeTis::write32(uint32_t offset, uint32_t value) {
    if (is_absent || locality_of(offset) != active_ || register_of(offset) != STS) {
        misuses_ += is_absent || register_of(offset) == STS ? 0 : 1;
        return;
    }
    if ((value & 0x40) != 0) {
        command_ready();
    } else if ((value & 0x20) != 0) {
        go();
    } else {
        ++misuses_;
    }
}

// To Idle from where something was under way, else to Ready: [tcg-ptp] figure 3.
void FakeTis::command_ready() {
    state_ = state_ == State::Idle || state_ == State::Ready ? State::Ready : State::Idle;
    command_.clear();
    response_.clear();
    read_ = 0;
    invalid_looks_ = 0;
}

void FakeTis::go() {
    if (state_ != State::Reception || expects_more()) {
        ++misuses_;
        return;
    }
    ++commands_;
    invalid_looks_ = looks_until_valid;
    state_ = State::Execution;
    if (commands_until_hang == 0) {
        return;
    }
    commands_until_hang -= commands_until_hang > 0 ? 1 : 0;
    response_ = back_end_(active_, command_);
    if (damage_response) {
        damage_response(response_);
    }
    read_ = 0;
    state_ = State::Completion;
}

}  // namespace fake
